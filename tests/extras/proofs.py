"""HEIC and PDF files in folders, tables and tars, converted with the extras `heic` and `pdf`: `make extras`, in a venv of its own."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import vldata

pillow_heif = pytest.importorskip("pillow_heif", reason="make extras installs it")
pytest.importorskip("pypdfium2", reason="make extras installs it")
COLOURS = ("red", "lime", "blue")
SIZE = (640, 480)


def _heic(pages: int = 1) -> bytes:
    made = pillow_heif.from_pillow(Image.new("RGB", SIZE, COLOURS[0]))
    for colour in COLOURS[1:pages]:
        made.add_from_pillow(Image.new("RGB", SIZE, colour))
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def _pdf(pages: int = 1) -> bytes:
    first, *more = [Image.new("RGB", SIZE, colour) for colour in COLOURS[:pages]]
    buffer = io.BytesIO()
    first.save(buffer, "PDF", save_all=True, append_images=more)
    return buffer.getvalue()


MAKERS: dict[str, Callable[[int], bytes]] = {"heic": _heic, "pdf": _pdf}


def _draw(folder: Path, pages: int = 1) -> Path:
    folder.mkdir(parents=True)
    for suffix, make in MAKERS.items():
        (folder / f"a.{suffix}").write_bytes(make(pages))
    (folder / "rows.jsonl").write_text("".join(json.dumps({"image": f"a.{suffix}", "text": suffix}) + "\n" for suffix in MAKERS))
    return folder / "rows.jsonl"


def _records(out: Path, *given: Any, **settings: Any) -> list[vldata.Record]:
    (made,) = vldata.convert(*given, out=out, workers=1, **settings)
    assert vldata.validate(out, workers=1).ok
    return [record for name in made.names for record in vldata.read(out / name)]


def _colours(out: Path, record: vldata.Record) -> list[str]:
    found = []
    for name in record.images:
        with Image.open(out / name) as image:
            pixel = image.convert("RGB").resize((1, 1)).getpixel((0, 0))
        found.append(COLOURS[max(range(3), key=lambda channel: pixel[channel])])  # type: ignore[index]
    return found


@pytest.mark.parametrize(("pages", "count"), [("first", 1), ("2", 2), ("all", 3)])
def test_pages_become_images_with_a_tag_each(pages: str, count: int, tmp_path: Path) -> None:
    told: list[str] = []
    records = _records(tmp_path / "out", "jsonl", _draw(tmp_path / "s", 3), prompt="What?", pages=pages, tell=told.append)
    for record in records:
        assert _colours(tmp_path / "out", record) == list(COLOURS[:count])
        assert record.messages[0].content == "<image>" * count + "What?"


def test_which_pages_were_taken_is_noted(tmp_path: Path) -> None:
    (made,) = vldata.convert("jsonl", _draw(tmp_path / "s", 3), prompt="What?", out=tmp_path / "out", workers=1)
    assert made.notes == {"an image of several pages: the first is taken (--pages)": 2}


@pytest.mark.parametrize("suffix", MAKERS)
def test_a_cut_file_costs_its_record_by_name(suffix: str, tmp_path: Path) -> None:
    file = _draw(tmp_path / "s")
    whole = (tmp_path / "s" / f"a.{suffix}").read_bytes()
    for size in (20, len(whole) // 2):
        (tmp_path / "s" / f"a.{suffix}").write_bytes(whole[:size])
        (made,) = vldata.convert("jsonl", file, prompt="What?", out=tmp_path / f"out{size}", workers=1, max_rejects=1.0)
        assert made.counts.written == 1 and made.reject_counts == {"VL102": 1} and f"a.{suffix}" in made.rejects[0].reason


def test_a_turned_heic_is_upright(tmp_path: Path) -> None:
    image = Image.new("RGB", (640, 320), "red")
    exif = image.getexif()
    exif[0x112] = 6
    file = _draw(tmp_path / "s")
    pillow_heif.register_heif_opener()
    image.save(tmp_path / "s" / "a.heic", exif=exif.tobytes())
    record, _ = _records(tmp_path / "out", "jsonl", file, prompt="What?")
    with Image.open(tmp_path / "out" / record.images[0]) as shown:
        assert shown.size == (320, 640)


def test_folders_of_them_are_asked_captioned_and_classed(tmp_path: Path) -> None:
    _draw(tmp_path / "s").unlink()
    assert len(_records(tmp_path / "asked", "images", tmp_path / "s", prompt="What?")) == 2
    for suffix in MAKERS:
        (tmp_path / "cars" / suffix).mkdir(parents=True)
        (tmp_path / "cars" / suffix / "a.txt").write_text(f"A {suffix}.")
        (tmp_path / "cars" / suffix / f"a.{suffix}").write_bytes(MAKERS[suffix](1))
        (tmp_path / "classes" / suffix).mkdir(parents=True)
        (tmp_path / "classes" / suffix / f"1.{suffix.upper()}").write_bytes(MAKERS[suffix](1))
    records = _records(tmp_path / "captioned", "jsonl", tmp_path / "cars")
    assert sorted(record.messages[1].content for record in records) == ["A heic.", "A pdf."]
    records = _records(tmp_path / "classed", "jsonl", tmp_path / "classes", prompt="What?")
    assert sorted(record.messages[1].content for record in records) == ["heic", "pdf"]


def test_they_are_read_from_a_tar(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "00000.tar", "w") as archive:
        for suffix, make in MAKERS.items():
            for ending, data in ((suffix, make(1)), ("txt", suffix.encode())):
                info = tarfile.TarInfo(f"{suffix}.{ending}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    records = _records(tmp_path / "out", "jsonl", tmp_path / "00000.tar", prompt="What?")
    assert [record.messages[1].content for record in records] == list(MAKERS)
