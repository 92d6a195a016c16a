"""Multiple choice as VLMEvalKit counts it without a judge: MMStar, AI2D, RealWorldQA, MMBench (circular) and Video-MME.

dataset/utils/multiple_choice.py (`eval_vanilla`, `mcq_circular_eval`), utils/matching_util.py (`can_infer`), dataset/videomme.py and
dataset/utils/videomme.py (`extract_characters_regex`, `extract_option`), commit e8e78f05.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from string import ascii_uppercase

import numpy as np

from vldata.errors import DataError
from vleval.benchmarks.base import in_group, letter_of, ratio
from vleval.metric import CorpusStats, Floats, Scorer, Scores
from vleval.metrics.base import answer, mean_metric
from vleval.metrics.multiple_choice import read_vlmevalkit
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

_TURN = 10**6  # what VLMEvalKit adds to an index for each turn of the options
_TURNED = _TURN * 27  # above it, an index is no turn of 26 options
DURATIONS = ("short", "medium", "long")
# Upstream's list lacks two commas: four of its openings became two that nobody writes.
_OPENINGS = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option isThe correct option is",
    "Best answer:Best option:",
    "Answer:",
    "Option:",
)
_FOUR = re.compile("[ABCD]")


def _unparsed(unread: int, n: int) -> tuple[str, ...]:
    return (f"{unread:,} of {n:,} answers name no option; they count as wrong and are not guessed.",) if unread else ()


def _marked(rows: Sequence[Row], read: Callable[[Row, str], str], letters: Callable[[Row], str]) -> tuple[Floats, int]:
    """Which rows are right, and how many answers could not be read."""
    hits, unread = np.zeros(len(rows)), 0
    for index, row in enumerate(rows):
        right, text = letter_of(row, letters(row)), answer(row)
        said = "" if text is None else read(row, text)
        hits[index] = said == right
        unread += text is not None and not said
    return hits, unread


def _own_letters(row: Row) -> str:
    return ascii_uppercase[: len(row.choices)]


def _can_infer(row: Row, text: str) -> str:
    return read_vlmevalkit(text, row.choices)


def vanilla(options: MetricOptions) -> Scorer:
    """Each question is asked once; the value is the share of right answers in percent."""

    def score(rows: Sequence[Row]) -> Scores:
        _refuse_rounds(rows)
        hits, unread = _marked(rows, _can_infer, _own_letters)
        return Scores(values=100 * hits, unparsed=unread, notes=_unparsed(unread, len(rows)))

    needs = ("references", "choices")
    return mean_metric(score, signature="read:can-infer judge:none", scale=100.0, binary=True, needs=needs, styled=False)


def _refuse_rounds(rows: Sequence[Row]) -> None:
    ids = [row.id.removesuffix(".0") for row in rows]
    turned = [_question(row) for row, name in zip(rows, ids, strict=True) if name.isascii() and name.isdigit() and int(name[:18]) < _TURNED]
    if len(set(turned)) < len(turned):
        raise DataError(
            "the questions were asked in several orders of their options.", cure="Score it with --benchmark mmbench, which is circular."
        )


def _question(row: Row) -> str:
    """The question that a round belongs to: upstream's `g_index`, or the index without its millions, one for each turn of the options."""
    bare = row.id.removesuffix(".0")
    alone = str(int(bare[:18]) % _TURN) if bare.isascii() and bare.isdigit() else bare
    return row.groups.get("circle") or alone


def with_circle(row: Row) -> Row:
    """The row with the question it is a round of, which its rounds are clustered by."""
    return in_group(row, "circle", _question(row))


def circular(options: MetricOptions) -> Scorer:
    """A question counts when it is right in every order of its options; the value is the share of such questions in percent."""

    def score(rows: Sequence[Row]) -> Scores:
        hits, unread = _marked(rows, _can_infer, _own_letters)
        rounds: dict[str, list[int]] = {}
        for index, row in enumerate(rows):
            rounds.setdefault(_question(row), []).append(index)
        stats, notes = np.zeros((len(rows), 2)), list(_unparsed(unread, len(rows)))
        short = 0
        for name, places in rounds.items():
            main = next((place for place in places if rows[place].id.removesuffix(".0") == name), None)
            if main is None:
                fault = f"question {name} lacks the round in the order of the file, whose index is {name}."
                raise DataError(fault, where=rows[places[0]].id, cure="Score the whole results file.")
            stats[main] = (float(hits[places].all()), 1.0)
            short += len(places) < len(rows[main].choices)
        if len(rounds) == len(rows):
            notes.append("Every question was asked once: this is plain accuracy, not the circular one that MMBench is quoted by.")
        elif short:
            notes.append(
                f"{short:,} of {len(rounds):,} questions were asked in fewer orders than they have options; upstream does not say so."
            )
        parts = {"plain": 100 * float(hits[stats[:, 1] == 1].mean())}
        return Scores(values=100 * hits, corpus=CorpusStats(stats, _share), unparsed=unread, notes=tuple(notes), parts=parts)

    signature = "read:can-infer judge:none circular"
    return Scorer(score=score, signature=signature, scale=100.0, kind="corpus", needs=("references", "choices"), styled=False)


def _share(sums: Floats) -> Floats:
    return 100 * ratio(sums[:, 0], sums[:, 1])


def read_video_mme(text: str, choices: Sequence[str]) -> str:
    """The first of A to D behind the openings that upstream takes off, a letter inside a word included; else as `can_infer` reads it."""
    bare = text.strip()
    for opening in _OPENINGS:
        bare = bare.replace(opening, "")
    found = _FOUR.search(bare)
    return found[0] if found else read_vlmevalkit(text, choices)


def listed_choices(row: Row) -> tuple[str, ...]:
    """The options in the lines of the question, as upstream takes them, else the row's own."""
    found: list[str] = []
    for place, line in enumerate(row.question.split("\n")[1:]):
        mark = f"{ascii_uppercase[place]}." if place < len(ascii_uppercase) else "\0"
        if mark not in line:
            break
        found.append(line[line.index(mark) + 2 :].strip(". \n"))
    return tuple(found) or row.choices


def duration_of(row: Row) -> str:
    """short, medium or long; "" where the row does not tell."""
    return next((text for text in (row.extra.get("duration", ""), row.category) if text in DURATIONS), "")


def with_video(row: Row) -> Row:
    """The row with its video, where it tells one: the questions of a video are clustered."""
    video = row.groups.get("cluster", "")
    return in_group(row, "scene", video) if video else row


def video_mme(options: MetricOptions) -> Scorer:
    """The share of right answers in percent, over all videos and by their duration."""

    def score(rows: Sequence[Row]) -> Scores:
        hits, unread = _marked(rows, lambda row, text: read_video_mme(text, listed_choices(row)), lambda row: "ABCD")
        names = [duration_of(row) for row in rows]
        parts = {}
        for duration in DURATIONS:
            inside = np.array([name == duration for name in names])
            if inside.any():
                parts[duration] = 100 * float(hits[inside].mean())
        notes = list(_unparsed(unread, len(rows)))
        if lacking := names.count(""):
            notes.append(f"{lacking:,} of {len(rows):,} rows do not tell the video's duration; they are in the whole only.")
        return Scores(values=100 * hits, unparsed=unread, parts=parts, notes=tuple(notes))

    return mean_metric(score, signature="read:first-letter judge:none", scale=100.0, binary=True, styled=False)
