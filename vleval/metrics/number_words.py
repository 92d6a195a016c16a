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
_WORD = "|".join(sorted({*_SMALL, *_LARGE}, key=len, reverse=True))
_FIRST = "|".join(sorted(_SMALL, key=len, reverse=True))

WORD_NUMBER = (
    r"(?:half(?= (?:a|of|an)\b)|a dozen"
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
    words = [word for word in re.split(r"[ -]+", text.lower()) if word not in ("and", "a", "an")]
    if len(words) == 1 and words[0] in _ALONE:
        return _ALONE[words[0]]
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
