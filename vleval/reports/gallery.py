"""The rows a report shows: which of them, with what verdict, and why."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from vldata.web.visible import visible
from vleval.metric import Floats
from vleval.reports.why import why
from vleval.rows import Row
from vleval.score_result import ScoreResult

VERDICTS = ("right", "partly", "wrong", "none")
"""none: there is no answer."""
MAX_TEXT = 2_000
MAX_REFERENCES = 8
MAX_IMAGES = 4


class ShownAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What one system answered. `length` is that of the whole answer, of which `text` may be the beginning."""

    text: str
    length: int
    verdict: str
    why: str
    values: dict[str, float | None]


class GalleryItem(msgspec.Struct, frozen=True, kw_only=True):
    """One row with the answers of all systems, in their order."""

    id: str
    question: str
    references: tuple[str, ...]
    more_references: int
    category: str
    images: tuple[str, ...]
    more_images: int
    answers: tuple[ShownAnswer, ...]


def gallery_items(results: Sequence[ScoreResult], *, limit: int, seed: int) -> tuple[tuple[GalleryItem, ...], list[dict[str, int]], str]:
    """The items, each system's count of verdicts over all rows, and the sentence that says which rows are shown."""
    verdicts = [verdicts_of(result) for result in results]
    counted = [{name: int(np.count_nonzero(row == number)) for number, name in enumerate(VERDICTS)} for row in verdicts]
    chosen, note = _choose(verdicts, limit, seed)
    items = tuple(_item(results, verdicts, int(position)) for position in chosen)
    return items, counted, note


def verdicts_of(result: ScoreResult) -> NDArray[np.int8]:
    """A verdict per row, by the first metric: right at its best value, wrong at its worst, partly between."""
    name = next(iter(result.measured))
    metric, scores = result.measured[name].metric, result.measured[name].scores
    share = np.nan_to_num(scores.values) / metric.scale
    if not metric.higher_is_better:
        share = 1.0 - share
    found = np.full(len(share), 1, np.int8)
    found[share >= 1 - 1e-6] = 0
    found[share <= 1e-9] = 2
    found[[row.prediction is None or bool(row.error) for row in result.rows]] = 3
    return found


def _choose(verdicts: Sequence[NDArray[np.int8]], limit: int, seed: int) -> tuple[list[int], str]:
    """All rows, or a seeded sample that keeps two thirds for rows that some system does not have right."""
    total = len(verdicts[0])
    if total <= limit:
        return list(range(total)), f"All {total:,} rows."
    generator = np.random.default_rng(seed)
    right = np.all(np.stack(verdicts) == 0, axis=0)
    failed, passed = (generator.permutation(np.flatnonzero(mask)) for mask in (~right, right))
    wanted = min(len(failed), max(limit - len(passed), limit * 2 // 3))
    chosen = np.concatenate([failed[:wanted], passed[: limit - wanted]])
    sample = f"{wanted:,} of the {len(failed):,} that are not all right, {limit - wanted:,} of the {len(passed):,} that are"
    return sorted(int(position) for position in chosen), f"{len(chosen):,} of {total:,} rows, a sample with seed {seed}: {sample}."


def _item(results: Sequence[ScoreResult], verdicts: Sequence[NDArray[np.int8]], position: int) -> GalleryItem:
    row = results[0].rows[position]
    answers = tuple(
        _answer(result, result.rows[position], int(found[position]), position) for result, found in zip(results, verdicts, strict=True)
    )
    return GalleryItem(
        id=visible(row.id[:200]),
        question=visible(row.question[:MAX_TEXT]),
        references=tuple(visible(text[:300]) for text in row.references[:MAX_REFERENCES]),
        more_references=max(0, len(row.references) - MAX_REFERENCES),
        category=visible(row.category[:100]),
        images=row.images[:MAX_IMAGES],
        more_images=max(0, len(row.images) - MAX_IMAGES),
        answers=answers,
    )


def _answer(result: ScoreResult, row: Row, verdict: int, position: int) -> ShownAnswer:
    text = row.prediction or ""
    columns: dict[str, Floats] = {name: measured.scores.values for name, measured in result.measured.items()}
    return ShownAnswer(
        text=visible(text[:MAX_TEXT]),
        length=len(text),
        verdict=VERDICTS[verdict],
        why=visible(why(row, VERDICTS[verdict])),
        values={name: None if np.isnan(column[position]) else float(column[position]) for name, column in columns.items()},
    )
