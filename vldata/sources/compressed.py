"""Annotation files that stand compressed: `.gz`, `.bz2`, `.xz` and `.zst`, unpacked as they are read and within limits."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

_RATIO, _FREE_BYTES = 200, 256 * 1024 * 1024  # text packs to a fiftieth at most; what unpacks to more was made to


_ZST_BYTES = 1_024  # taken at once: a byte of a frame may stand for forty thousand


class _Zst:
    """A file of zstandard frames; its library takes a cut frame for the end, so frames are followed here."""

    def __init__(self, path: Path) -> None:
        import zstandard

        self._handle, self._library = path.open("rb"), zstandard
        self._frame: Any = None
        self._packed = self._ready = b""

    def read(self, size: int) -> bytes:
        """Read at most so many bytes."""
        while not self._ready:
            self._packed = self._packed or self._handle.read(_ZST_BYTES)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("its last frame has no end")
                return b""
            self._frame = self._frame or self._library.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
            self._ready = self._frame.decompress(self._packed)
            self._packed = self._frame.unused_data if self._frame.eof else b""
            self._frame = None if self._frame.eof else self._frame
        block, self._ready = self._ready[:size], self._ready[size:]
        return block

    def close(self) -> None:
        """Close the file."""
        self._handle.close()


_OPENERS: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zst": _Zst}


def suffix_of(path: Path) -> str:
    """The suffix that tells what a file holds, in lower case: that of `a.jsonl.gz` is `.jsonl`."""
    last = path.suffix.lower()
    return Path(path.stem).suffix.lower() if last in _OPENERS and Path(path.stem).suffix.lower() != ".tar" else last


def stem_of(path: Path) -> str:
    """The name without what tells how it is packed and what it holds: that of `a.jsonl.gz` is `a`."""
    return Path(path.stem).stem if is_compressed(path) else path.stem


def is_compressed(path: Path) -> bool:
    """Whether the name says that the file is compressed, and no archive."""
    return path.suffix.lower() in _OPENERS and not path.name.lower().endswith((".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"))


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading, unpacked.

    Raises:
        OSError: it cannot be opened; while reading, it is cut off, damaged, or unpacks to far more than text does.
    """
    if not is_compressed(path):
        return path.open("rb")
    most = _FREE_BYTES + _RATIO * path.stat().st_size
    return cast(BinaryIO, io.BufferedReader(_Unpacked(_OPENERS[path.suffix.lower()](path), most), 1 << 20))


class _Unpacked(io.RawIOBase):
    """What a compressed file unpacks to; whatever its library raises is an OSError."""

    def __init__(self, handle: Any, most: int) -> None:
        self._handle, self._left = handle, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            block = self._handle.read(len(buffer))
        except (EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
            raise OSError(f"the compressed file is damaged or cut off ({error})") from None
        except OSError:
            raise
        except Exception as error:  # zstandard's own error is no subclass of any of these
            raise OSError(f"the compressed file is damaged or cut off ({error})") from None
        self._left -= len(block)
        if self._left < 0:
            raise OSError("the compressed file unpacks to far more than text does")
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._handle.close()
        super().close()
