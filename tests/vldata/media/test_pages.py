"""Pages of documents, frames of animated images, formats beyond the usual, and levels of fewer bits than their file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from vldata.errors import UsageError
from vldata.media.decode import decode_picture
from vldata.media.pages import pages_wanted
from vldata.media.pictures import render_picture
from vldata.media.refs import BytesRef, Failure, Rendered, RenderSpec

COLOURS = ("red", "lime", "blue")


def encoded(form: str, count: int = 3, **options: Any) -> bytes:
    first, *others = [Image.new("RGB", (320, 256), colour) for colour in COLOURS[:count]]
    buffer = io.BytesIO()
    first.save(buffer, form, **({"save_all": True, "append_images": others} if others else {}), **options)
    return buffer.getvalue()


def rendered(data: bytes, tmp_path: Path, pages: str = "first") -> Rendered:
    spec = RenderSpec("qwen3-vl", 65_536, 589_824, "png", 95, "pyav", str(tmp_path / "images"), str(tmp_path), pages=pages)
    made = render_picture(BytesRef(data, "a"), spec)
    assert isinstance(made, Rendered), made
    return made


def colour_of(tmp_path: Path, name: str) -> tuple[int, ...]:
    with Image.open(tmp_path / "images" / name) as opened:
        return tuple(round(value / 255) for value in opened.convert("RGB").resize((1, 1)).getpixel((0, 0)))  # type: ignore[union-attr]


@pytest.mark.parametrize("form", ["TIFF", "GIF", "WEBP", "PNG", "PDF"])
@pytest.mark.parametrize(("pages", "count"), [("first", 1), ("2", 2), ("all", 3)])
def test_pages_are_chosen_and_said(tmp_path: Path, form: str, pages: str, count: int) -> None:
    if form == "PDF":
        pytest.importorskip("pypdfium2")
    made = rendered(encoded(form), tmp_path, pages)
    assert [colour_of(tmp_path, picture.name) for picture in made.pictures] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)][:count]
    assert [picture.frame for picture in made.pictures] == ([-1] if count == 1 else list(range(count)))
    assert "an image of several" in made.note and "(--pages)" in made.note


def test_one_page_is_not_spoken_of(tmp_path: Path) -> None:
    assert rendered(encoded("PNG", 1), tmp_path, "all").note == ""
    for wrong in ("none", "0", "-1", "1.5", "9999999"):
        with pytest.raises(UsageError, match="first, all, or how many"):
            pages_wanted(wrong)


@pytest.mark.parametrize("form", ["AVIF", "JPEG2000"])
def test_formats_of_pillow(form: str) -> None:
    if not features.check({"AVIF": "avif", "JPEG2000": "jpg_2000"}[form]):
        pytest.skip(f"this Pillow reads no {form}")
    decoded = decode_picture(encoded(form, 1))
    assert (decoded.format, decoded.image.size) == (form.lower(), (320, 256))


def test_heic_by_its_extra() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (320, 256), "red")).save(buffer)
    assert decode_picture(buffer.getvalue()).format == "heic"


def test_a_missing_extra_rejects_its_file_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pypdfium2", None)
    spec = RenderSpec("qwen3-vl", 65_536, 589_824, "png", 95, "pyav", str(tmp_path), str(tmp_path))
    made = render_picture(BytesRef(b"%PDF-1.4", "a"), spec)
    assert isinstance(made, Failure) and made.code == "VL103" and "[pdf]'" in made.reason


@pytest.mark.parametrize(("top", "bits"), [(4_095, 12), (1_023, 10), (16_383, 14), (65_535, 0)])
def test_levels_of_fewer_bits_keep_their_range(tmp_path: Path, top: int, bits: int) -> None:
    levels = np.linspace(0, top, 320 * 256).reshape(256, 320).astype(np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    made = rendered(buffer.getvalue(), tmp_path)
    with Image.open(tmp_path / "images" / made.pictures[0].name) as opened:
        assert opened.convert("L").getextrema()[1] >= 250
    assert made.note == (f"a 16-bit image whose levels end at {top:,} is read as one of {bits} bits" if bits else "")
