from __future__ import annotations

import numpy as np
import pytest

from vldata.errors import DataError, MissingExtraError
from vleval.metrics.options import MetricOptions
from vleval.profiles import resolve
from vleval.rows import Row


def listed(*boxes):
    return str([{"bbox": list(box[1:]), "label": box[0]} for box in boxes])


def row(answer, reference, **fields):
    return Row(id="p", prediction=answer, references=(reference,), **fields)


TWO = listed(("cat", 0, 0, 10, 10), ("dog", 20, 20, 40, 40))


def test_counts_add_up_over_pictures():
    rows = [
        row(TWO, TWO),
        row(listed(("Cat ", 0, 0, 10, 9), ("dog", 20, 20, 40, 40), ("dog", 20, 20, 40, 40)), TWO),
        row(listed(("dog", 0, 0, 10, 10)), listed(("cat", 0, 0, 10, 10))),
        row("nothing here", listed(("cat", 0, 0, 10, 10))),
        row(None, listed(("cat", 0, 0, 10, 10)), error="timeout"),
        row("[]", "[]"),
    ]
    scores = resolve("vlkit", "detection_f1").score(rows)
    assert [tuple(detail.values()) for detail in scores.details] == [(2, 0, 0), (2, 1, 0), (0, 1, 1), (0, 0, 1), (0, 0, 1), (0, 0, 0)]
    assert scores.corpus.value(scores.corpus.rows.sum(axis=0)[None])[0] == pytest.approx(2 * 4 / (2 * 4 + 2 + 3))
    assert scores.parts["precision"] == pytest.approx(4 / 6)
    assert scores.parts["recall"] == pytest.approx(4 / 7)
    assert scores.parts["f1_agnostic"] == pytest.approx(2 * 5 / (2 * 5 + 1 + 2))
    assert scores.values[5] == 1
    assert scores.unparsed == 1


def test_the_largest_overlap_is_matched_first():
    answer = listed(("a", 0, 0, 10, 6), ("a", 0, 0, 10, 10))
    reference = listed(("a", 0, 0, 10, 10), ("a", 0, 0, 10, 5.5))
    assert resolve("vlkit", "detection_f1").score([row(answer, reference)]).details == ({"tp": 2, "fp": 0, "fn": 0},)
    strict = resolve("vlkit", "detection_f1", MetricOptions(iou=0.95)).score([row(answer, reference)])
    assert strict.details == ({"tp": 1, "fp": 1, "fn": 1},)


def test_different_spaces_meet_in_pixels():
    options = MetricOptions(coord_space="0-1000", reference_space="pixels")
    metric = resolve("vlkit", "detection_f1", options)
    good = row(listed(("a", 0, 0, 500, 500)), listed(("a", 0, 0, 320, 240)), width=640, height=480)
    assert metric.score([good]).values[0] == 1
    assert "0-1000>pixels" in metric.signature
    same = resolve("vlkit", "detection_f1", MetricOptions(coord_space="0-1000"))
    assert same.score([row(TWO, TWO)]).values[0] == 1


def test_a_reference_that_is_no_box_list_stops():
    with pytest.raises(DataError, match="not a list of boxes"):
        resolve("vlkit", "detection_f1").score([row(TWO, "a cat")])


def test_coco_ap_says_what_it_needs_or_agrees_with_hand_counting():
    metric = resolve("vlkit", "coco_ap")
    rows = [row(TWO, TWO), row(listed(("cat", 0, 0, 10, 10)), TWO)]
    try:
        import pycocotools  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtraError, match="detection"):
            metric.score(rows)
        return
    scores = metric.score(rows)
    assert np.isnan(scores.values).all()
    assert scores.value == pytest.approx((1.0 + 51 / 101) / 2)
    assert any("no score" in note for note in scores.notes)
