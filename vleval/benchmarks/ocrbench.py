"""OCRBench v1: an answer is right that holds an accepted one; points of 1,000 questions in ten categories.

VLMEvalKit, dataset/image_vqa.py `OCRBench.evaluate`, commit e8e78f05; the same rule as the authors' OCRBench/example.py
(Yuliang-Liu/MultimodalOCR, commit 794c36d6).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vldata.errors import DataError
from vleval.benchmarks.base import field_of
from vleval.metric import Scorer, Scores
from vleval.metrics.base import answer, mean_metric, references
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

_FORMULAS = "Handwritten Mathematical Expression Recognition"
_RECOGNITION = "Text Recognition"
_CATEGORIES = {
    "Regular Text Recognition": _RECOGNITION,
    "Irregular Text Recognition": _RECOGNITION,
    "Artistic Text Recognition": _RECOGNITION,
    "Handwriting Recognition": _RECOGNITION,
    "Digit String Recognition": _RECOGNITION,
    "Non-Semantic Text Recognition": _RECOGNITION,
    "Scene Text-centric VQA": "Scene Text-centric VQA",
    "Doc-oriented VQA": "Doc-oriented VQA",
    "Key Information Extraction": "Key Information Extraction",
    _FORMULAS: _FORMULAS,
}
_QUESTIONS = 1_000


def holds(prediction: str, known: Sequence[str], *, formula: bool) -> bool:
    """Whether the answer holds one that is accepted: without case, or for formulas without blanks."""

    def bare(text: str) -> str:
        return text.strip().replace("\n", " ").replace(" ", "") if formula else text.lower().strip().replace("\n", " ")

    text = bare(prediction)
    return any(bare(reference) in text for reference in known)


def _category(row: Row) -> str:
    name = row.category or row.extra.get("question_type") or field_of(row, "category")  # lmms-eval calls it question_type
    if name not in _CATEGORIES:
        raise DataError(f"{name!r} is no category of OCRBench.", where=row.id, cure="Categories: " + ", ".join(_CATEGORIES) + ".")
    return name


def ocrbench(options: MetricOptions) -> Scorer:
    """Percent of right answers, which over all 1,000 questions is the final score through ten; the points by category are its parts."""

    def score(rows: Sequence[Row]) -> Scores:
        names = [_category(row) for row in rows]
        texts = [answer(row) for row in rows]
        hits = np.array(
            [
                text is not None and holds(text, references(row), formula=name == _FORMULAS)
                for row, name, text in zip(rows, names, texts, strict=True)
            ],
            np.float64,
        )
        points = dict.fromkeys(_CATEGORIES.values(), 0.0)
        for name, hit in zip(names, hits, strict=True):
            points[_CATEGORIES[name]] += float(hit)
        notes: tuple[str, ...] = ()
        if len(rows) != _QUESTIONS:
            notes = (f"OCRBench has {_QUESTIONS:,} questions and here are {len(rows):,}: the final score is not one of {_QUESTIONS:,}.",)
        return Scores(values=100 * hits, parts={**points, "final score": float(hits.sum())}, notes=notes)

    return mean_metric(score, signature="contains refs:any", scale=100.0, binary=True)
