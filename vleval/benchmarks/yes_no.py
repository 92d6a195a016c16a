"""Yes-or-no benchmarks as VLMEvalKit counts them: POPE (F1) and HallusionBench (aAcc, fAcc, qAcc); POPE by its own script too.

VLMEvalKit: dataset/utils/yorn.py, commit e8e78f05, `YOrN_Extraction`, `POPE_rating`, `Hallusion_rating`, without a judge. POPE:
RUCAIBox/POPE evaluate.py, commit 3df3ba1b.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from vldata.errors import DataError
from vleval.benchmarks.base import flags, in_group, only_reference, ratio
from vleval.metric import CorpusStats, Floats, Scorer, Scores
from vleval.metrics.base import answer, mean_metric
from vleval.metrics.options import MetricOptions
from vleval.metrics.vqa import without_punctuation_lone
from vleval.rows import Row

_ID_PARTS = 6  # VD_illusion_2_0_1_0: category, subcategory, whether an image is shown, set, figure, question


def read_words(text: str) -> str:
    """VLMEvalKit: "yes" or "no" where one of them is a word of the answer and the other is not; else ""."""
    words = set(without_punctuation_lone(text.lower()).split())
    said = [word for word in ("yes", "no") if word in words]
    return said[0] if len(said) == 1 else ""


def read_negation(text: str) -> str:
    """POPE's script: "no" where the first sentence holds No, no or not as a word between blanks; all else is "yes"."""
    words = text.split(".")[0].replace(",", "").split(" ")
    return "no" if {"No", "no", "not"} & set(words) else "yes"


def truth(row: Row) -> bool:
    """Whether the right answer is yes.

    Raises:
        DataError: it is neither yes nor no.
    """
    text = only_reference(row).strip().lower()
    if text in ("yes", "no"):
        return text == "yes"
    raise DataError(f"the reference {text[:40]!r} is neither yes nor no.", where=row.id, cure="Is it this benchmark's file?")


def _f1(sums: Floats) -> Floats:
    """F1 in percent of (true yes, said yes, both) summed over rows."""
    precision, recall = ratio(sums[:, 2], sums[:, 1]), ratio(sums[:, 2], sums[:, 0])
    return 100 * ratio(2 * precision * recall, precision + recall)


def _parts(truths: Floats, said: Floats, hits: Floats, weights: Floats) -> dict[str, float]:
    """Accuracy, precision, recall, F1 and the share of yes, in percent."""
    true, yes, both, right, n = (float((weights * column).sum()) for column in (truths, said, truths * said, hits, np.ones_like(hits)))
    return {
        "accuracy": 100 * right / n,
        "precision": 100 * both / yes if yes else 0.0,
        "recall": 100 * both / true if true else 0.0,
        "F1": float(_f1(np.array([[true, yes, both]]))[0]),
        "yes ratio": 100 * yes / n,
    }


def _pope(read: Callable[[str], str], signature: str, *, by_split: bool) -> Callable[[MetricOptions], Scorer]:
    def score(rows: Sequence[Row]) -> Scores:
        read_as = [read(text) if (text := answer(row)) is not None else "" for row in rows]
        truths, said = flags(rows, truth), np.array([float(text == "yes") for text in read_as])
        known = np.array([float(text != "") for text in read_as])
        hits = known * (truths == said)
        names = [row.category.split(",") if by_split else [""] for row in rows]
        weights = np.array([float(len(found)) for found in names])  # a question of three splits counts in each of them
        parts = _parts(truths, said, hits, weights)
        for name in sorted({name for found in names for name in found if name}):
            inside = np.array([float(found.count(name)) for found in names])
            parts |= {f"{name} {part}": value for part, value in _parts(truths, said, hits, inside).items() if part in ("F1", "accuracy")}
        unread = sum(1 for row, text in zip(rows, read_as, strict=True) if not text and answer(row) is not None)
        notes = (f"{unread:,} of {len(rows):,} answers are neither yes nor no; they count as wrong.",) if unread else ()
        stats = np.stack([truths * weights, said * weights, truths * said * weights], axis=1)
        return Scores(values=100 * hits, corpus=CorpusStats(stats, _f1), unparsed=unread, parts=parts, notes=notes)

    def build(options: MetricOptions) -> Scorer:
        return Scorer(score=score, signature=signature, scale=100.0, kind="corpus", styled=False)

    build.__doc__ = read.__doc__
    return build


pope = _pope(read_words, "read:yes-no-word value:F1", by_split=True)
pope_official = _pope(read_negation, "read:negation value:F1", by_split=False)


def _place(row: Row) -> tuple[str, str, str, str]:
    """Subcategory, set, figure and question, as they stand in the id.

    Raises:
        DataError: the id is of another shape.
    """
    parts = row.id.split("_")
    if len(parts) != _ID_PARTS:
        fault = "the id is not category_subcategory_image_set_figure_question, by which figures and questions are grouped."
        raise DataError(fault, where=row.id, cure="Give the ids of VLMEvalKit's HallusionBench.tsv, as VD_illusion_2_0_1_0.")
    return row.extra.get("l2-category") or parts[1], parts[3], parts[4], parts[5]


def with_set(row: Row) -> Row:
    """The row with its set of figures, which questions about the same figures are clustered by."""
    place = _place(row)
    return in_group(row, "scene", f"{row.id.split('_')[0]}_{place[0]}_{place[1]}")


def _all_right(keys: Sequence[tuple[str, ...]], hits: Floats) -> float:
    """The share of groups whose rows are all right, in percent."""
    right: dict[tuple[str, ...], bool] = defaultdict(lambda: True)
    for key, hit in zip(keys, hits, strict=True):
        right[key] = right[key] and bool(hit)
    return 100 * sum(right.values()) / len(right)


def hallusion(options: MetricOptions) -> Scorer:
    """The share of right answers (aAcc), of figures (fAcc) and of questions (qAcc) with all answers right, and their mean."""

    def accuracies(rows: Sequence[Row], hits: Floats) -> dict[str, float]:
        places = [_place(row) for row in rows]
        figures = _all_right([(place[0], place[1], place[2]) for place in places], hits)
        questions = _all_right([(place[0], place[1], place[3]) for place in places], hits)
        return {"aAcc": 100 * float(hits.mean()), "fAcc": figures, "qAcc": questions}

    def score(rows: Sequence[Row]) -> Scores:
        read_as = [read_words(text) if (text := answer(row)) is not None else "" for row in rows]
        hits = np.array([float(text == ("yes" if truth(row) else "no")) for row, text in zip(rows, read_as, strict=True)])
        parts = accuracies(rows, hits)
        parts["average"] = sum(parts.values()) / 3
        for name in sorted({row.category for row in rows if row.category}):
            chosen = [index for index, row in enumerate(rows) if row.category == name]
            parts |= {f"{name} {part}": value for part, value in accuracies([rows[i] for i in chosen], hits[chosen]).items()}
        unread = sum(1 for row, text in zip(rows, read_as, strict=True) if not text and answer(row) is not None)
        notes = (f"{unread:,} of {len(rows):,} answers are neither yes nor no; they count as wrong.",) if unread else ()
        return Scores(values=100 * hits, unparsed=unread, parts=parts, notes=notes)

    return mean_metric(score, signature="read:yes-no-word value:aAcc", scale=100.0, binary=True, styled=False)
