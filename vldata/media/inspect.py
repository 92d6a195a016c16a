"""What validation needs to know of a written picture, and a pool that finds it out for many."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator

import msgspec

from vldata.files.gate import SafePath
from vldata.media.containers import walk_container
from vldata.media.decode import decode_picture
from vldata.media.engines import open_pool
from vldata.media.pool import DEFAULT_TIMEOUT_S
from vldata.media.refs import Failure
from vldata.media.sources import Unusable, check_bytes, open_regular, read_picture_bytes

_HEAD_BYTES = (1 << 16, 1 << 23)  # the second where metadata push the size out of the first
_TAIL_BYTES = 16


class PictureFacts(msgspec.Struct, frozen=True):
    """What a picture file is.

    Attributes:
        width, height: as stored, before any EXIF turn.
        format: as its content says: jpeg, png, webp, gif, bmp, tiff.
        mode: Pillow's: RGB, L, P, RGBA, CMYK ...
        has_metadata: anything next to pixels is in the file: EXIF, a profile, text, a comment, further frames, bytes after the end.
        sha256: of the file; "" where only the header was read.
        bytes: size of the file.
    """

    width: int
    height: int
    format: str
    mode: str
    has_metadata: bool
    has_exif: bool
    has_alpha: bool
    sha256: str
    bytes: int


def inspect_picture(path: str | SafePath, *, headers_only: bool = False) -> PictureFacts | Failure:
    """Inspect one file: decode it whole and digest it, or read no more than its container's first and last bytes."""
    try:
        return _read_header(path) if headers_only else _read_whole(path)
    except Unusable as verdict:
        return verdict.failure


def inspect_pictures(
    paths: Iterable[str | SafePath], *, headers_only: bool = False, workers: int, timeout_s: float = DEFAULT_TIMEOUT_S
) -> Iterator[tuple[int, PictureFacts | Failure]]:
    """Yield (index of the path, facts or why there are none) as they come, from killable workers; headers are read in this process."""
    if headers_only:
        yield from ((index, inspect_picture(path, headers_only=True)) for index, path in enumerate(paths))
        return
    with open_pool("vldata.media.inspect:open_inspector", None, workers=workers, timeout_s=timeout_s) as pool:
        yield from pool.map_unordered(paths)


def open_inspector(setup: None) -> Callable[[str | SafePath], PictureFacts | Failure]:
    """Load the libraries once and return the work of one worker."""
    from vldata.media.decode import warm_up

    warm_up()
    return inspect_picture


def _read_whole(path: str | SafePath) -> PictureFacts:
    data = read_picture_bytes(path)
    decoded = decode_picture(data)
    container = walk_container(data, data[-_TAIL_BYTES:], len(data))
    stored = decoded.stored
    return PictureFacts(
        width=stored[0],
        height=stored[1],
        format=decoded.format,
        mode=decoded.mode,
        has_metadata=container is None or not container.plain,
        has_exif=decoded.turned or (container is not None and container.exif),
        has_alpha=decoded.alpha,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
    )


def _read_header(path: str | SafePath) -> PictureFacts:
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        check_bytes(size)
        tail = os.pread(file.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES))
        for length in _HEAD_BYTES:
            container = walk_container(os.pread(file.fileno(), length, 0), tail, size)
            if container is not None or size <= length:
                break
    if container is None:
        raise Unusable("VL102", "its header is not that of a whole JPEG, PNG or WebP picture")
    return PictureFacts(
        width=container.width,
        height=container.height,
        format=container.format,
        mode=container.mode,
        has_metadata=not container.plain,
        has_exif=container.exif,
        has_alpha=container.alpha,
        sha256="",
        bytes=size,
    )
