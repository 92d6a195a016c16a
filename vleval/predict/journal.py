"""The append journal of a run: one line a finished ask, written by one call, so that only the last line can be torn."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from vldata.durable import write_error
from vldata.errors import DataError
from vleval.prediction import Prediction


class JournalLine(msgspec.Struct, frozen=True):
    """A finished ask: the key of its request and what came of it."""

    key: str
    prediction: Prediction


def read_journal(path: Path) -> dict[str, Prediction]:
    """Read what earlier runs finished, by request key; the last success wins, an error gives way to any answer.

    Raises:
        DataError: a line other than the last is not a journal line.
    """
    decoder = msgspec.json.Decoder(JournalLine)
    done: dict[str, Prediction] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return done
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}.", where=str(path)) from None
    for number, line in enumerate(lines[:-1], start=1):  # what follows the last newline is torn, or empty
        try:
            entry = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            cure = "Remove that line: its question is then asked again."
            raise DataError(f"not a journal line: {error}.", where=f"{path}:{number}", cure=cure) from None
        if entry.prediction.error is None or entry.key not in done:
            done[entry.key] = entry.prediction
    return done


class Journal:
    """An open journal; a torn last line is cut off when it is opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            _cut_torn_line(self._handle)
        except OSError as error:
            raise write_error(self._path, error) from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._handle)

    def append(self, key: str, prediction: Prediction) -> None:
        """Write one line.

        Raises:
            DataError: the disk is full or the like.
        """
        line = msgspec.json.encode(JournalLine(key, prediction)) + b"\n"
        try:
            written = os.write(self._handle, line)
        except OSError as error:
            raise write_error(self._path, error) from None
        if written != len(line):
            raise write_error(self._path, OSError(28, "No space left on device"))


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
