"""Coordinates in text move with their image: every spelling, both spaces, both targets; what could be two spaces stops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.effort import examples
from vldata.conversion import convert
from vldata.errors import DataError
from vldata.output.options import ConvertOptions
from vldata.records.draft import Draft, Reject
from vldata.records.record import iter_records
from vldata.sources import jsonl, sharegpt
from vldata.sources.coordinates import find_coordinates, has_bare_box, strip_names

WIDE = (1920, 1080)  # written as 1024x576 under the default budget


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    Image.new("RGB", WIDE, "teal").save(folder / "wide.png")
    Image.new("RGB", (1000, 600), "teal").save(folder / "other.png")
    return folder


def run(
    folder: Path, out: Path, *answers: str, question: str = "<image>Find it.", images: tuple[str, ...] = ("wide.png",), **options: Any
) -> Any:
    rows = [{"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": a}], "images": images} for a in answers]
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (source,) = sharegpt.open_source(file, **options)
    result = convert(source, ConvertOptions(out=out, workers=1, processor=options.get("processor", "qwen3-vl")))
    return source, result, [record for _, record in iter_records(out / "rows.jsonl")]


# Each in pixels of 1920x1080: the box 192, 108, 960, 540 (0-1000: 100, 100, 500, 500) or its first corner.
SPELLINGS = [
    ('[{"bbox_2d": [192, 108, 960, 540], "label": "van"}]', '[{"bbox_2d": [100, 100, 500, 500], "label": "van"}]'),
    ('```json\n{"bbox": [192.0, 108, 960, 540.2]}\n```', '```json\n{"bbox": [100, 100, 500, 500]}\n```'),
    ("{'boxes': [[192, 108, 960, 540], [192, 108, 960, 540]]}", "{'boxes': [[100, 100, 500, 500], [100, 100, 500, 500]]}"),
    ('{"box_2d": [108, 192, 540, 960]}', '{"box_2d": [100, 100, 500, 500]}'),
    ('{"point_2d": [192, 108]}', '{"point_2d": [100, 100]}'),
    ('{"polygon": [[192, 108], [960, 108], [960, 540]]}', '{"polygon": [[100, 100], [500, 100], [500, 500]]}'),
    ('{"points": [192, 108, 960, 540]}', '{"points": [100, 100, 500, 500]}'),
    ('{\\"bbox_2d\\": [192, 108, 960, 540]}', '{\\"bbox_2d\\": [100, 100, 500, 500]}'),
    ("<|object_ref_start|>van<|object_ref_end|><|box_start|>(192,108),(960,540)<|box_end|>", "van[100, 100, 500, 500]"),
    ("<ref>van</ref><box>[[192, 108, 960, 540]]</box>", "van[100, 100, 500, 500]"),
    ("Action: click(start_box='(192,108)')", "Action: click(start_box='(100,100)')"),
    ("click(point='<point>192 108</point>')", "click(point='<point>100 100</point>')"),
    ("pyautogui.click(x=192, y=108)", "pyautogui.click(x=100, y=100)"),
    ('{"action": "left_click", "coordinate": [192, 108]}', '{"action": "left_click", "coordinate": [100, 100]}'),
]
FIXED = [
    ("van<loc_100><loc_100><loc_500><loc_500>", "van[100, 100, 500, 500]"),
    ("<loc0102><loc0102><loc0512><loc0512> van", "[100, 100, 500, 500] van"),
    ("<|ref|>van<|/ref|><|det|>[[100, 100, 499, 499]]<|/det|>", "van[100, 100, 499, 499]"),
    ('<point x="10.0" y="50.0" alt="van">van</point>', '<point x="100" y="500" alt="van">van</point>'),
]


@pytest.mark.parametrize(("text", "wanted"), SPELLINGS, ids=[text[:24] for text, _ in SPELLINGS])
def test_pixels_become_thousandths_in_every_spelling(folder: Path, tmp_path: Path, text: str, wanted: str) -> None:
    source, result, (record,) = run(folder, tmp_path / "out", text, text_boxes="pixels")
    assert record.messages[1].content == wanted and record.references == (wanted,)
    assert result.contract.coordinate_space == "0-1000" and any("read as pixels" in sentence for sentence in source.said)


@pytest.mark.parametrize(("text", "wanted"), FIXED, ids=[text[:24] for text, _ in FIXED])
def test_spellings_that_fix_their_space(folder: Path, tmp_path: Path, text: str, wanted: str) -> None:
    _, _, (record,) = run(folder, tmp_path / "out", text)
    assert record.messages[1].content == wanted


def test_the_space_is_told_from_the_whole_file(folder: Path, tmp_path: Path) -> None:
    small, beyond = '{"bbox_2d": [10, 20, 300, 400]}', '{"bbox_2d": [192, 108, 1800, 540]}'
    source, _, records = run(folder, tmp_path / "a", small, beyond)
    assert "1 go beyond 1000, 0 beyond their image" in " ".join(source.said)
    assert records[0].messages[1].content == '{"bbox_2d": [5, 19, 156, 370]}'
    below = '{"bbox_2d": [10, 20, 300, 900]}'
    source, _, records = run(folder, tmp_path / "b", small, below, images=("other.png",))
    assert "1 would be outside their image as pixels" in " ".join(source.said)
    assert [record.messages[1].content for record in records] == [small, below]
    _, _, (record,) = run(folder, tmp_path / "c", '{"bbox_2d": [0.1, 0.1, 0.5, 0.5]}')
    assert record.messages[1].content == '{"bbox_2d": [100, 100, 500, 500]}'


def test_what_could_be_two_spaces_stops_with_both_readings(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"could be pixels or 0-1000.*10, 20, 300, 400 on an image of 1920x1080, which as 0-1000.* 19, 22, 576, 432"
    ):
        run(folder, tmp_path / "out", '{"bbox_2d": [10, 20, 300, 400]}')
    with pytest.raises(DataError, match="fit no space"):
        run(folder, tmp_path / "out", '{"bbox_2d": [10, 20, 300, 4000]}')
    with pytest.raises(DataError, match="as if they were x, y, width and height"):
        run(folder, tmp_path / "out", *['{"bbox": [1000, 900, 30, 40]}'] * 3)
    _, result, (record,) = run(folder, tmp_path / "out", '{"bbox_2d": [10, 20, 300, 400]}', text_boxes="none")
    assert record.messages[1].content == '{"bbox_2d": [10, 20, 300, 400]}' and result.contract.coordinate_space == "none"


def test_pixels_of_the_written_image_for_qwen25(folder: Path, tmp_path: Path) -> None:
    text = '{"bbox_2d": [192, 108, 1920, 1080]}'
    _, result, (record,) = run(folder, tmp_path / "out", text, processor="qwen2.5-vl")
    line = json.loads((tmp_path / "out" / "rows.media.jsonl").read_text().splitlines()[0])
    width, height = line["width"], line["height"]
    wanted = [round(width / 10), round(height / 10), width, height]
    assert json.loads(record.messages[1].content)["bbox_2d"] == wanted and result.contract.coordinate_space == "pixels"


def test_questions_move_too_and_rows_that_cannot_are_rejected(folder: Path, tmp_path: Path) -> None:
    good = '{"bbox_2d": [192, 108, 1800, 540]}'
    _, _, records = run(folder, tmp_path / "a", good, question='<image>What is in {"bbox_2d": [192, 108, 960, 540]}?')
    assert records[0].messages[0].content == '<image>What is in {"bbox_2d": [100, 100, 500, 500]}?'
    rows = [good] * 60 + ['{"bbox_2d": [-5, 108, 960, 540]}', '{"bbox_2d": [192, 108, 5000, 540]}']
    _, result, _ = run(folder, tmp_path / "b", *rows)
    assert result.reject_counts == {"VL211": 2}
    with pytest.raises(DataError, match="its images have 2 sizes"):
        run(folder, tmp_path / "c", good, question="<image><image>?", images=("wide.png", "other.png"), text_boxes="pixels")


def test_coordinates_of_pairs(folder: Path, tmp_path: Path) -> None:
    file = folder / "pairs.jsonl"
    file.write_text(json.dumps({"image": "wide.png", "question": "Where?", "answer": '{"bbox_2d": [192, 108, 1920, 1080]}'}) + "\n")
    (source,) = jsonl.open_source(file)
    convert(source, ConvertOptions(out=tmp_path / "out", workers=1))
    ((_, record),) = iter_records(tmp_path / "out" / "pairs.jsonl")
    assert record.references == ('{"bbox_2d": [100, 100, 1000, 1000]}',) == (record.messages[1].content,)


@pytest.mark.parametrize(
    "text", ["The score is 3 points.", '{"points": 15}', "f(3, 4) = click", "a <box> of 3", '{"boxes": []}', "<point>"]
)
def test_words_are_no_coordinates(text: str) -> None:
    assert find_coordinates(text) == [] and strip_names(text, tags=False) == text


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.integers(0, 4000), min_size=4, max_size=4), st.text(alphabet='[]{}(),:"<> x1', max_size=12))
def test_numbers_are_found_where_they_stand(values: list[int], around: str) -> None:
    text = f'{around}{{"bbox_2d": {json.dumps(values)}}}'
    found = find_coordinates(text)
    boxes = [group for group in found if [number.value for number in group.numbers] == values and group.shape == "box"]
    assert boxes and all(float(text[number.start : number.end]) == number.value for group in found for number in group.numbers)
    ends = [0, *(place for group in found for place in (group.start, group.end))]
    assert ends == sorted(ends)


def test_records_of_ours_keep_their_space(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "out", '{"bbox_2d": [192, 108, 1800, 540]}')
    (source,) = sharegpt.open_source(tmp_path / "out" / "rows.jsonl")
    convert(source, ConvertOptions(out=tmp_path / "again", workers=1))
    ((_, record),) = iter_records(tmp_path / "again" / "rows.jsonl")
    assert record.messages[1].content == '{"bbox_2d": [100, 100, 938, 500]}'


def test_rows_with_coordinates_behind_many_without_images_are_not_passed_over(folder: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("vldata.sources.sharegpt.SAMPLE_ROWS", 2)
    talk = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]
    boxes = [{"role": "user", "content": "<image>Where?"}, {"role": "assistant", "content": '{"bbox_2d": [1, 2, 30, 40]}'}]
    file = folder / "late.jsonl"
    file.write_text(
        "".join(json.dumps({"messages": turns, **more}) + "\n" for turns, more in [(talk, {})] * 3 + [(boxes, {"images": ["wide.png"]})])
    )
    *_, late = sharegpt.open_source(file)[0].drafts()
    assert isinstance(late, Reject) and late.code == "VL218"
    *_, late = sharegpt.open_source(file, text_boxes="0-1000")[0].drafts()
    assert isinstance(late, Draft)


@pytest.mark.parametrize(
    "answer",
    [
        '{"bbox": {"x": 1600, "y": 20, "width": 100, "height": 50}}',
        "[{'box': {'x1': 1, 'y1': 2, 'x2': 30, 'y2': 40}}]",
        '{"points": [{"x": 1600, "y": 20}]}',
        '{"bbox_2d": "192, 108, 960, 540"}',
    ],
)
def test_boxes_that_are_no_lists_are_refused_by_name(folder: Path, tmp_path: Path, answer: str) -> None:
    with pytest.raises(DataError, match="is no list of numbers, and they would not move with the image"):
        run(folder, tmp_path / "out", answer)
    _, _, (record,) = run(folder, tmp_path / "out", answer, text_boxes="none")
    assert record.messages[-1].content == answer


def test_an_object_that_is_no_box_is_none(folder: Path, tmp_path: Path) -> None:
    answer = '{"box": {"label": "van", "count": 2}, "point": "none"}'
    assert run(folder, tmp_path / "out", answer)[2][0].messages[-1].content == answer


def test_four_numbers_in_brackets_are_told(folder: Path, tmp_path: Path) -> None:
    _, result, _ = run(folder, tmp_path / "out", "It is at [1600, 20, 1700, 90].", "Nothing.", "At (0.1, 0.2, 0.3, 0.4).")
    assert [(field.field, field.rows) for field in result.unused] == [("numbers in a text that may be coordinates", 2)]


@pytest.mark.parametrize(
    ("text", "may_be"),
    [
        *[
            (text, True)
            for text in ("(588, 360)", "[0.49,0.4]", "<click>588,360</click>", "<bbox>10 20 100 200</bbox>", "10, 20, 500, 600")
        ],
        *[
            (text, True)
            for text in ('{"x": 588, "y": 360}', "x1=10, y1=20", "{<40><45><60><80>}", "<object><patch_index_0044>", "[1,2,3,4,45]")
        ],
        *[(text, False) for text in ("A box.", "In 2003 (rgb(255, 0, 0)) 1 of 3.", "<b>3</b>", "x is 3", "3, 4", "[1]", "9 8 7")],
    ],
)
def test_numbers_that_may_be_coordinates(text, may_be):
    assert has_bare_box(text) is may_be
