"""Multiple choice: which option an answer names. What cannot be read is reported as unparsed, never guessed.

References are letters, option texts or numbers; options come from the row's `choices`, or from the lines of its question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from string import ascii_uppercase

import numpy as np

from vldata.errors import DataError
from vleval.metric import Floats, Scorer, Scores
from vleval.metrics.base import answer, mean_metric, references
from vleval.metrics.choice_reading import bare_number, read_options
from vleval.metrics.evalscope_choice import read_evalscope
from vleval.metrics.options import MetricOptions
from vleval.metrics.text import vlkit_normal
from vleval.metrics.word_keys import LONG
from vleval.rows import Row

_OPTION_LINE = re.compile(r"^[ \t(]{0,4}([A-Z])[.):、][ \t]{0,4}([^\n]+)$", re.MULTILINE)
_NOT_BLANK = re.compile(r"\S+")
_LONGEST_KEY = 2_000  # characters of a reference that is looked at for letters
_STRICT_LINE = re.compile(r"(?i)^ANSWER\s*:\s*([A-Za-z\d ,]+)\s*(?:$|\n|\.)", re.MULTILINE)
_LOOSE_LINE = re.compile(r"(?i)ANSWER\s*:\s*([A-Za-z\d ,]+)(?:[^\w]|\n|$|\.)")
_INSPECT_WRAPPERS = (
    (re.compile(r"\$\s*([A-Za-z\d][A-Za-z\d ,]*?)\s*\$"), r"\1"),
    (re.compile(r"\*\*\s*([A-Za-z\d][A-Za-z\d ,]*?)\s*\*\*"), r"\1"),
    (re.compile(r"(^|[:,])(\s*)\(([A-Za-z\d])\)(?=\s*(?:,|\.|\n|\Z))"), r"\1\2\3"),
)
_VERBOSE = re.compile(r"(?i)(?:correct\s+)?answer\s+is\s+\**([ABCD])\**")
_VLMEVAL_BLANKED = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))
_VLMEVAL_REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
_VLMEVAL_FAILED = "Failed to obtain answer via API"

Reader = Callable[[str, Sequence[str]], str]


def _by_text(text: str, choices: Sequence[str]) -> str:
    folded = vlkit_normal(text)
    options = [vlkit_normal(choice) for choice in choices]
    if folded in options:
        return ascii_uppercase[options.index(folded)]
    named = [letter for letter, option in zip(ascii_uppercase, options, strict=False) if option and _names(folded, option)]
    return named[0] if len(named) == 1 else ""


def _names(text: str, option: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(option)}(?!\w)", text) is not None


def read_vlmevalkit(text: str, choices: Sequence[str]) -> str:
    """VLMEvalKit, utils/matching_util.py `can_infer`: "" where upstream would ask a judge, and guess at random when that fails too.

    "Z" stands for a refusal.
    """
    letters = ascii_uppercase[: len(choices)]
    return _vlmeval_option(text, letters) or _vlmeval_text(text, choices)


def _vlmeval_option(text: str, letters: str) -> str:
    if _VLMEVAL_FAILED in text:
        return ""
    if any(refusal in text for refusal in _VLMEVAL_REFUSALS):
        return "Z"
    first, count = _first_places(text.translate(_VLMEVAL_BLANKED), {*letters, "Z"})
    present = [letter for letter in letters if letter in first]
    if len(present) == 1 and first[present[0]] > count - 5:
        return present[0]
    if not present and "Z" in first:
        return "Z"
    said = _VERBOSE.search(text)
    return said[1].upper() if said and said[1].upper() in letters else ""


def _first_places(text: str, wanted: set[str]) -> tuple[dict[str, int], int]:
    """The number of the first word that is each of these, and how many words there are; of a long text no list of them is made."""
    words = text.split() if len(text) < LONG else (match[0] for match in _NOT_BLANK.finditer(text))
    first: dict[str, int] = {}
    count = 0
    for count, word in enumerate(words, start=1):
        if word in wanted:
            first.setdefault(word, count - 1)
    return first, count


def _vlmeval_text(text: str, choices: Sequence[str]) -> str:
    lowered = text.lower()
    if len(lowered) > 2 * sum(len(choice) for choice in choices):
        return ""
    named = [letter for letter, choice in zip(ascii_uppercase, choices, strict=False) if choice.lower() in lowered]
    return named[0] if len(named) == 1 else ""


def read_inspect(text: str, choices: Sequence[str]) -> str:
    """inspect_ai 0.3.285, solver/_multiple_choice.py `parse_answers` with one right answer: the last "ANSWER: B"."""
    for pattern, replacement in _INSPECT_WRAPPERS:
        text = pattern.sub(replacement, text)
    found = _STRICT_LINE.findall(text) or _LOOSE_LINE.findall(text)
    if not found:
        return ""
    tokens = [token for token in found[-1].strip().rstrip(".").upper().split(",") if token]
    allowed = ascii_uppercase[: len(choices)]
    return tokens[0] if len(tokens) == 1 and len(tokens[0]) == 1 and tokens[0] in allowed else ""


def target_letter(reference: str, choices: Sequence[str]) -> str:
    """The letter of a reference that is a letter or an option's text; "" when it is neither."""
    bare = reference.strip()
    if len(bare) == 1 and bare.upper() in (ascii_uppercase[: len(choices)] if choices else ascii_uppercase):
        return bare.upper()
    return _by_text(bare, choices)


def choices_in(question: str) -> tuple[str, ...]:
    """The options that a question lists itself, one a line from A on."""
    found: list[str] = []
    for line in _OPTION_LINE.finditer(question):
        if line[1] == ascii_uppercase[len(found)]:
            found.append(line[2].strip())
        elif found and line[1] == "A":
            found = [line[2].strip()]
        if len(found) == len(ascii_uppercase):
            break
    return tuple(found) if len(found) > 1 else ()


def number_base(rows: Sequence[Row]) -> int:
    """Where references count their options from, 0 or 1, if they are numbers and no option's text; -1 where they are none.

    Raises:
        DataError: they are numbers that may count from either.
    """
    given = [(text.strip(), row.choices) for row in rows if row.choices for text in row.references]
    numbers = [(int(text), choices) for text, choices in given if _is_number(text, choices)]
    if not numbers:
        return -1
    if all(_is_number(text, ()) and int(text) <= len(choices) for text, choices in given):  # one that reads as an option is a number too
        numbers = [(int(text), choices) for text, choices in given]
    if any(number == 0 for number, _ in numbers):
        return 0
    if any(number == len(choices) for number, choices in numbers):
        return 1
    raise DataError(
        "the references are numbers of options, and nothing tells whether they count from 0 or from 1.",
        where=rows[0].id,
        cure="Write them as letters, or as the options' texts.",
    )


def all_numbers(rows: Sequence[Row], base: int) -> bool:
    """Whether every reference is the number of an option: then it is no option's text, even where an option reads the same."""
    if base < 0:
        return False
    return all(_is_number(text, ()) and 0 <= int(text) - base < len(row.choices) for row in rows if row.choices for text in row.references)


def _is_number(text: str, choices: Sequence[str]) -> bool:
    bare = text.strip()
    return bare.isascii() and bare.isdigit() and len(bare) < 3 and bare not in [choice.strip() for choice in choices]


def key_of(reference: str, choices: Sequence[str], base: int, *, numbers: bool = False) -> str:
    """The letters that a reference stands for: letters, an option's text, or its number; "" when it is none.

    `numbers`: all references are numbers, so that a number is never an option's text.
    """
    if base >= 0 and _is_number(reference, () if numbers else choices):
        place = int(reference) - base
        return ascii_uppercase[place] if 0 <= place < len(choices) else ""
    folded = vlkit_normal(reference)
    texts = [vlkit_normal(choice) for choice in choices]
    if texts.count(folded) == 1:
        return ascii_uppercase[texts.index(folded)]
    return read_options(reference, choices) if len(reference) < _LONGEST_KEY else _by_text(reference, choices)


def circular(rows: Sequence[Row], values: Floats) -> dict[str, float]:
    """The share of questions that are right in every order of their options; nothing where each is asked once."""
    right: dict[str, float] = {}
    for row, value in zip(rows, values, strict=True):
        name = row.groups.get("circle", "")
        if name:
            right[name] = min(right.get(name, 1.0), float(value))
    asked = sum("circle" in row.groups for row in rows)
    return {"circular": sum(right.values()) / len(right)} if right and asked > len(right) else {}


def _build(read: Reader, signature: str, *, needs: tuple[str, ...]) -> Callable[[MetricOptions], Scorer]:
    def score(rows: Sequence[Row]) -> Scores:
        values = np.zeros(len(rows))
        unparsed = unkeyed = 0
        for index, row in enumerate(rows):
            choices = row.choices or choices_in(row.question)
            targets = {letter for reference in references(row) if (letter := target_letter(reference, choices))}
            text = answer(row)
            if text is None:
                continue
            letter = read(text, choices)
            unparsed += not letter
            unkeyed += not targets
            values[index] = float(letter in targets) if letter else 0.0
        notes = [f"{unparsed} of {len(rows)} answers name no option; they count as wrong and are not guessed."] if unparsed else []
        if unkeyed:
            notes.append(f"{unkeyed} of {len(rows)} references are neither a letter nor an option's text; their rows count as wrong.")
        return Scores(values=values, unparsed=unparsed, notes=tuple(notes))

    def build(options: MetricOptions) -> Scorer:
        return mean_metric(score, signature=signature, binary=True, needs=needs, styled=False)

    build.__doc__ = read.__doc__
    return build


def _answers_from_zero(rows: Sequence[Row]) -> tuple[bool, str]:
    """Whether answers that are bare numbers of options count from 0, and what to say of it.

    A 0 among them proves it, unless another is the number of the last option counted from 1. Else they count from 1, as people do.
    """
    given = [
        (number, len(choices)) for row in rows if (choices := row.choices or choices_in(row.question)) for number in _bare(row, choices)
    ]
    if not given:
        return False, ""
    zero, last = any(number == 0 for number, _ in given), any(number == most for number, most in given)
    if zero and not last:
        return True, f"{len(given)} answers are numbers of options, counted from 0, for some are 0 and none is beyond the last option."
    doubt = ": some are 0, and some the number of the last option" if zero else "" if last else ": nothing proves it"
    return False, f"{len(given)} answers are numbers of options, read as counted from 1{doubt}."


def _bare(row: Row, choices: Sequence[str]) -> tuple[int, ...]:
    text = answer(row)
    number = None if text is None else bare_number(text, choices)
    return () if number is None else (number,)


def vlkit(options: MetricOptions) -> Scorer:
    """Our recommendation: the options that an answer names are those of a reference; see `choice_reading`."""

    def score(rows: Sequence[Row], *, keys: bool = False) -> Scores:
        base = number_base(rows)
        numbers = all_numbers(rows, base)
        from_zero, said = (False, "") if keys else _answers_from_zero(rows)
        values = np.zeros(len(rows))
        unparsed = unkeyed = 0
        for index, row in enumerate(rows):
            choices = row.choices or choices_in(row.question)
            targets = {letters for reference in references(row) if (letters := key_of(reference, choices, base, numbers=numbers))}
            text = answer(row)
            if text is None:
                continue
            letters = key_of(text, choices, base, numbers=numbers) if keys else read_options(text, choices)
            if from_zero and (number := bare_number(text, choices)) is not None:
                letters = ascii_uppercase[number] if number < len(choices) else ""
            unparsed += not letters
            unkeyed += not targets
            values[index] = float(letters in targets) if letters else 0.0
        notes = [f"{unparsed} of {len(rows)} answers name no option; they count as wrong and are not guessed."] if unparsed else []
        if unkeyed:
            notes.append(f"{unkeyed} of {len(rows)} references are neither letters nor an option's text; their rows count as wrong.")
        if base >= 0:
            notes.append(f"References are numbers of options, counted from {base}.")
        notes += [said] if said else []
        parts = circular(rows, values)
        if parts:
            notes.append("Questions are asked in several orders of their options: `circular` counts one that is right in all of them.")
        return Scores(values=values, unparsed=unparsed, notes=tuple(notes), parts=parts)

    return replace(mean_metric(score, signature="read:options-3 refs:any", binary=True), gold=lambda rows: score(rows, keys=True))


vlmevalkit = _build(read_vlmevalkit, "read:can-infer judge:none", needs=("references", "choices"))
evalscope = _build(read_evalscope, "read:evalscope", needs=("references", "choices"))
inspect = _build(read_inspect, "read:answer-line", needs=("references", "choices"))
