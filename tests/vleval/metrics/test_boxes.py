from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vldata.errors import UsageError
from vleval.metrics.boxes import LabelledBox, parse_boxes
from vleval.metrics.coords import to_pixels

CAT = '{"bbox_2d": [1, 2, 3, 4], "label": "cat"}'


@pytest.mark.parametrize(
    ("text", "boxes", "dropped"),
    [
        (f"[{CAT}]", [("cat", 1, 2, 3, 4)], 0),
        (f"Here they are:\n```json\n[{CAT}]\n```\nDone.", [("cat", 1, 2, 3, 4)], 0),
        (f'[{CAT}, {{"bbox_2d": [5, 6', [("cat", 1, 2, 3, 4)], 1),
        (f'[{CAT}, {{"bb', [("cat", 1, 2, 3, 4)], 1),
        (f"[{CAT}, {{", [("cat", 1, 2, 3, 4)], 0),
        ("[{'bbox': [1, 2, 3, 4], 'category': \"it's\"}]", [("it's", 1, 2, 3, 4)], 0),
        ('{"objects": [{"box": [3, 4, 1, 2], "class": "x"}]}', [("x", 1, 2, 3, 4)], 0),
        ('{"objects": [{"box": [1, 2, 3, 4]}, {"box": nul', [("", 1, 2, 3, 4)], 1),
        ('[{"bbox": null, "label": "a"}, {"bbox": [NaN, 1, 2, 3]}, {"bbox": [1, 2, 3]}]', [], 3),
        ('[{"bbox": [1, 2, Infinity, 4]}, {"bbox": [1e999, 2, 3, 4]}, {"label": "no box"}]', [], 3),
        ('[{"bbox_2d": [1, 2,, "label": "x"}, {"bbox_2d": [9, 2, 3, 4]}]', [("", 3, 2, 9, 4)], 1),
        ('{"bbox": {"x1": 1, "y1": 2, "x2": 3, "y2": 4}, "label": "d"}', [("d", 1, 2, 3, 4)], 0),
        ('{"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4, "name": "d"}', [("d", 1, 2, 3, 4)], 0),
        ('{"bbox_2d": [[1, 2, 3, 4], [5, 6, 7, 8]], "label": "two"}', [("two", 1, 2, 3, 4), ("two", 5, 6, 7, 8)], 0),
        ('{"label": "strings", "bbox": ["1", "2", "3", "4"]}', [("strings", 1, 2, 3, 4)], 0),
        ("<ref>猫</ref><box>(1,2),(3,4)</box> and <box>(1,2),(3", [("猫", 1, 2, 3, 4)], 1),
        ("[10, 20, 30, 40]", [("", 10, 20, 30, 40)], 0),
        ("[]", [], 0),
        ("There is no cat, the set {a, b} is empty, \\boxed{3}.", [], 0),
        ("", [], 0),
        ("[{bbox: (1, 2, 3, 4), label: 'bare keys', ok: True,},]", [("bare keys", 1, 2, 3, 4)], 0),
    ],
)
def test_every_complete_object_is_kept_and_the_rest_counted(text, boxes, dropped):
    parsed = parse_boxes(text)
    assert [(box.label, box.x1, box.y1, box.x2, box.y2) for box in parsed.boxes] == boxes
    assert parsed.dropped == dropped


def test_other_fields_are_kept_as_text():
    (box,) = parse_boxes('[{"bbox": [1, 2, 3, 4], "category": "车", "color": "red", "n": 2, "score": 0.5, "deep": {"a": 1}}]').boxes
    assert (box.extra, box.score) == ({"color": "red", "n": "2"}, 0.5)


@given(st.lists(st.tuples(st.text(max_size=8), *[st.integers(0, 1000)] * 4), max_size=5), st.integers(0, 200))
def test_a_cut_answer_keeps_what_was_complete(objects, cut):
    text = json.dumps([{"bbox_2d": list(box), "label": label} for label, *box in objects], ensure_ascii=False)
    whole = [(label.strip(), float(min(a, c)), float(min(b, d))) for label, a, b, c, d in objects]
    found = [(box.label, box.x1, box.y1) for box in parse_boxes(text[:cut]).boxes]
    assert found == whole[: len(found)]
    assert len(parse_boxes(text).boxes) == len(objects)


@given(st.text(alphabet="{}[]\"':,bbox12 label\\", max_size=80))
def test_any_text_gives_an_answer(text):
    assert parse_boxes(text).dropped >= 0


@pytest.mark.parametrize("text", ['{"a":' * 100_000, "[{'" * 100_000, '{"bbox": [' + "1," * 300_000, "{'a':'" + "x" * 500_000])
def test_hostile_text_ends_soon(text):
    began = time.thread_time()
    assert parse_boxes(text).boxes == ()
    assert time.thread_time() - began < 5


BOX = LabelledBox(label="a", x1=100, y1=200, x2=500, y2=1000)


@pytest.mark.parametrize(
    ("space", "wanted"),
    [("0-1000", (64, 96, 320, 480)), ("pixels", (100, 200, 500, 480)), ("pixels-resized", (99.378882, 201.680672, 496.894410, 480))],
)
def test_spaces_become_pixels_of_the_picture(space, wanted):
    made = to_pixels(BOX, space, 640, 480)
    assert (made.x1, made.y1, made.x2, made.y2) == pytest.approx(wanted)


def test_fractions_become_pixels_and_what_lies_outside_is_none():
    assert to_pixels(LabelledBox(label="", x1=0.25, y1=0, x2=0.5, y2=2), "0-1", 200, 100) == LabelledBox(
        label="", x1=50, y1=0, x2=100, y2=100
    )
    assert to_pixels(LabelledBox(label="", x1=1000, y1=1000, x2=1000, y2=1000), "0-1000", 640, 480) is None
    assert to_pixels(LabelledBox(label="", x1=700, y1=0, x2=800, y2=10), "pixels", 640, 480) is None


def test_a_space_is_never_guessed():
    with pytest.raises(UsageError, match="not told"):
        to_pixels(BOX, "", 10, 10)
    with pytest.raises(UsageError, match="width and height"):
        to_pixels(BOX, "0-1000", 0, 0)
    assert to_pixels(BOX, "pixels", 0, 0) == BOX
