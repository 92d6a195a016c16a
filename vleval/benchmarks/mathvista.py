"""MathVista: the authors' rules for reading an answer and their comparison with the truth, and VLMEvalKit's.

lupantech/MathVista, evaluation/extract_answer.py `extract_answer` (with `--quick_extract`) and evaluation/calculate_score.py
`normalize_extracted_answer`, `safe_equal`, commit 53d52587. Where no rule reads an answer upstream asks a model for it; here `--judge`
does, and without a judge such an answer is wrong and counted. An `extraction` that upstream's own result file holds is taken as it is.
VLMEvalKit, vlmeval/dataset/utils/mathvista.py `post_check`, commit e8e78f05, reads letters by rules and asks a model for the rest.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from string import ascii_uppercase

import numpy as np
from rapidfuzz.distance import Levenshtein

from vldata.errors import DataError
from vleval.benchmarks.base import field_of, only_reference
from vleval.metric import Scorer, Scores
from vleval.metrics.base import answer, mean_metric
from vleval.metrics.multiple_choice import read_vlmevalkit
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

EXTRACTION = "extraction"
"""The extra of a row that holds what a model extracted from its answer."""

_CHOICE, _FREE = "multi_choice", "free_form"
_ANSWER_TYPES = ("text", "integer", "float", "list")
_QUOTED = re.compile(r'The answer is "(.*)"\.')
_LETTER = re.compile(r"\(([a-zA-Z])\)")
_OWN_FILE = "Give the benchmark's own file (testmini.json, or VLMEvalKit's MathVista_MINI.tsv) as --references."


def by_rules(row: Row) -> str | None:
    """What the authors' rules read from the answer of a row; None where they ask a model."""
    text = answer(row)
    if not text:
        return ""
    if _is_choice(row) and text in row.choices:
        return text
    kind = _answer_type(row)
    with contextlib.suppress(ValueError):
        if kind == "integer":
            return str(int(text))
        if kind == "float":
            return str(float(text))
    quoted = _QUOTED.search(text)
    return quoted[1] if quoted else None


def normal(extraction: str, row: Row) -> str | None:
    """The extracted answer in the form of the truth: an option's text, or a number as Python prints it; None where it has no such form.

    A multiple-choice answer that names no letter becomes the option of the smallest edit distance, as upstream.
    """
    if _is_choice(row):
        extraction = extraction.strip()
        if letter := _LETTER.search(extraction):
            extraction = letter[1].upper()
        letters = ascii_uppercase[: len(row.choices)]
        if len(extraction) == 1 and extraction in letters:
            return row.choices[letters.index(extraction)]
        return min(row.choices, key=lambda choice: Levenshtein.distance(extraction, choice))
    kind = _answer_type(row)
    if kind in ("integer", "float"):
        try:
            number = float(extraction)
            return str(int(number)) if kind == "integer" else str(round(number, _precision(row)))
        except (ValueError, OverflowError):
            return None
    return extraction


def _is_choice(row: Row) -> bool:
    kind = row.extra.get("question_type") or (_CHOICE if row.choices else _FREE)
    if kind not in (_CHOICE, _FREE):
        raise DataError(f"{kind!r} is no question_type of MathVista ({_CHOICE}, {_FREE}).", where=row.id, cure=_OWN_FILE)
    if kind == _CHOICE and not row.choices:
        raise DataError("is multiple choice without options.", where=row.id, cure=_OWN_FILE)
    return kind == _CHOICE


def _answer_type(row: Row) -> str:
    kind = field_of(row, "answer_type")
    if kind not in _ANSWER_TYPES:
        raise DataError(f"{kind!r} is no answer_type of MathVista ({', '.join(_ANSWER_TYPES)}).", where=row.id, cure=_OWN_FILE)
    return kind


def _precision(row: Row) -> int:
    """The decimals that a float is rounded to; those of the truth where the file does not tell them."""
    if told := row.extra.get("precision"):
        with contextlib.suppress(ValueError, OverflowError):
            return int(float(told))
        raise DataError(f"the precision {told!r} is no number of decimals.", where=row.id, cure=_OWN_FILE)
    return len(only_reference(row).partition(".")[2])


def _truth(row: Row) -> str:
    """The truth as text; VLMEvalKit's table has the option's letter where the authors' file has its text."""
    truth = only_reference(row)
    if not _is_choice(row):
        return truth
    if truth not in row.choices:
        letters = ascii_uppercase[: len(row.choices)]
        if len(truth) == 1 and truth in letters:
            return row.choices[letters.index(truth)]
        raise DataError(f"the reference {truth[:40]!r} is none of the options.", where=row.id, cure=_OWN_FILE)
    return truth


def by_letters(row: Row) -> str | None:
    """What VLMEvalKit reads without its model: the letter of a choice, or a number that is right; None where it asks."""
    text = answer(row)
    if text is None:
        return ""
    if _is_choice(row):
        return read_vlmevalkit(text, row.choices) or None
    return text if _equal_as(row, text) else None


def _equal_as(row: Row, text: str) -> bool:
    """Whether a free answer is the truth as VLMEvalKit compares them: by number, and no text or list ever (it compares None)."""
    number: type[int] | type[float] | None = {"integer": int, "float": float}.get(_answer_type(row))
    if number is None:
        return False
    with contextlib.suppress(ValueError):
        return number(text) == number(only_reference(row))
    return False


def _by_authors(row: Row, extraction: str) -> bool:
    return normal(extraction, row) == _truth(row)


def _by_vlmevalkit(row: Row, extraction: str) -> bool:
    if _is_choice(row):
        return row.choices.index(_truth(row)) == ascii_uppercase.find(read_vlmevalkit(extraction, row.choices) or "?")
    return _equal_as(row, extraction)


def mathvista(options: MetricOptions) -> Scorer:
    """Percent of answers that are right by the authors' code."""
    return _scorer(options, by_rules, _by_authors, "mathvista")


def vlmevalkit(options: MetricOptions) -> Scorer:
    """Percent of answers that are right by VLMEvalKit's code."""
    return _scorer(options, by_letters, _by_vlmevalkit, "can-infer")


def _scorer(options: MetricOptions, read: Callable[[Row], str | None], right: Callable[[Row, str], bool], name: str) -> Scorer:
    def score(rows: Sequence[Row]) -> Scores:
        hits, unread = np.zeros(len(rows)), 0
        for index, row in enumerate(rows):
            _truth(row)
            if answer(row) is None:
                continue
            extraction = row.extra.get(EXTRACTION) or read(row)
            unread += extraction is None
            hits[index] = extraction is not None and right(row, extraction)
        return Scores(values=100 * hits, unparsed=unread, notes=_notes(rows, unread))

    judge = f" extracted-by:{options.judge}" if options.judge else ""
    return mean_metric(score, signature=f"read:{name}{judge}", scale=100.0, binary=True, styled=False)


def _notes(rows: Sequence[Row], unread: int) -> tuple[str, ...]:
    notes = []
    if unread:
        notes.append(
            f"{unread:,} of {len(rows):,} answers are read by no rule of upstream's; they are wrong here. Published numbers come from "
            "a model that extracts the answer: --judge URL --judge-model NAME."
        )
    if untold := sum(row.extra.get("answer_type") == "float" and not row.extra.get("precision") for row in rows):
        notes.append(f"{untold:,} floats tell no precision: they are rounded to the decimals of their truth.")
    return tuple(notes)
