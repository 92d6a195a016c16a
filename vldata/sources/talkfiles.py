"""What the first rows of conversation files tell about all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError
from vldata.records.boxes import Target
from vldata.records.codes import CODES
from vldata.sources.assemble import SHOWING, tags_suffice
from vldata.sources.census import MEANING
from vldata.sources.dialects import DIALECTS, Dialect, find_dialect
from vldata.sources.dialects.messages import usual_keys
from vldata.sources.dialects.names import PLACEHOLDERS, Names
from vldata.sources.errors import RowError
from vldata.sources.rowmeta import is_own, mixed_splits
from vldata.sources.rows import Row, RowFault, RowFile
from vldata.sources.shards import Shard
from vldata.wording import counted

SAMPLE_ROWS = 1_000


class FoundTalk(msgspec.Struct, frozen=True):
    """What the first rows of a file tell about all of them."""

    dialect: Dialect
    rows: int
    dialects: dict[str, int]
    placeholders: tuple[str, ...]
    embedded: bool
    splits: str  # a warning where its rows are of several
    own: tuple[str, ...]  # the meta keys, where the rows are records of ours
    shows: bool  # whether any of them has an image or a video
    keys: tuple[str, str, str]  # of the turns, a role and a content in the first row that has them


def rows_of(files: tuple[RowFile | Shard, ...]) -> Iterator[tuple[str, Row]]:
    """Yield the rows of all files, in order."""
    for file in files:
        yield from file.rows()


def said_of_files(files: tuple[RowFile | Shard, ...]) -> tuple[str, ...]:
    """Return what was found out about the files when they were opened."""
    return tuple(sentence for file in files[:8] if isinstance(file, RowFile) for sentence in file.said)


def look_at(path: Path, sample: Sequence[tuple[str, Row]], names: Names) -> FoundTalk:
    """Look at the first rows: which dialects, which placeholders.

    Raises:
        DataError: none of them is a conversation.
    """
    counts: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    shows = False
    own: dict[str, None] = {}
    texts: list[str] = []
    keys = ("", "", "")
    for _, given in sample:
        for row in given if type(given) is list else [given]:
            dialect = find_dialect(row, names) if isinstance(row, dict) else None
            if dialect is None or not isinstance(row, dict):
                continue
            keys = keys if keys[0] else usual_keys(row, names)
            counts[next(name for name, known in DIALECTS.items() if known is dialect)] += 1
            if is_own(row):
                own.update(dict.fromkeys(row["meta"]))
                shows = shows or bool(row.get("images"))
                continue
            rows.append({"split": row.get("split")})
            try:
                talk = dialect.read(row, names)
            except RowError:
                continue
            shows = (
                shows or bool(talk.images or talk.videos or talk.named) or not all(isinstance(content, str) for _, content in talk.turns)
            )
            asked = [content for role, content in talk.turns if role in SHOWING and isinstance(content, str)]
            if not tags_suffice(talk):
                texts += [text for text in asked if talk.images or talk.videos or "<img>" in text]
    if not counts:
        if not sample:
            raise DataError("has no rows.", where=str(path), cure="Give the file that holds them.")
        raise no_conversation(path, sample)
    text = "\n".join(text for text in texts if "<" in text or "[" in text)
    seen: list[str] = []
    for tag in sorted(PLACEHOLDERS, key=len, reverse=True):
        if tag in text:
            seen.append(tag)
            text = text.replace(tag, "\0")
    tags = tuple(tag for tag in PLACEHOLDERS if tag in seen)
    commonest = DIALECTS[counts.most_common(1)[0][0]]
    # Those that every reader knows are tags even when the first rows have none.
    known = tuple(dict.fromkeys(("<image>", "<video>", *tags)))
    embedded = "<img>" in text and "</img>" in text
    return FoundTalk(commonest, counts.total(), dict(counts), known, embedded, mixed_splits(rows), tuple(own), shows, keys)


def no_conversation(path: Path, rows: Iterable[tuple[str, Row]]) -> DataError:
    """Make the message for a file in which no row is a conversation: what the first row is instead."""
    cure = "docs/sources.md lists the forms; for pictures with a text each: vldata convert jsonl."
    for where, row in rows:
        if isinstance(row, RowFault):
            return DataError(f"no row can be read; the first, {where}: {row.reason}", where=str(path), cure=CODES[row.code].cure)
        if isinstance(row, dict):
            fields = ", ".join(list(row)[:12])
            if found := sorted(MEANING & {"chosen", "rejected", "solution"} & row.keys()):
                what = f"its rows hold {' and '.join(found)}, which are not read from rows of the fields {fields}."
                return DataError(what, where=str(path), cure="docs/sources.md lists the forms that are read.")
            return DataError(f"no row of it looks like a conversation; the first has the fields {fields}.", where=str(path), cure=cure)
    return DataError("no row of it looks like a conversation.", where=str(path), cure=cure)


def sentences(path: Path, found: FoundTalk, *, has_boxes: bool, boxes: Target) -> Iterator[str]:
    """Yield what was found, for the user."""
    forms = "; ".join(f"{DIALECTS[name].said} ({count:,})" for name, count in found.dialects.items())
    yield f"{path}: {forms} in the first {counted(found.rows, 'row')}."
    if found.splits:
        yield found.splits
    own = [tag for tag in found.placeholders if tag not in ("<image>", "<video>")] + ["<img>path</img>"] * found.embedded
    if own:
        yield f"Placeholders for media: {', '.join(own)}."
    if has_boxes:
        yield f"Boxes are written {'on a scale of 0 to 1000' if boxes == '0-1000' else 'in pixels of the written picture'} (--boxes)."
