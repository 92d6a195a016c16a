"""What validation learns of a file, by decoding it and by its header alone."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from vldata.media.inspect import PictureFacts, inspect_picture, inspect_pictures
from vldata.media.pictures import render_picture
from vldata.media.refs import BytesRef, Failure


def save(path, image, image_format, **options):
    image.save(path, image_format, **options)
    return str(path)


def noisy(mode="RGB"):
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)).convert(mode)


def orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


@pytest.mark.parametrize(
    ("mode", "image_format", "options", "expected"),
    [
        ("RGB", "JPEG", {}, {"format": "jpeg", "mode": "RGB"}),
        ("RGB", "JPEG", {"progressive": True}, {"format": "jpeg"}),
        ("L", "JPEG", {}, {"format": "jpeg", "mode": "L"}),
        ("CMYK", "JPEG", {}, {"format": "jpeg", "mode": "CMYK"}),
        ("RGB", "JPEG", {"comment": b"hello"}, {"has_metadata": True}),
        ("RGB", "JPEG", {"exif": orientation(6)}, {"has_metadata": True, "has_exif": True}),
        ("RGB", "JPEG", {"icc_profile": b"x" * 70_000}, {"has_metadata": True}),
        ("RGB", "PNG", {}, {"format": "png", "mode": "RGB"}),
        ("L", "PNG", {}, {"format": "png", "mode": "L"}),
        ("1", "PNG", {}, {"format": "png", "mode": "1"}),
        ("I;16", "PNG", {}, {"format": "png", "mode": "I;16"}),
        ("P", "PNG", {}, {"format": "png", "mode": "P"}),
        ("P", "PNG", {"transparency": 0}, {"has_alpha": True, "has_metadata": True}),
        ("RGBA", "PNG", {}, {"mode": "RGBA", "has_alpha": True}),
        ("LA", "PNG", {}, {"mode": "LA", "has_alpha": True}),
        ("RGB", "PNG", {"dpi": (72, 72)}, {"has_metadata": True}),
        ("RGB", "PNG", {"exif": orientation(3)}, {"has_metadata": True, "has_exif": True}),
        ("RGB", "WEBP", {}, {"format": "webp", "mode": "RGB"}),
        ("RGB", "WEBP", {"lossless": True}, {"format": "webp", "mode": "RGB"}),
        ("RGBA", "WEBP", {"lossless": True}, {"format": "webp", "mode": "RGBA", "has_alpha": True}),
        ("RGB", "WEBP", {"exif": orientation(3)}, {"format": "webp", "has_metadata": True, "has_exif": True}),
    ],
)
def test_facts(mode, image_format, options, expected, tmp_path):
    image = Image.fromarray(np.arange(60_000, dtype=np.uint16).reshape(200, 300)) if mode == "I;16" else noisy(mode)
    if mode == "RGBA":
        image.putalpha(100)
    path = save(tmp_path / "file", image, image_format, **options)
    data = (tmp_path / "file").read_bytes()
    whole, header = inspect_picture(path), inspect_picture(path, headers_only=True)
    assert isinstance(whole, PictureFacts) and isinstance(header, PictureFacts)
    assert (whole.sha256, header.sha256, whole.bytes, header.bytes) == (hashlib.sha256(data).hexdigest(), "", len(data), len(data))
    plain = {"width": 300, "height": 200, "has_metadata": False, "has_exif": False, "has_alpha": False} | expected
    for facts in (whole, header):
        assert {name: getattr(facts, name) for name in plain} == plain


@pytest.mark.parametrize("headers_only", [False, True])
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_bytes_after_the_end_are_metadata(image_format, headers_only, tmp_path):
    path = save(tmp_path / "file", noisy(), image_format)
    with (tmp_path / "file").open("ab") as file:
        file.write(b"payload!" * 10)
    assert inspect_picture(path, headers_only=headers_only).has_metadata


@pytest.mark.parametrize("name", ["frames.png", "frames.gif", "pages.tiff"])
def test_further_frames_are_metadata(name, tmp_path):
    path = str(tmp_path / name)
    noisy().save(path, save_all=True, append_images=[Image.new("RGB", (300, 200))])
    assert inspect_picture(path).has_metadata


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_cut_file_does_not_decode(image_format, tmp_path):
    save(tmp_path / "whole", noisy(), image_format)
    (tmp_path / "cut").write_bytes((tmp_path / "whole").read_bytes()[:-400])
    assert inspect_picture(str(tmp_path / "cut")).code == "VL102"
    header = inspect_picture(str(tmp_path / "cut"), headers_only=True)
    assert isinstance(header, Failure) or header.has_metadata, "a file that does not end as it should is never plain"


@pytest.mark.parametrize("headers_only", [False, True])
def test_files_that_are_no_pictures(headers_only, tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_bytes(b"hello" * 100)
    (tmp_path / "link").symlink_to(tmp_path / "text")
    codes = {
        name: inspect_picture(str(tmp_path / name), headers_only=headers_only).code for name in ("empty", "text", "link", "missing", ".")
    }
    assert codes == {"empty": "VL102", "text": "VL102", "link": "VL111", "missing": "VL101", ".": "VL111"}


def test_what_the_renderer_writes_is_plain(tmp_path, draw, spec):
    buffer = io.BytesIO()
    draw(900, 700).save(buffer, "JPEG", exif=orientation(6), comment=b"hello")
    (picture,) = render_picture(BytesRef(buffer.getvalue(), "a"), spec).pictures
    facts = inspect_picture(f"{spec.images_dir}/{picture.name}")
    assert facts == PictureFacts(picture.width, picture.height, "jpeg", "RGB", False, False, False, picture.sha256, picture.bytes)


@pytest.mark.parametrize("headers_only", [False, True])
def test_many_files_in_workers(headers_only, tmp_path):
    paths = [save(tmp_path / f"{n}.png", Image.new("RGB", (n + 1, 5)), "PNG") for n in range(20)]
    (tmp_path / "3.png").write_bytes(b"")
    facts = dict(inspect_pictures(paths, headers_only=headers_only, workers=2))
    assert facts.pop(3).code == "VL102"
    assert {n: fact.width for n, fact in facts.items()} == {n: n + 1 for n in range(20) if n != 3}
