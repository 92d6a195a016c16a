"""One sentence on why an answer got its verdict, from the texts alone; the number itself is the metric's."""

from __future__ import annotations

import re

from rapidfuzz.distance import Levenshtein

from vleval.readers.failures import REFUSED, TRUNCATED
from vleval.rows import Row

_CUT = 1_000
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


def why(row: Row, verdict: str) -> str:
    """Say what stands out between the answer and the references."""
    if row.prediction is None or row.error:
        return f"No answer: {row.error or 'none was given'}"[:300]
    cut_off = " It was cut off at the token limit." if row.finish_reason in TRUNCATED else ""
    if row.finish_reason in REFUSED:
        return "The model refused to answer."
    if not row.prediction.strip():
        return "The answer is empty." + cut_off
    if not row.references:
        return ("Marked by a judge: " + row.extra["mark"] + "." if "mark" in row.extra else "No reference.") + cut_off
    return _against(row.prediction[:_CUT], row.references) + cut_off


def _against(text: str, references: tuple[str, ...]) -> str:
    for number, reference in enumerate(references, start=1):
        if text == reference:
            return "Equal to the reference." if len(references) == 1 else f"Equal to reference {number}."
    plain = _plain(text)
    if any(plain == _plain(reference) for reference in references):
        return "Equal to a reference but for case, blanks or punctuation."
    nearest = max(references[:50], key=lambda reference: Levenshtein.normalized_similarity(plain, _plain(reference[:_CUT])))
    if gap := _numeric_gap(text, nearest):
        return gap
    if _plain(nearest) and re.search(rf"\b{re.escape(_plain(nearest)[:200])}\b", plain):
        return "A reference stands in it, among other words."
    share = Levenshtein.normalized_similarity(plain, _plain(nearest[:_CUT]))
    return f"Other words than any reference; the nearest is {share:.0%} alike." if share else "Nothing in common with any reference."


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s%$.+-]", " ", text.casefold()).strip(" .").split())


def _numeric_gap(text: str, reference: str) -> str:
    ours, theirs = (_NUMBER.fullmatch(side.strip().rstrip("%").lstrip("$").replace(",", "")) for side in (text, reference))
    if ours is None or theirs is None:
        return ""
    value, target = float(ours[0]), float(theirs[0])
    if target == 0:
        return f"{value:g} for 0."
    return f"{abs(value - target) / abs(target):.1%} off the reference."
