"""The append journal of a run: one line a finished ask, written by one call, so that only the last line can be torn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Annotated, BinaryIO, Self

import msgspec

from vldata.causes import write_error
from vldata.errors import DataError
from vldata.secrets import redact_bytes
from vleval.prediction import Prediction


class JournalLine(msgspec.Struct, frozen=True):
    """A finished ask: the key of its request and what came of it."""

    key: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    prediction: Prediction


def read_journal(path: Path) -> dict[str, Prediction]:
    """Read what earlier runs finished, by request key; the last success wins, an error gives way to any answer.

    Raises:
        DataError: a line other than the last is not a journal line.
    """
    done: dict[str, Prediction] = {}
    for _, entry in iter_journal(path):
        if entry.prediction.error is None or entry.key not in done:
            done[entry.key] = entry.prediction
    return done


def iter_journal(path: Path) -> Iterator[tuple[int, JournalLine]]:
    """Yield where each line of a journal begins, in bytes, and the line; nothing when there is no file, nor for a torn last line.

    Raises:
        DataError: a line other than the last is not a journal line.
    """
    decoder = msgspec.json.Decoder(JournalLine)
    offset = 0
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    entry = decoder.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
                    cure = "Remove that line: its question is then asked again."
                    raise DataError(f"not a journal line: {error}.", where=f"{path}:{number}", cure=cure) from None
                yield offset, entry
                offset += len(line)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}.", where=str(path)) from None


class AnswerJournal:
    """An open journal; a torn last line is cut off when it is opened. One writer at a time: the caller holds a lock where need be.

    Where nothing was written, an error leaves no empty file behind.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1
        self._end = 0

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            _cut_torn_line(self._handle)
            self._end = os.fstat(self._handle).st_size
        except OSError as error:
            raise write_error(self._path, error) from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and not os.fstat(self._handle).st_size:
            self._path.unlink(missing_ok=True)
        os.close(self._handle)

    def append(self, key: str, prediction: Prediction) -> int:
        """Write one line; returns where it begins.

        Raises:
            DataError: the disk is full or the like.
        """
        line = redact_bytes(msgspec.json.encode(JournalLine(key, prediction))) + b"\n"
        try:
            written = os.write(self._handle, line)
        except OSError as error:
            raise write_error(self._path, error) from None
        if written != len(line):
            raise write_error(self._path, OSError(28, "No space left on device"))
        self._end += written
        return self._end - written

    def reader(self) -> Reader:
        """Open for reading back, in any order."""
        return Reader(self._path)


class Reader:
    """Reads lines of a journal by where they begin."""

    def __init__(self, path: Path) -> None:
        self._decoder = msgspec.json.Decoder(JournalLine)
        self._path = path
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        self._file = self._path.open("rb")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def at(self, offset: int) -> Prediction:
        """The prediction of the line that begins at `offset`."""
        assert self._file is not None
        self._file.seek(offset)
        return self._decoder.decode(self._file.readline()).prediction


def _cut_torn_line(handle: int) -> None:
    end = os.fstat(handle).st_size
    position = end
    while position:
        start = max(0, position - 65_536)
        block = os.pread(handle, position - start, start)
        newline = block.rfind(b"\n")
        if newline >= 0:
            if start + newline + 1 < end:
                os.ftruncate(handle, start + newline + 1)
            return
        position = start
    if end:
        os.ftruncate(handle, 0)
