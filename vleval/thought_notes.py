"""What a reader must know of thoughts in answers and references: where they are scored as text, and where an answer never came."""

from __future__ import annotations

from collections.abc import Sequence

from vldata.records.thoughts import ends_unopened, has_thought, without_thought
from vleval.framing import ends_in_token
from vleval.rows import Row


def thought_notes(rows: Sequence[Row], profile: str, *, stripped: bool) -> list[str]:
    """Sentences about thoughts; none where there are none."""
    if stripped:
        cut = sum(1 for row in rows if row.prediction and not without_thought(row.prediction))
        told = [f"{cut:,} of {len(rows):,} answers end within the thought: they count as empty."] if cut else []
        unopened = sum(1 for row in rows if row.prediction and ends_unopened(row.prediction))
        if unopened:
            told.append(
                f"{unopened:,} of {len(rows):,} answers close a thought that they never opened: what stands before the mark is taken for "
                "the thought and not scored. --no-strip-think scores it."
            )
        return told
    notes = []
    referred = sum(1 for row in rows if any(map(has_thought, row.references)))
    if referred:
        notes.append(
            f"{referred:,} of {len(rows):,} references hold a thought, and profile {profile!r} scores the raw text: an answer without "
            "the very same thought counts as wrong. --strip-think takes thoughts off both sides."
        )
    ended = sum(1 for row in rows if row.prediction and ends_in_token(row.prediction) != any(map(ends_in_token, row.references)))
    if ended:
        notes.append(
            f"in {ended:,} of {len(rows):,} rows either the answer or the reference ends in a token like <|im_end|>, which "
            f"profile {profile!r} scores as text. --strip-think takes it off."
        )
    answered = sum(1 for row in rows if row.prediction and has_thought(row.prediction))
    if answered:
        notes.append(
            f"{answered:,} of {len(rows):,} answers hold a thought, which profile {profile!r} scores as part of the answer; "
            "--strip-think takes it off."
        )
    return notes
