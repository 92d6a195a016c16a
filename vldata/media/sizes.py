"""How large a source image is, read from its header alone: what coordinates in text are compared with before anything is rendered."""

from __future__ import annotations

import functools
import io
from typing import IO

from vldata.media.refs import BytesRef, FileRef, MediaRef
from vldata.media.sources import Unusable, open_regular, read_picture_bytes

Size = tuple[int, int]


def upright_size(ref: MediaRef) -> Size | None:
    """Return the (width, height) of an image as it stands upright; None for a video, and where the header cannot be read."""
    if isinstance(ref, BytesRef):
        return _size_of(io.BytesIO(ref.data))
    return _size_of_file(ref.path, ref.offset, ref.length) if isinstance(ref, FileRef) else None


@functools.lru_cache(maxsize=65_536)
def _size_of_file(path: str, offset: int, length: int) -> Size | None:
    try:
        if length >= 0:  # a member of an archive
            return _size_of(io.BytesIO(read_picture_bytes(path, offset, length)))
        with open_regular(path) as handle:
            return _size_of(handle)
    except Unusable:
        return None


def _size_of(handle: IO[bytes]) -> Size | None:
    from PIL import Image

    try:
        with Image.open(handle) as opened:
            width, height = opened.size
            turned = opened.format != "TIFF" and opened.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    except Exception:  # decoders fed hostile bytes raise anything; the renderer says what is wrong with the image
        return None
    return (height, width) if turned else (width, height)
