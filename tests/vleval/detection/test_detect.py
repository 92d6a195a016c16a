from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFont

from vldata.errors import DataError, UsageError
from vleval.detection.cmap import Coverage, read_coverage
from vleval.detection.draw import PALETTE, colours_of, label_text
from vleval.detection.fonts import FontChain, find_fonts, script_names, system_folders
from vleval.detection.inputs import output_names, pair_up
from vleval.detection.options import Drawing
from vleval.detection.run import draw_answers
from vleval.readers import read_predictions
from vleval.rows import Row

FONTS = [path for folder in system_folders() for path in folder.rglob("*.tt[fc]")] if any(f.is_dir() for f in system_folders()) else []
needs_font = pytest.mark.skipif(not FONTS, reason="needs a TrueType font on this machine")


def row(name: str, text: str | None, image: str = "") -> Row:
    return Row(id=name, prediction=text, error="" if text is not None else "timeout", references=(), images=(image,) if image else ())


def boxes(*objects: tuple[str, list[int]]) -> str:
    return json.dumps([{"label": label, "bbox_2d": corners} for label, corners in objects])


@pytest.fixture
def pictures(tmp_path) -> Path:
    root = tmp_path / "pictures"
    root.mkdir()
    for name in ("p2.jpg", "p10.jpg", "p2.png"):
        Image.new("RGB", (200, 100), (240, 240, 240)).save(root / name)
    return root


@needs_font
def test_boxes_land_where_the_answer_says(pictures, tmp_path):
    done = draw_answers(
        [row("p2.png", boxes(("cat", [100, 200, 500, 800])))], pictures, Drawing(out=tmp_path / "out", coord_space="0-1000")
    )
    box = done.drawn[0].boxes[0]
    assert (box.x1, box.y1, box.x2, box.y2) == (20, 20, 100, 80)
    with Image.open(tmp_path / "out" / "p2.png.boxes.png") as picture:
        assert picture.size == (200, 100)
        assert picture.getpixel((99, 50)) == picture.getpixel((60, 79)) == PALETTE[0]
        assert picture.getpixel((150, 50)) == (240, 240, 240)


@needs_font
def test_one_picture_per_input_in_natural_order(pictures, tmp_path):
    answers = [row(name, boxes(("x", [0, 0, 9, 9]))) for name in ("p10.jpg", "p2.png", "p2.jpg")] + [row("again", "[]", "p2.jpg")]
    done = draw_answers(answers, pictures, Drawing(out=tmp_path / "out", coord_space="pixels"))
    assert [drawn.output for drawn in done.drawn] == ["p2.jpg.boxes.png", "p2.jpg.boxes.2.png", "p2.png.boxes.png", "p10.jpg.boxes.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(drawn.output for drawn in done.drawn)


@needs_font
def test_pictures_are_drawn_upright(pictures, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (200, 100), (240, 240, 240)).save(pictures / "turned.jpg", exif=exif)
    done = draw_answers([row("turned", boxes(("x", [0, 500, 1000, 1000])))], pictures, Drawing(out=tmp_path / "out", coord_space="0-1000"))
    assert (done.drawn[0].width, done.drawn[0].height) == (100, 200)
    with Image.open(tmp_path / "out" / "turned.jpg.boxes.png") as picture:
        assert picture.size == (100, 200)
    assert done.drawn[0].boxes[0].y1 == 100


@needs_font
def test_everything_not_drawn_is_counted(pictures, tmp_path):
    text = '[{"label":"a","bbox_2d":[1,1,50,50]},{"label":"b","bbox_2d":null},{"label":"c","bbox_2d":[300,300,400,400]},{"label":"d","bbox'
    answers = [row("p2.jpg", text), row("p2.png", None), row("nowhere", "[]")]
    done = draw_answers(answers, pictures, Drawing(out=tmp_path / "out", coord_space="pixels", classes="z", whole_folder=True))
    assert [(d.dropped, d.outside, d.unknown, len(d.boxes)) for d in done.drawn] == [(2, 1, 1, 1)]
    assert {(f.image or f.id, f.reason) for f in done.failed} == {
        ("p2.png", "timeout"), ("nowhere", "its picture is not in the folder"), ("p10.jpg", "no prediction"),
    }  # fmt: skip


def test_the_space_must_be_told(pictures, tmp_path):
    with pytest.raises(UsageError, match="coordinate space is not told"):
        draw_answers([row("p2.jpg", "[]")], pictures, Drawing(out=tmp_path, coord_space=""))


def test_rows_that_leave_the_folder_find_no_picture(pictures):
    tasks, lost = pair_up(
        [row("a", "[]", "../x.png"), row("b", "[]", "/etc/passwd"), row("c", "[]", "p2.jpg")], pictures, whole_folder=False
    )
    assert ([task.name for task in tasks], lost) == (["p2.jpg"], ["a", "b"])
    with pytest.raises(DataError, match=r"could be any of p2\.jpg, p2\.png"):
        pair_up([row("p2", "[]")], pictures, whole_folder=False)


@needs_font
def test_a_script_no_font_has_is_refused_by_name_or_written_as_codes(pictures, tmp_path):
    answers = [row("p2.jpg", boxes(("ok \U00013000", [1, 1, 50, 50])))]  # an Egyptian hieroglyph
    font = next(path for path in FONTS if not read_coverage(path).covers("\U00013000") and read_coverage(path).covers("A"))
    if any(read_coverage(path).covers("\U00013000") for path in FONTS):
        pytest.skip("this machine can draw hieroglyphs")
    with pytest.raises(UsageError, match="no font on this machine can draw") as caught:
        draw_answers(answers, pictures, Drawing(out=tmp_path / "out", coord_space="pixels", fonts=(font,)))
    assert "EGYPTIAN" in caught.value.what
    assert "--font FILE" in caught.value.cure
    assert not (tmp_path / "out").exists()
    done = draw_answers(answers, pictures, Drawing(out=tmp_path / "out", coord_space="pixels", escape=True))
    assert done.escaped == "\U00013000"


def test_a_file_that_is_no_font_is_refused(tmp_path):
    path = tmp_path / "x.ttf"
    path.write_bytes(b"\x00\x01\x00\x00 not a font")
    assert read_coverage(path) == Coverage(frozenset())
    with pytest.raises(UsageError, match="is not a font"):
        find_fonts(["a"], [path], [])
    with pytest.raises(UsageError, match="no font was found"):
        find_fonts(["a"], [], [tmp_path])


@given(st.binary(max_size=400))
def test_noise_is_never_a_font(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fonts", numbered=True) / "n.ttf"
    path.write_bytes(data)
    assert isinstance(read_coverage(path), Coverage)


@needs_font
@pytest.mark.parametrize("path", FONTS[:12], ids=lambda path: path.name)
def test_coverage_agrees_with_what_pillow_draws(path):
    coverage = read_coverage(path)
    font = ImageFont.truetype(str(path), 24)
    missing = bytes(font.getmask("\U0010fffd"))
    if coverage.covers("\U0010fffd") or not missing:
        pytest.skip("its missing glyph cannot be told")
    for character in "AZaz09éßЖλא字あ한":
        if not coverage.covers(character):
            assert bytes(font.getmask(character)) == missing, character


@needs_font
def test_labels_of_two_scripts_are_cut_into_runs():
    chain = find_fonts(["Ab Жд"])
    assert isinstance(chain, FontChain)
    assert chain.missing("Ab Жд") == ""
    assert "".join(piece for piece, _ in chain.runs("Ab Жд", 20)) == "Ab Жд"


def test_accents_need_glyphs_and_joiners_do_not(tmp_path):
    chain = FontChain([])
    assert chain.missing("a \u200d\ufe0f\u094d") == "a\u094d"
    assert label_text("e\u0301") == "é"
    assert script_names("ने🙂") == "DEVANAGARI, symbols"


def test_labels_are_one_line_without_control_characters():
    assert label_text("a\x1b[31m\n\u202eb" + "c" * 100) == ("a [31m b" + "c" * 100)[:59] + "…"
    assert colours_of(["b", "a", "b"]) == {"a": PALETTE[0], "b": PALETTE[1]}


def test_output_names_keep_the_whole_name(pictures):
    tasks, _ = pair_up([row("x", "[]", "p2.jpg"), row("y", "[]", "p2.png")], pictures, whole_folder=False)
    assert output_names(tasks) == ["p2.jpg.boxes.png", "p2.png.boxes.png"]


@needs_font
def test_the_made_up_boxes(quiz, tmp_path):
    loaded = read_predictions(quiz["boxes"])
    done = draw_answers(loaded.rows, quiz["boxes"].parent / "pictures", Drawing(out=tmp_path, coord_space="0-1000"))
    assert [(drawn.image, len(drawn.boxes), drawn.dropped) for drawn in done.drawn] == [
        ("room2.jpg", 1, 1),
        ("room2.png", 2, 0),
        ("room10.jpg", 2, 0),
    ]
    assert done.drawn[1].boxes[1].extra == {"colour": "green"}
