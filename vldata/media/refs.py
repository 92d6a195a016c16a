"""The seam between converters and the renderer: what is to be rendered, how, and what came of it.

A converter names media by reference and never opens them; the renderer sees references and a spec and never a question.
"""

from __future__ import annotations

from typing import Literal

import msgspec

ImageFormat = Literal["jpeg", "png", "webp"]
FormatRule = Literal["auto", "jpeg", "png", "webp"]

SUFFIXES: dict[str, str] = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".mpo": "jpeg",
    ".png": "png",
    ".apng": "png",
    ".webp": "webp",
    ".gif": "gif",
    ".bmp": "bmp",
    ".dib": "bmp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".avif": "avif",
    ".heic": "heic",
    ".heif": "heic",
    ".jp2": "jpeg2000",
    ".j2k": "jpeg2000",
    ".pdf": "pdf",
}
"""The endings of pictures, each with its format."""

ENDINGS = "|".join(suffix[1:] for suffix in SUFFIXES)
"""The same as alternatives of a pattern."""

SamplingRule = Literal["uniform", "first", "every", "fps"]
ShortRule = Literal["error", "repeat", "fewer"]
Decoder = Literal["pyav", "decord"]


class Sampling(msgspec.Struct, frozen=True):
    """Which frames of a sequence of n are taken.

    `rule` is "uniform" (`round(linspace(0, n-1, count))`), "first" (the first `count`), "every" (every `step`-th) or "fps" (`fps` a
    second); `count` caps the latter two when it is above 0. `short` says what happens when there are fewer than `count`.
    """

    rule: SamplingRule = "uniform"
    count: int = 8
    step: int = 1
    fps: float = 1.0
    short: ShortRule = "fewer"


class FileRef(msgspec.Struct, frozen=True, tag="file"):
    """A picture in a file. `source` is its name relative to the source folder, for provenance; `path` is where it is.

    In a tar it is `length` bytes from `offset`; -1: the whole file.
    """

    path: str
    source: str
    frame: int = -1  # its index in a frame folder; -1: not a frame
    offset: int = 0
    length: int = -1


class ClipRef(msgspec.Struct, frozen=True, tag="clip"):
    """Frames of a video, one reference for all of them: the file is opened once, and only the renderer learns how many frames there are."""

    path: str
    source: str
    sampling: Sampling
    start_s: float = 0.0  # frames are taken between these seconds
    end_s: float = 0.0  # 0: to the end


class BytesRef(msgspec.Struct, frozen=True, tag="bytes"):
    """A picture that the annotations carry themselves (a parquet cell, base64). `source` names the place it came from."""

    data: bytes
    source: str


class VideoRef(msgspec.Struct, frozen=True, tag="video"):
    """A video that is kept as it is: a file, or the bytes that the annotations carry themselves."""

    path: str
    source: str
    data: bytes = b""


MediaRef = FileRef | ClipRef | BytesRef | VideoRef


class RenderSpec(msgspec.Struct, frozen=True):
    """How pictures are written; equal specs and builds give equal bytes.

    Attributes:
        processor: the name of a model family.
        min_pixels, max_pixels: the budget, in pixels of the written picture.
        image_format: "auto" keeps JPEG as JPEG and writes the rest as PNG; a converter may have chosen another for its source.
        quality: of JPEG and WebP, 1 to 100; JPEG is written 4:4:4.
        decoder: for videos.
        images_dir: absolute folder that receives `xx/<sha256>.<ext>`.
        temp_dir: absolute folder on the same file system for files that are not whole yet.
        videos_dir: absolute folder that receives kept videos, named the same way.
        pages: which pages of a document or frames of an animated image are taken: first, all, or how many.
    """

    processor: str
    min_pixels: int
    max_pixels: int
    image_format: FormatRule
    quality: int
    decoder: Decoder
    images_dir: str
    temp_dir: str
    videos_dir: str = ""
    pages: str = "first"


class Picture(msgspec.Struct, frozen=True):
    """A picture that has been written. `name` is `xx/<sha256>.<ext>` below `images_dir`."""

    name: str
    sha256: str
    width: int
    height: int
    bytes: int
    source: str
    source_width: int  # upright
    source_height: int
    frame: int = -1  # index in the video or frame folder; -1: not a frame
    time_s: float | None = None  # of a frame of a video: seconds from its first frame


class Rendered(msgspec.Struct, frozen=True, tag="rendered"):
    """A reference that was rendered: one picture for a file or bytes, one per sampled frame for a clip.

    `note` is a sentence when something was worth saying (fewer frames than asked for), else "".
    """

    pictures: tuple[Picture, ...]
    note: str = ""


class Video(msgspec.Struct, frozen=True):
    """A video that was copied byte for byte. `name` is `xx/<sha256>.<ext>` below `videos_dir`; every one of its frames was decoded."""

    name: str
    sha256: str
    width: int
    height: int
    bytes: int
    frames: int
    fps: float
    duration_s: float
    source: str


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    """A reference to a video that was kept."""

    video: Video


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """A reference that could not be rendered. `code` is one of the media codes of `vldata.records.codes`; `reason` is a sentence."""

    code: str
    reason: str


Rendering = Rendered | Kept | Failure
