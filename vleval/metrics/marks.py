"""A judge's mark from 1 to 5 out of its reply, in the forms in which judges write it. What is outside 1 to 5 is no mark."""

from __future__ import annotations

import re

from vldata.records.thoughts import without_thought

_N = r"(\d{1,3}(?:\.\d{1,3})?)"
_NAME = r"(?:mark|score|rating|grade|verdict|overall|评分|得分|分数|打分)"
_SCALE = r"(?:\s{0,2}[(\[（]\s{0,2}1\s{0,2}(?:-|–|~|to|到|至)\s{0,2}5\s{0,2}[)\]）])?"  # "Score (1-5): 4"
_END = r"(?![\d%]|e\d)(?!\s{0,3}(?:-|–|~|to|or|或)\s{0,3}\d)"  # not of 45, 4 %, 3-4, "4 or 5"
# Each names a mark by itself; a scale behind it must be 5.
_FORMAL = re.compile(
    rf"""["']{_NAME}["']\s{{0,5}}:\s{{0,5}}["']?{_N}(?![\d.]\d)"""
    rf"|\[\[\s{{0,3}}{_N}\s{{0,3}}\]\]|\\boxed\s{{0,3}}\{{\s{{0,3}}{_N}\s{{0,3}}\}}|\\boxed\{{\\text\{{{_N}\}}\}}"
    rf"|<{_NAME}>\s{{0,5}}{_N}\s{{0,5}}</{_NAME}>|<answer>\s{{0,5}}{_N}\s{{0,5}}</answer>",
    re.IGNORECASE,
)
_WORDED = re.compile(
    rf"scale\s+(?:of|from)\s+1\s+to\s+5\s{{0,2}}[:,]\s{{0,3}}{_N}(?!\d)|\b(?:rate|give|award|deserves|merits)\b[^.\n]{{0,60}}?\ban?\s+{_N}(?![\d/-])"
    rf"|{_NAME}{_SCALE}[*_]{{0,3}}\s{{0,3}}(?:is|:|：|=|为|是)\s{{0,3}}[*_(\[]{{0,3}}{_N}{_END}"
    rf"|(?<![\d./]){_N}\s{{1,3}}is\s{{1,3}}my\s{{1,3}}(?:final\s{{1,3}})?{_NAME}\b"
    rf"|(?<![\d./]){_N}\s{{0,3}}(?:/|out\s+of|分\s?/)\s{{0,3}}5(?![\d.]\d)|(?<![\d./]){_N}\s{{0,2}}分(?!之)",
    re.IGNORECASE,
)
# What stands in front of a mark that is not this answer's: "To get 5/5", "a perfect answer is a 5", "If it named the room, the score is 5".
_BEFORE = 160
_SENTENCE = re.compile(r"[.!?](?=\s)|[\n。！？]")
_CLAUSE = re.compile(r"[,;:，；：（(]")
_SUPPOSED = re.compile(r"(?:^|[,;:，；：])\s{0,3}(?:(?:if|were|had)\b|如果|若)", re.IGNORECASE)
_NOT_THIS = re.compile(
    r"\b(?:to|would|could|should|must|needs?)\s+(?:get|earn|reach|score|deserve|be|merit)\b|\b(?:not|perfect|full|highest|top|max(?:imum)?)\b"
    r"|n['’]t\b|满分|最高|不",
    re.IGNORECASE,
)
_OTHER_SCALE = re.compile(r"\s{0,3}(?:/|out\s+of)\s{0,3}(?!5(?!\d))\d", re.IGNORECASE)
_LONE = re.compile(rf"[\s*_#>`\"'(\[]{{0,8}}{_N}[\s*_`\"')\].]{{0,8}}")
_FIRST = re.compile(rf"[\s*_#>]{{0,8}}{_N}\s{{0,3}}(?:[.:,;)—–-]\s|\n)")


def read_mark(reply: str) -> float | None:
    """The mark of a reply: the last that is stated, else a number alone, in front of the reasons or on the last line; None for none.

    Thoughts do not count, nor what another answer would get. "4/5" and "4 out of 5" are 4; "8/10" and 7 are no marks.
    """
    text = without_thought(reply).strip()
    worded = [match for match in _WORDED.finditer(text) if not _is_of_another(text[max(0, match.start() - _BEFORE) : match.start()])]
    found = sorted((*_FORMAL.finditer(text), *worded), key=lambda match: match.start())
    stated = [(match.start(), next(part for part in match.groups() if part), match.end()) for match in found]
    if stated:
        _, number, end = stated[-1]
        return None if _OTHER_SCALE.match(text[end:]) else _within(number)
    for candidate in (text, text.rsplit("\n", 1)[-1]):
        if lone := _LONE.fullmatch(candidate):
            return _within(lone[1])
    first = _FIRST.match(text)
    return _within(first[1]) if first else None


def _is_of_another(before: str) -> bool:
    sentence = _SENTENCE.split(before)[-1]
    return bool(_SUPPOSED.search(sentence) or _NOT_THIS.search(_CLAUSE.split(sentence)[-1]))


def _within(number: str) -> float | None:
    mark = float(number)
    return mark if 1 <= mark <= 5 else None


def read_number(text: str) -> float | None:
    """A mark in a file of marks: a plain number, or a judge's whole reply. 0 is what OpenEQA writes for a missing answer."""
    try:
        number = float(text)
    except ValueError:
        return read_mark(text)
    return number if 1 <= number <= 5 or number == 0 else None
