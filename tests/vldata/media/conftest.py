"""Pictures and videos drawn for the tests of the renderer."""

from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from vldata.media.refs import RenderSpec


@pytest.fixture
def spec(tmp_path):
    (tmp_path / "temp").mkdir()
    return RenderSpec(
        processor="qwen3-vl",
        min_pixels=65_536,
        max_pixels=589_824,
        image_format="auto",
        quality=95,
        decoder="pyav",
        images_dir=str(tmp_path / "images"),
        temp_dir=str(tmp_path / "temp"),
    )


@pytest.fixture(scope="session")
def scene():
    """A smooth picture whose four quarters have colours of their own, so that any turn or flip shows."""
    return draw_scene(320, 256)


def draw_scene(width, height):
    rows, columns = np.mgrid[0:height, 0:width]
    top, left = rows < height // 2, columns < width // 2
    red = np.where(top & left, 220, 40) + columns * 20 // width
    green = np.where(top & ~left, 220, 40) + rows * 20 // height
    blue = np.where(~top & left, 220, 40)
    return Image.fromarray(np.stack([red, green, blue], axis=-1).astype(np.uint8))


@pytest.fixture(scope="session")
def draw():
    return draw_scene


@pytest.fixture(scope="session")
def draw_video():
    return write_video


def write_video(path, codec, *, count=48, options=None, pixel_format="yuv420p", size=(96, 64), first=0, leave_out=(), muxer=None):
    """Write a video whose every frame differs; `leave_out` makes its rate vary, a negative `first` an edit list."""
    texture = np.random.default_rng(count).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    with av.open(str(path), "w", options=muxer or {}) as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.codec_context.gop_size = 12
        for number in range(count):
            if number in leave_out:
                continue
            picture = np.roll(texture, number * 3, axis=1)
            picture[:16, :16] = number * 5 % 256
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number + first, Fraction(1, 25)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Write a module that the workers can import; returns the name of a factory in it."""

    def write(body):
        folder = tmp_path / "modules"
        folder.mkdir(exist_ok=True)
        name = f"work_{len(list(folder.iterdir()))}"
        (folder / f"{name}.py").write_text(
            f"import ctypes, os, time\n\n\ndef make(setup):\n    def work(item):\n{indent(body)}\n    return work\n"
        )
        monkeypatch.syspath_prepend(str(folder))
        return f"{name}:make"

    return write


def indent(body):
    return "\n".join(" " * 8 + line for line in body.strip().splitlines())
