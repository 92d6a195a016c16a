"""Image files as a trainer's Pillow would find them, from their headers; one that looks damaged is decoded to be sure."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import NamedTuple

from vldata.media.containers import walk_container
from vldata.media.sources import Unusable, open_regular

_HEAD_BYTES = 1 << 16
_TAIL_BYTES = 16
_MAX_PIXELS = 2 * 89_478_485  # Pillow refuses more, as a bomb
_MAX_KNOWN = 200_000
_TURNED = frozenset({5, 6, 7, 8})


class ImageHeader(NamedTuple):
    """One image file.

    Attributes:
        width, height: as stored, before any EXIF turn.
        mode: Pillow's.
        alpha: some of it is transparent.
        turn: the EXIF orientation, 1 where there is none.
        error: the exception Pillow raises, as a trainer prints it; "" for a good file.
    """

    width: int = 0
    height: int = 0
    mode: str = "RGB"
    alpha: bool = False
    turn: int = 1
    error: str = ""

    @property
    def sideways(self) -> bool:
        """Whether its EXIF turns it by a quarter."""
        return self.turn in _TURNED

    @property
    def turned(self) -> bool:
        """Whether its EXIF turns or mirrors it at all."""
        return 2 <= self.turn <= 8


class ImageHeaders:
    """Looks at files, each once."""

    def __init__(self) -> None:
        self.files = 0
        self._known: dict[str, ImageHeader] = {}

    def look(self, path: str, shown: str = "") -> ImageHeader:
        """Look at a file; `shown` is its name in the trainer's message."""
        seen = self._known.get(path)
        if seen is None:
            seen = _look(path, shown or path)
            self.files += 1
            if len(self._known) < _MAX_KNOWN:
                self._known[path] = seen
        return seen


def _look(path: str, shown: str) -> ImageHeader:
    if os.path.isdir(path):  # noqa: PTH112 - a name of a dataset may be none that Path takes
        return ImageHeader(error=f"IsADirectoryError: [Errno 21] Is a directory: {shown!r}")
    try:
        file = open_regular(os.path.realpath(path))
    except Unusable as verdict:
        if verdict.failure.code == "VL101" and "cannot" not in verdict.failure.reason:
            return ImageHeader(error=f"FileNotFoundError: [Errno 2] No such file or directory: {shown!r}")
        return ImageHeader(error=f"OSError: {verdict.failure.reason}")
    except ValueError:
        return ImageHeader(error="ValueError: embedded null byte")
    with file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            return ImageHeader(error=f"UnidentifiedImageError: cannot identify image file {shown!r}")
        head = os.pread(file.fileno(), _HEAD_BYTES, 0)
        tail = os.pread(file.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES))
        container = walk_container(head, tail, size)
        whole = container is not None and _is_whole(container.format, head, tail, size)
        if container is None or not whole or container.exif:
            return _decode(path, shown, decode=not whole)
        if container.width * container.height > _MAX_PIXELS:
            return _bomb(container.width, container.height)
        return ImageHeader(container.width, container.height, container.mode, container.alpha)


def _is_whole(form: str, head: bytes, tail: bytes, size: int) -> bool:
    if form == "jpeg":
        return b"\xff\xd9" in tail
    if form == "png":
        return b"IEND" in tail
    return int.from_bytes(head[4:8], "little") + 8 <= size


def _bomb(width: int, height: int) -> ImageHeader:
    return ImageHeader(error=f"DecompressionBombError: Image size ({width * height} pixels) exceeds limit of {_MAX_PIXELS} pixels")


def _decode(path: str, shown: str, *, decode: bool) -> ImageHeader:
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with open_regular(os.path.realpath(path)) as file, Image.open(file) as image:
                if image.width * image.height > _MAX_PIXELS:
                    return _bomb(*image.size)
                turn = image.getexif().get(0x0112, 1)
                if decode:
                    image.load()
                alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
                return ImageHeader(image.width, image.height, image.mode, alpha, turn if isinstance(turn, int) else 1)
        except UnidentifiedImageError:
            return ImageHeader(error=f"UnidentifiedImageError: cannot identify image file {shown!r}")
        except Image.DecompressionBombError as error:
            return ImageHeader(error=f"DecompressionBombError: {error}")
        except Exception as error:  # what a decoder raises on damage is not one type
            return ImageHeader(error=f"{type(error).__name__}: {error}")


def is_file(folder: Path, name: str) -> str:
    """Return the path of a file as `os.path.join(folder, name)` finds it, "" where there is none."""
    path = os.path.join(folder, name)  # noqa: PTH118 - as the trainers do: an absolute name replaces the folder
    try:
        return path if os.path.isfile(path) else ""  # noqa: PTH113
    except ValueError:
        return ""
