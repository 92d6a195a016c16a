"""Answers that hold the right words among others: wrong by the metric, and a reader of the number should know how many there are."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Sequence

from vleval.metric import Floats, Metric
from vleval.metrics.text import has_cjk, vlkit_normal
from vleval.rows import Row

# Metrics that want the answer alone, and nothing around it.
_BARE = ("exact_match", "relaxed_accuracy", "anls", "vqa_accuracy")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_WHOLE = re.compile(r"(?<=\d)\.0\Z")
_PARTED = re.compile(r"<\|>|\|{1,3}|;|；|&&&|\n|<sep>|\s(?:/|or|或)\s")
_LONGEST = 200_000  # characters of an answer that is looked at


def verbose_note(metric: Metric, rows: Sequence[Row], values: Floats) -> tuple[str, ...]:
    """How many answers without a point hold a reference among other words; nothing where none does or the metric reads sentences."""
    if not metric.name.split(":")[0].startswith(_BARE):
        return ()
    wrong = parts = holding = 0
    spoilt: Counter[str] = Counter()
    for row, value in zip(rows, values, strict=True):
        if value or row.prediction is None or row.error:
            continue
        wrong += 1
        spoilt.update(what for what, undo in _SPOILT if _becomes(row, undo))
        parts += _is_part(row)
        holding += _holds(row)
    notes = [
        f"{spoilt[what]:,} of {wrong:,} wrong answers are the reference once {what}: the file was written so."
        for what, _ in _SPOILT
        if spoilt[what]
    ]
    if parts:
        what = f"{parts:,} of {wrong:,} wrong answers are one part of a reference that is parted by ||, ; / or lines"
        notes.append(f"{what}: where these are answers to choose from, write them as a list.")
    if holding:
        what = f"{holding:,} of {wrong:,} wrong answers hold a reference among other words"
        notes.append(f"{what}: ask for the answer alone, or read it out first.")
    return tuple(notes)


def _becomes(row: Row, undo: Callable[[str], str]) -> bool:
    text = (row.prediction or "")[:2_000]
    changed = undo(text)
    return changed != text and any(vlkit_normal(changed) == vlkit_normal(known) for known in row.references)


def _is_part(row: Row) -> bool:
    """Whether the answer is one of several parts of a reference."""
    text = vlkit_normal((row.prediction or "")[:_LONGEST])
    return bool(text) and any(
        len(parts) > 1 and text in map(vlkit_normal, parts) for known in row.references if (parts := _PARTED.split(known[:2_000]))
    )


def _from_latin(text: str) -> str:
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        try:
            return text.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return text


def _from_escapes(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


# What programs do to a text on its way into a file, and how to undo it.
_SPOILT: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("entities of HTML are characters again", lambda text: html.unescape(text) if "&" in text else text),
    ("UTF-8 that was read as Latin-1 is read as UTF-8", lambda text: text if text.isascii() else _from_latin(text)),
    (".0 is off whole numbers", lambda text: _WHOLE.sub("", text)),
    ("escapes like \\u4e00 are characters again", _from_escapes),
)


def _holds(row: Row) -> bool:
    text = vlkit_normal((row.prediction or "")[:_LONGEST])
    return any(_within(vlkit_normal(reference), text) for reference in row.references)


def _within(reference: str, text: str) -> bool:
    """Whether a text holds the reference as whole words and more than it."""
    if not reference or reference not in text or reference == text:
        return False
    if has_cjk(reference):
        return True
    return re.search(rf"(?<!\w)(?<!\d[.,]){re.escape(reference)}(?!\w|[.,]\d)", text) is not None
