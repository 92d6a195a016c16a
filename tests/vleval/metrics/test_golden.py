"""Tables computed by the real packages and the real upstream functions (tools/goldens/make_tables.py)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vldata.errors import DataError
from vleval.metrics.boxes import LabelledBox
from vleval.metrics.detection import iou
from vleval.metrics.options import MetricOptions
from vleval.metrics.words import needs_unicode
from vleval.profiles import resolve
from vleval.rows import Row

TABLES = sorted((Path(__file__).parents[2] / "golden").glob("*.jsonl"))


def read(path):
    head, *rows = (json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line)
    return head, rows


CASES = [(path, metric) for path in TABLES for metric in sorted(read(path)[1][0]["values"]) if metric != "iou"]


def row_of(pair, index, profile):
    prediction = json.dumps(pair["given"]) if "given" in pair and profile == "vlkit" else pair["p"]
    return Row(
        id=str(index),
        prediction=prediction,
        references=tuple(pair["r"]),
        choices=tuple(pair.get("choices", ())),
        extra={"mark": pair["p"]},
    )


def score(metric, rows):
    try:
        return metric.score(rows)
    except DataError:
        return None


def test_there_are_tables_for_every_profile():
    assert {read(path)[0]["profile"] for path in TABLES} == {
        "chartqapro",
        "evalscope",
        "inspect",
        "llamafactory",
        "lmms-eval",
        "ms-swift",
        "openeqa",
        "pix2struct",
        "qwen-vl",
        "vlkit",
        "vlmevalkit",
        "vqa-official",
    }


@pytest.mark.parametrize(("path", "name"), CASES, ids=[f"{path.stem}-{name}" for path, name in CASES])
def test_agrees_with_the_real_tool(path, name):
    head, pairs = read(path)
    metric = resolve(head["profile"], name, MetricOptions(strip_think=False))
    rows = [row_of(pair, index, head["profile"]) for index, pair in enumerate(pairs)]
    one_by_one = name == "llm_match"
    scores = None if one_by_one else metric.score(rows)
    checked = 0
    for index, pair in enumerate(pairs):
        wanted = pair["values"] if pair["values"] == "crash" else pair["values"][name]
        if wanted == "crash" or (
            name.startswith("rouge") and head["profile"] == "vlkit" and any(map(needs_unicode, [pair["p"], *pair["r"]]))
        ):
            continue
        checked += 1
        if one_by_one:
            got = metric.score([rows[index]]).values[0]
        else:
            got = None if scores.dropped is not None and scores.dropped[index] else scores.values[index]
        assert got == pytest.approx(wanted, abs=head["tolerance"]), pair
    assert checked > 30


def test_overlaps_are_those_of_pycocotools():
    _, pairs = read(next(path for path in TABLES if path.stem.startswith("coco.")))
    names = ("x1", "y1", "x2", "y2")
    boxes = [[LabelledBox(label="", **dict(zip(names, pair[side], strict=True))) for side in ("a", "b")] for pair in pairs]
    assert [iou(first, second) for first, second in boxes] == pytest.approx([pair["values"]["iou"] for pair in pairs])
    assert {0.0, 1.0} < {round(pair["values"]["iou"], 6) for pair in pairs}
