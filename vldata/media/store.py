"""Encoding pictures and putting them in their place, named by the digest of their bytes."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import os
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, NamedTuple

from vldata.causes import write_error
from vldata.files import inside
from vldata.media.refs import FormatRule, ImageFormat, Picture, RenderSpec

if TYPE_CHECKING:
    from PIL import Image

EXTENSIONS: dict[str, str] = {"jpeg": "jpg", "png": "png", "webp": "webp"}
_PNG_LEVEL = 1  # chosen for speed: on frames, level 6 of zlib-ng takes four times as long for a seventh fewer bytes
_WEBP_METHOD = 4
_counter = itertools.count()


def output_format(rule: FormatRule, source_format: str) -> ImageFormat:
    """Return the format a picture is written in: "auto" keeps JPEG as JPEG and writes the rest as PNG."""
    if rule != "auto":
        return rule
    return "jpeg" if source_format == "jpeg" else "png"


def encode_picture(image: Image.Image, image_format: ImageFormat, *, quality: int) -> bytes:
    """Encode an RGB picture: the same pixels and build give the same bytes, and nothing but pixels is in them."""
    image.info = {}  # Pillow copies comments, profiles and transparency from here unasked
    buffer = io.BytesIO()
    if image_format == "jpeg":
        image.save(buffer, "JPEG", quality=quality, subsampling=0)
    elif image_format == "png":
        image.save(buffer, "PNG", compress_level=_PNG_LEVEL)
    else:
        image.save(buffer, "WEBP", quality=quality, method=_WEBP_METHOD)
    return buffer.getvalue()


class Origin(NamedTuple):
    """Where a picture comes from: the source's name, its upright size, which of its frames this is (-1: none), and when it is shown."""

    source: str
    width: int
    height: int
    frame: int
    time_s: float | None = None


def store_picture(data: bytes, image_format: ImageFormat, spec: RenderSpec, size: tuple[int, int], origin: Origin) -> Picture:
    """Write an encoded picture to `images_dir/xx/<sha256>.<ext>` and say what was written.

    A file that is there and whole is left alone; one that differs (a torn write) is replaced. Nothing is fsynced here: the writer does
    that for a whole shard before it commits.

    Raises:
        DataError: the folder cannot be written to; no later picture could be either.
    """
    digest = hashlib.sha256(data).hexdigest()
    name = f"{digest[:2]}/{digest}.{EXTENSIONS[image_format]}"
    if not _is_there(Path(spec.images_dir, name), data):
        _write(Path(spec.images_dir), name, data, Path(spec.temp_dir))
    return Picture(
        name=name,
        sha256=digest,
        width=size[0],
        height=size[1],
        bytes=len(data),
        source=origin.source,
        source_width=origin.width,
        source_height=origin.height,
        frame=origin.frame,
        time_s=None if origin.time_s is None else round(origin.time_s, 3),
    )


def _is_there(place: Path, data: bytes) -> bool:
    try:
        stat = place.stat(follow_symlinks=False)
        return S_ISREG(stat.st_mode) and stat.st_size == len(data) and place.read_bytes() == data
    except OSError:
        return False


def _write(images: Path, name: str, data: bytes, temp_dir: Path) -> None:
    temp = temp_dir / f"{os.getpid()}-{next(_counter)}.part"
    try:
        temp.write_bytes(data)
        with inside.parent(images, name, make=True) as (folder, last):
            os.rename(temp, last, dst_dir_fd=folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            temp.unlink()
        raise write_error(images, error) from error
