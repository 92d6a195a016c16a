"""MMMU by its authors' parser: multiple choice and open questions.

MMMU-Benchmark/MMMU, mmmu/utils/eval_utils.py (`parse_multi_choice_response`, `parse_open_response`, `eval_open`), commit bb0b95a9.
Upstream draws a letter at random where it reads none; here such an answer is wrong and counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

import numpy as np

from vldata.errors import DataError
from vleval.benchmarks.base import letter_of
from vleval.metric import Scorer, Scores
from vleval.metrics.base import answer, mean_metric, references
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

_CHOICE = "multiple-choice"
_OUTER = ",.!?;:'"  # taken off one after the other, so that what a later mark uncovers stays
_WORDS_FOR_TEXTS = 5  # an answer of more words is searched for the options' texts
_LEADS = ("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ")
_TRIVIAL = frozenset(":,.!?;'")
_NO_EXPONENT = r"(?![eE][+-]?\d)(?![,\d])"
# Upstream's three expressions, in time linear in the answer: a number is tried once, at its first digit.
_GROUPED = re.compile(r"-?\b\d{1,3}(?:,\d{3})+\b")
_SCIENTIFIC = re.compile(r"(?:-|(?<!\d))\d++(?:\.\d++)?[eE][+-]?\d+")
_SIMPLE = re.compile(rf"(?:(?:-|(?<!\d))(?:\d++\.\d++|\d++\b)|-?\.\d++){_NO_EXPONENT}")


def read_choice(text: str, choices: Sequence[str]) -> str:
    """The letter in brackets, else between blanks, else of the option whose text is there; the last of several. "" for none."""
    for mark in _OUTER:
        text = text.strip(mark)
    text, lowered = f" {text} ", f" {text} ".lower()
    letters = ascii_uppercase[: len(choices)]
    for frame in ("({})", " {} "):
        found = {letter: text.rfind(frame.format(letter)) for letter in letters if frame.format(letter) in text}
        if found:
            return max(found, key=lambda letter: found[letter])
    if len(text.split()) <= _WORDS_FOR_TEXTS:
        return ""
    places = {letter: lowered.rfind(choice.lower()) for letter, choice in zip(letters, choices, strict=True) if choice.lower() in lowered}
    return max(places, key=lambda letter: places[letter], default="")


def normal(text: str) -> tuple[str | float, ...]:
    """A number of two decimals, or the text in lower case; one character with a blank before or behind, as no part of a word."""
    text = text.strip()
    try:
        return (round(float(text.replace(",", "")), 2),)
    except ValueError:
        lowered = text.lower()
        return (f" {lowered}", f"{lowered} ") if len(lowered) == 1 else (lowered,)


def key_phrases(text: str) -> list[str]:
    """What follows "is", "so", "answer" and their like in each line, the shortest of a line; the whole answer where nothing does."""
    text = text.strip().strip(".").lower()
    lines = text.split("\n")
    phrases: list[str] = []
    for number, line in enumerate(lines, start=1):
        leads = (*_LEADS, "=") if number == len(lines) else _LEADS
        shortest = ""
        for lead in leads:
            if lead in line:
                tail = line.rsplit(lead, 1)[1].strip()
                shortest = tail if not shortest or len(tail) < len(shortest) else shortest
        if shortest and shortest not in _TRIVIAL:
            phrases.append(shortest)
    return phrases or [text]


def numbers_in(text: str) -> list[str]:
    """All numbers: with grouped digits, with exponents, and plain ones."""
    return [*_GROUPED.findall(text), *_SCIENTIFIC.findall(text), *_SIMPLE.findall(text)]


def open_right(text: str, known: Sequence[str]) -> bool:
    """Whether a phrase of the answer holds an accepted text, or one of its numbers is an accepted number."""
    phrases = key_phrases(text)
    said = [item for phrase in [*phrases, *(number for phrase in phrases for number in numbers_in(phrase))] for item in normal(phrase)]
    truths = [item for reference in known for item in normal(reference)]
    texts = [item for item in truths if isinstance(item, str)]
    return any(any(truth in item for truth in texts) if isinstance(item, str) else item in truths for item in said)


def _is_choice(row: Row) -> bool:
    kind = row.extra.get("question_type", "")
    if kind == _CHOICE and not row.choices:
        raise DataError("is multiple choice without options.", where=row.id, cure="Give the benchmark's own file as --references.")
    return kind == _CHOICE if kind else bool(row.choices)


def mmmu(options: MetricOptions) -> Scorer:
    """Percent of right answers over all subjects' questions; choices and open questions stand apart in its parts."""

    def score(rows: Sequence[Row]) -> Scores:
        chosen = np.array([_is_choice(row) for row in rows])
        hits, unread = np.zeros(len(rows)), 0
        for index, row in enumerate(rows):
            text = answer(row)
            if chosen[index]:
                right = letter_of(row, ascii_uppercase[: len(row.choices)])
                said = "" if text is None else read_choice(text, row.choices)
                unread += text is not None and not said
                hits[index] = said == right
            else:
                hits[index] = text is not None and open_right(text, references(row))
        parts = {name: 100 * float(hits[kind].mean()) for name, kind in ((_CHOICE, chosen), ("open", ~chosen)) if kind.any()}
        notes = []
        if untold := sum(not row.extra.get("question_type") for row in rows):
            notes.append(f"{untold:,} of {len(rows):,} rows tell no question_type: those with options are taken for multiple choice.")
        note = f"{unread:,} of {int(chosen.sum()):,} answers name no option; they are wrong here, and upstream guesses at random."
        notes += [note] if unread else []
        return Scores(values=100 * hits, unparsed=unread, parts=parts, notes=tuple(notes))

    return mean_metric(score, signature="read:mmmu guess:never", scale=100.0, binary=True, styled=False)
