"""Numbers written as English words, and the names of months."""

from __future__ import annotations

import re

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: number for number, word in enumerate(_ONES.split())} | {
    word: 10 * number for number, word in enumerate(_TENS.split(), start=2)
}
_LARGE = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000, "trillion": 1_000_000_000_000}
_ALONE = {"half": 0.5, "dozen": 12.0}
_SHARES = {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_SHARE = "half|halves|(?:third|quarter|fourth|fifth|sixth|eighth|tenth)s?"
_WORD = "|".join(sorted({*_SMALL, *_LARGE}, key=len, reverse=True))
_FIRST = "|".join(sorted(_SMALL, key=len, reverse=True))

WORD_NUMBER = (
    r"(?:half(?= (?:a|of|an)\b)|(?<![\w-][ -])half(?=\W{0,2}\Z)|a dozen"
    rf"|(?:one|an?)[ -](?:half|third|quarter|fourth|fifth|sixth|eighth|tenth)|(?:two|three|four|five|six|seven|eight|nine)[ -](?:{_SHARE})"
    rf"|(?:{_FIRST})[ ]and[ ](?:an?|one|two|three)[ ](?:{_SHARE})"
    rf"|(?:an?[ ](?:hundred|thousand|million|billion)|(?:{_FIRST}))(?:(?:[ -]|[ ]and[ ])(?:{_WORD})\b){{0,12}})"
)
"""One number in words, as a pattern."""

_NAMES = "January February March April May June July August September October November December"
MONTHS = {
    form: number
    for number, name in enumerate(_NAMES.lower().split(), start=1)
    for form in ((name,) if name == "may" else (name, name[:3], "sept") if name == "september" else (name, name[:3]))
}
"""Names and short names of months, in lower case, to their numbers."""


def value_of_words(text: str) -> float:
    """The number that words stand for: "one hundred and five", "twenty-one", "a dozen"."""
    words = [word for word in re.split(r"[ -]+", text.lower().strip()) if word not in ("and", "a", "an")]
    if len(words) == 1 and words[0] in _ALONE:
        return _ALONE[words[0]]
    if len(words) < 4 and (below := _SHARES.get(words[-1]) or _SHARES.get(words[-1].removesuffix("s"))):
        shares = _SMALL.get(words[-2], 1) if len(words) > 1 and " and " not in f" {text.lower()} " else 1
        if " and " in text.lower():
            behind = text.lower().rsplit(" and ", 1)[1].split()
            return _SMALL[words[0]] + _SMALL.get(behind[0], 1) / below
        return shares / below
    total = part = 0
    for word in words:
        if word in _SMALL:
            part += _SMALL[word]
        elif word == "hundred":
            part = (part or 1) * 100
        else:
            total += (part or 1) * _LARGE[word]
            part = 0
    return float(total + part)
