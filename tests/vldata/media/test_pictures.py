"""Pictures of every kind become upright, opaque, 8-bit sRGB pictures on the grid, or a coded failure."""

import errno
import hashlib
import io
import os
import struct
import zlib
from pathlib import Path

import msgspec
import numpy as np
import PIL
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from vldata.errors import DataError
from vldata.media import decode, pixels, sources
from vldata.media.decode import decode_picture
from vldata.media.pictures import render_picture
from vldata.media.refs import BytesRef, Failure, FileRef, Rendered
from vldata.media.sources import Unusable

WHITE = (255, 255, 255)


def encoded(image, image_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def render(data, spec, name="picture"):
    if isinstance(data, bytes):
        return render_picture(BytesRef(data, name), spec)
    return render_picture(FileRef(str(data), name), spec)


def written(rendering, spec):
    assert isinstance(rendering, Rendered), rendering
    (picture,) = rendering.pictures
    data = Path(spec.images_dir, picture.name).read_bytes()
    assert hashlib.sha256(data).hexdigest() == picture.sha256 and picture.name.startswith(f"{picture.sha256[:2]}/{picture.sha256}.")
    assert len(data) == picture.bytes
    image = Image.open(io.BytesIO(data))
    image.load()
    assert image.mode == "RGB" and image.size == (picture.width, picture.height)
    assert not set(image.info) - {
        "progressive",
        "progression",
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
        "background",
        "loop",
        "timestamp",
        "duration",
    }
    assert pixels.is_fixed_point(*image.size, processor=spec.processor, min_pixels=spec.min_pixels, max_pixels=spec.max_pixels)
    return image


def mean_colours(image):
    """Mean colour of the middle of each quarter, clockwise from the top left."""
    values = np.asarray(image.convert("RGB"), dtype=float)
    height, width = values.shape[0] // 8, values.shape[1] // 8
    middles = [(1, 1), (1, 5), (5, 5), (5, 1)]
    return [values[top * height : (top + 2) * height, left * width : (left + 2) * width].mean(axis=(0, 1)) for top, left in middles]


def near(left, right, tolerance=4.0):
    return all(np.abs(a - b).max() <= tolerance for a, b in zip(mean_colours(left), mean_colours(right), strict=True))


def adaptive(scene):
    return scene.quantize(64)


MODES = {
    "png": lambda scene: (encoded(scene, "PNG"), scene),
    "jpeg": lambda scene: (encoded(scene, "JPEG", quality=95), scene),
    "progressive jpeg": lambda scene: (encoded(scene, "JPEG", quality=95, progressive=True), scene),
    "webp": lambda scene: (encoded(scene, "WEBP", lossless=True), scene),
    "bmp": lambda scene: (encoded(scene, "BMP"), scene),
    "tiff": lambda scene: (encoded(scene, "TIFF"), scene),
    "gif": lambda scene: (encoded(scene, "GIF"), scene),
    "grey": lambda scene: (encoded(scene.convert("L"), "PNG"), scene.convert("L")),
    "grey jpeg": lambda scene: (encoded(scene.convert("L"), "JPEG", quality=95), scene.convert("L")),
    "bilevel": lambda scene: (encoded(scene.convert("L").point(lambda v: 255 * (v > 80)).convert("1"), "PNG"), None),
    "palette": lambda scene: (encoded(adaptive(scene), "PNG"), scene),
    "cmyk jpeg": lambda scene: (encoded(scene.convert("CMYK"), "JPEG", quality=95), scene),
    "cmyk tiff": lambda scene: (encoded(scene.convert("CMYK"), "TIFF"), scene),
    "ycbcr tiff": lambda scene: (encoded(scene.convert("YCbCr"), "TIFF"), scene),
    "mpo": lambda scene: (encoded(scene, "MPO", save_all=True, append_images=[Image.new("RGB", scene.size)]), scene),
    "animated gif": lambda scene: (encoded(scene, "GIF", save_all=True, append_images=[Image.new("RGB", scene.size)]), scene),
    "animated png": lambda scene: (encoded(scene, "PNG", save_all=True, append_images=[Image.new("RGB", scene.size)]), scene),
    "animated webp": lambda scene: (encoded(scene, "WEBP", save_all=True, append_images=[Image.new("RGB", scene.size)]), scene),
    "two-page tiff": lambda scene: (encoded(scene, "TIFF", save_all=True, append_images=[Image.new("RGB", scene.size)]), scene),
}


@pytest.mark.parametrize("kind", MODES)
def test_every_mode_and_format(kind, scene, spec):
    if kind == "ycbcr tiff" and int(PIL.__version__.split(".")[0]) < 13:
        pytest.skip("Pillow before 13 does not read the YCbCr TIFF that it writes")
    data, expected = MODES[kind](scene)
    image = written(render(data, spec), spec)
    if expected is None:
        assert {tuple(map(round, colour)) for colour in mean_colours(image)} == {(0, 0, 0), WHITE}
    else:
        assert near(image, expected, tolerance=14 if kind in ("gif", "animated gif", "palette") else 4)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once_and_dropped(image_format, orientation, scene, spec):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that lays the picture as the camera stored it
    stored = scene if orientation == 1 else scene.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    rendering = render(encoded(stored, image_format, exif=exif.tobytes(), **({"quality": 95} if image_format == "JPEG" else {})), spec)
    assert near(written(rendering, spec), scene)
    picture = rendering.pictures[0]
    assert (picture.source_width, picture.source_height) == scene.size


def test_orientation_of_a_large_jpeg_survives_scaled_decoding(draw, spec):
    scene = draw(3000, 1200)
    exif = Image.Exif()
    exif[0x0112] = 6
    rendering = render(encoded(scene.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif.tobytes()), spec)
    assert near(written(rendering, spec), scene) and rendering.pictures[0].source_width == 3000


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40, b"Exif\0\0"])
def test_broken_exif_does_not_spoil_a_picture(exif, scene, spec):
    assert near(written(render(encoded(scene, "JPEG", quality=95, exif=exif), spec), spec), scene)


def translucent(scene, mode):
    image = scene.convert("RGBA")
    alpha = Image.new("L", scene.size, 255)
    alpha.paste(0, (0, 0, scene.width, scene.height // 2))
    image.putalpha(alpha)
    return image if mode == "RGBA" else image.convert(mode)


@pytest.mark.parametrize(
    ("mode", "image_format"), [("RGBA", "PNG"), ("RGBA", "WEBP"), ("RGBA", "TIFF"), ("LA", "PNG"), ("LA", "TIFF"), ("PA", "PNG")]
)
def test_transparency_becomes_white(mode, image_format, scene, spec):
    source = translucent(scene, "RGBA").quantize(32) if mode == "PA" else translucent(scene, mode)
    image = written(render(encoded(source, image_format), spec), spec)
    colours = mean_colours(image)
    assert np.allclose(colours[0], 255) and np.allclose(colours[1], 255)
    assert colours[2].min() < 100


def test_a_transparent_colour_key_becomes_white(spec):
    image = Image.new("RGB", (256, 256), (10, 20, 30))
    image.paste((200, 0, 0), (0, 128, 256, 256))
    colours = mean_colours(written(render(encoded(image, "PNG", transparency=(10, 20, 30)), spec), spec))
    assert np.allclose(colours[0], 255) and np.allclose(colours[2], (200, 0, 0))
    palette = Image.new("P", (256, 256), 3)
    palette.putpalette([0, 0, 0] * 256)
    assert np.allclose(mean_colours(written(render(encoded(palette, "GIF", transparency=3), spec), spec)), 255)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (np.array([0, 65535], np.uint16), (0, 255)),
        (np.array([257 * 40, 257 * 200], np.uint16), (40, 200)),
        (np.array([0.0, 1.0], np.float32), (0, 255)),
        (np.array([0.25, 0.75], np.float32), (64, 191)),
        (np.array([20.0, 200.0], np.float32), (20, 200)),
        (np.array([-5.0, 995.0], np.float32), (0, 255)),
        (np.array([np.nan, 1.0], np.float32), (0, 255)),
        (np.array([0, 65535], np.int32), (0, 255)),
        (np.array([-100_000, 100_000], np.int32), (0, 255)),
        (np.array([7, 7], np.int32), (7, 7)),
    ],
)
def test_deep_levels_are_scaled_not_saturated(levels, expected, spec):
    image = Image.fromarray(np.repeat(np.repeat(levels[None], 256, axis=0), 128, axis=1))
    values = np.asarray(written(render(encoded(image, "TIFF"), spec), spec))
    assert (values[10, 10] == expected[0]).all() and (values[10, -10] == expected[1]).all()
    if levels.dtype == np.uint16:
        again = np.asarray(written(render(encoded(image, "PNG"), spec), spec))
        assert (again[10, 10] == expected[0]).all() and (again[10, -10] == expected[1]).all()


def test_16_bit_colour_is_scaled(spec):
    rows = b"".join(b"\0" + struct.pack(">3H", 65535, 32768, 257) * 256 for _ in range(256))
    header = struct.pack(">IIBBBBB", 256, 256, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + b"".join(map(chunk, (b"IHDR", b"IDAT", b"IEND"), (header, zlib.compress(rows), b"")))
    assert [round(value) for value in mean_colours(written(render(data, spec), spec))[0]] == [255, 128, 1]


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def swapped_profile():
    """sRGB with red and green exchanged, so that using the profile shows."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    tags = {bytes(profile[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    description = tags[b"desc"]
    offset, length = struct.unpack_from(">II", profile, description + 4)
    profile[offset : offset + length] = profile[offset : offset + length].replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    return bytes(profile)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_colour_profiles_are_converted_to_srgb(image_format, spec):
    data = encoded(Image.new("RGB", (256, 256), (220, 30, 40)), image_format, icc_profile=swapped_profile(), quality=95)
    red, green, _ = mean_colours(written(render(data, spec), spec))[0]
    assert red < 80 and green > 180


def test_srgb_broken_and_foreign_profiles_change_nothing(scene, spec):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = written(render(encoded(scene, "PNG"), spec), spec)
    for profile in (srgb, b"no profile", swapped_profile()[:200]):
        assert np.array_equal(np.asarray(written(render(encoded(scene, "PNG", icc_profile=profile), spec), spec)), np.asarray(plain))
    grey = written(render(encoded(scene.convert("L"), "PNG", icc_profile=swapped_profile()), spec), spec)
    assert near(grey, scene.convert("L"))


def test_lab_becomes_srgb(scene, spec):
    lab = ImageCms.profileToProfile(scene, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB")
    assert near(written(render(encoded(lab, "TIFF"), spec), spec), scene, tolerance=12)


@pytest.mark.parametrize(
    ("rule", "source", "extension"),
    [
        ("auto", "JPEG", "jpg"),
        ("auto", "WEBP", "png"),
        ("auto", "BMP", "png"),
        ("jpeg", "PNG", "jpg"),
        ("png", "JPEG", "png"),
        ("webp", "PNG", "webp"),
    ],
)
def test_written_format(rule, source, extension, draw, spec):
    rendering = render(encoded(draw(700, 500), source), msgspec.structs.replace(spec, image_format=rule))
    written(rendering, spec)
    assert rendering.pictures[0].name.endswith(f".{extension}")


def test_jpeg_is_written_without_chroma_subsampling(draw, spec):
    rendering = render(encoded(draw(700, 500), "PNG"), msgspec.structs.replace(spec, image_format="jpeg"))
    layers = Image.open(io.BytesIO(Path(spec.images_dir, rendering.pictures[0].name).read_bytes())).layer
    assert {(layer[1], layer[2]) for layer in layers} == {(1, 1)}


@pytest.mark.parametrize("rule", ["jpeg", "png", "webp"])
def test_what_is_written_is_copied_byte_for_byte_when_rendered_again(rule, draw, spec):
    spec = msgspec.structs.replace(spec, image_format=rule)
    first = render(encoded(draw(1920, 1080), "PNG"), spec)
    path = Path(spec.images_dir, first.pictures[0].name)
    again = render(path, msgspec.structs.replace(spec, quality=20))
    assert again.pictures[0].sha256 == first.pictures[0].sha256


def text(key, value):
    info = PngImagePlugin.PngInfo()
    info.add_text(key, value)
    return info


@pytest.mark.parametrize(
    "make",
    [
        lambda scene: encoded(scene, "PNG", pnginfo=text("author", "somebody")),
        lambda scene: encoded(scene, "PNG", dpi=(72, 72)),
        lambda scene: encoded(scene, "PNG") + b"a tail",
        lambda scene: encoded(scene, "JPEG", comment=b"somebody"),
        lambda scene: encoded(scene, "JPEG", exif=Image.Exif()),
        lambda scene: encoded(scene, "JPEG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
        lambda scene: encoded(scene, "JPEG") + b"a tail",
        lambda scene: encoded(scene, "JPEG", xmp=b"<x/>"),
    ],
)
def test_metadata_never_reaches_the_output(make, draw, spec):
    data = make(draw(512, 512))
    rendering = render(data, spec)
    written(rendering, spec)
    stored = Path(spec.images_dir, rendering.pictures[0].name).read_bytes()
    assert stored != data and not any(word in stored for word in (b"somebody", b"a tail", b"Exif", b"ICC_PROFILE", b"pHYs", b"<x/>"))


def test_the_same_picture_gives_the_same_bytes_and_one_file(draw, spec):
    data = encoded(draw(900, 700), "JPEG")
    first, second = render(data, spec, "a"), render(data, spec, "b")
    assert first.pictures[0].name == second.pictures[0].name
    assert len([path for path in Path(spec.images_dir).rglob("*") if path.is_file()]) == 1
    assert not list(Path(spec.temp_dir).iterdir())


def test_a_torn_file_is_replaced_and_a_whole_one_left_alone(draw, spec):
    data = encoded(draw(900, 700), "JPEG")
    path = Path(spec.images_dir, render(data, spec).pictures[0].name)
    whole = path.read_bytes()
    os.utime(path, (1, 1))
    render(data, spec)
    assert path.stat().st_mtime == 1
    for torn in (whole[:-1], whole[:-1] + b"?", b""):
        path.write_bytes(torn)
        render(data, spec)
        assert path.read_bytes() == whole


def test_the_content_decides_what_a_file_is_and_the_name_is_noted(tmp_path, draw, spec):
    for name, image_format, extension in (("a.png", "JPEG", "jpg"), ("b.jpg", "PNG", "png")):
        (tmp_path / name).write_bytes(encoded(draw(300, 300), image_format))
        rendering = render(tmp_path / name, spec, name)
        written(rendering, spec)
        assert rendering.note == f"{name!r} holds a {image_format} picture" and rendering.pictures[0].name.endswith(extension)
    (tmp_path / "c.JPG").write_bytes(encoded(draw(300, 300), "JPEG"))
    assert render(tmp_path / "c.JPG", spec, "c.JPG").note == ""


def noisy():
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8))


def damaged_png():
    data = bytearray(encoded(noisy(), "PNG"))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


def bomb(side):
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side + 15) // 8 * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("make", "code", "reason"),
    [
        (lambda: b"", "VL102", "empty"),
        (lambda: b"hello, world", "VL102", "no picture"),
        (lambda: b"\0" * 5000, "VL102", "no picture"),
        (lambda: encoded(noisy(), "PNG")[:1000], "VL102", "cannot be decoded"),
        (lambda: encoded(noisy(), "JPEG")[:-500], "VL102", "truncated"),
        (lambda: encoded(noisy(), "JPEG")[:30], "VL102", "cannot be decoded"),
        (lambda: encoded(noisy(), "WEBP")[:-500], "VL102", "cannot be decoded"),
        (lambda: encoded(noisy(), "GIF")[:-500], "VL102", "cannot be decoded"),
        (lambda: encoded(noisy(), "BMP")[:-500], "VL102", "cannot be decoded"),
        (lambda: encoded(noisy(), "TIFF")[:-500], "VL102", "cannot be decoded"),
        (damaged_png, "VL102", "cannot be decoded"),
        (lambda: b"\0\0\0\x20ftypavif" + bytes(64), "VL102", "cannot be decoded"),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "VL103", "SVG"),
        (lambda: b"%PDF-1.7", ("VL102", "VL103"), "PDF"),
        (lambda: encoded(Image.new("RGB", (32, 32)), "ICO"), "VL103", "an icon"),
        (lambda: bomb(8_001), "VL104", "8001x8001"),
        (lambda: bomb(13_300), "VL104", "more than 64000000"),
        (lambda: bomb(60_000), "VL104", "more than 64000000"),
        (lambda: encoded(Image.new("RGB", (9_000, 20)), "PNG"), "VL105", "200"),
    ],
)
def test_pictures_that_cannot_be_used(make, code, reason, spec):
    rendering = render(make(), spec)
    assert isinstance(rendering, Failure) and rendering.code in code and reason in rendering.reason
    assert " at 0x" not in rendering.reason and not Path(spec.images_dir).exists()


def test_every_cut_of_a_jpeg_and_a_png_is_noticed():
    for data in (encoded(noisy(), "JPEG"), encoded(noisy(), "PNG")):
        for place in range(1, len(data) - 20, len(data) // 40):
            with pytest.raises(Unusable):
                decode_picture(data[:place])


def test_paths_that_may_not_be_opened(tmp_path, spec):
    (tmp_path / "picture.png").write_bytes(encoded(noisy(), "PNG"))
    (tmp_path / "link.png").symlink_to(tmp_path / "picture.png")
    os.mkfifo(tmp_path / "pipe.png")
    cases = {"link.png": "VL111", "pipe.png": "VL111", ".": "VL111", "a\0b": "VL111", "missing.png": "VL101", "picture.png/x": "VL101"}
    for name, code in cases.items():
        rendering = render(tmp_path / name, spec)
        assert isinstance(rendering, Failure) and rendering.code == code, name
    assert isinstance(render(Path("/dev/zero"), spec), Failure)


def test_a_file_above_the_size_cap_is_not_read(tmp_path, monkeypatch, spec):
    monkeypatch.setattr(sources, "MAX_PICTURE_BYTES", 1000)
    (tmp_path / "large.png").write_bytes(encoded(noisy(), "PNG"))
    assert render(tmp_path / "large.png", spec).code == "VL104"


def test_a_full_disk_ends_the_run(scene, spec, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(DataError, match="No space left on device"):
        render(encoded(scene, "PNG"), spec)


def test_scaled_decoding_stays_near_full_decoding(monkeypatch):
    rng = np.random.default_rng(4)
    coarse = Image.fromarray(rng.integers(0, 255, (300, 400, 3), dtype=np.uint8)).resize((4000, 3000), Image.Resampling.BICUBIC)
    data = encoded(coarse, "JPEG", quality=92)
    target = pixels.target_size(4000, 3000, processor="qwen3-vl", min_pixels=65_536, max_pixels=589_824)
    scaled = []
    resize = Image.Image.resize
    monkeypatch.setattr(Image.Image, "resize", lambda image, *rest, **options: scaled.append(image.size) or resize(image, *rest, **options))
    ours = decode_picture(data, lambda *_: target)
    assert scaled == [(2000, 1500)], "half the size, and still twice what is wanted"
    full = Image.open(io.BytesIO(data)).convert("RGB").resize(target, Image.Resampling.BICUBIC)
    error = np.mean((np.asarray(ours.image, dtype=float) - np.asarray(full, dtype=float)) ** 2)
    assert (ours.width, ours.height) == (4000, 3000)
    assert 10 * np.log10(255**2 / max(error, 1e-9)) >= 40


def test_small_pictures_are_resampled_as_the_processor_does(draw, spec):
    image = draw(1000, 700)
    target = pixels.target_size(1000, 700, processor="qwen3-vl", min_pixels=65_536, max_pixels=589_824)
    expected = image.resize(target, Image.Resampling.BICUBIC)
    assert np.array_equal(np.asarray(written(render(encoded(image, "PNG"), spec), spec)), np.asarray(expected))


def test_pillows_limits_are_left_as_they_are():
    from PIL import ImageFile

    assert Image.MAX_IMAGE_PIXELS == 89_478_485 and ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert decode.MAX_SOURCE_PIXELS < Image.MAX_IMAGE_PIXELS
