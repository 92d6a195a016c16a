"""Sequences of any length: some thousands of values are held in memory, more of them are in a file without a name, and are read in passes.

What is counted over millions of rows is counted by walking them; a row is read each time it is asked for. The file is in the folder for
temporary files (TMPDIR) and is gone with the process, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import weakref
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import IO, Generic, TypeVar, overload

import msgspec

from vldata.causes import write_error

IN_MEMORY = 20_000  # values; a process that scores has that room whatever it scores
_BLOCK = 64
_WORD = 4  # bytes of a length

T = TypeVar("T")
S = TypeVar("S")


class KeptRows(Sequence[T], Generic[T]):
    """Values of one type in the order they were appended. Not safe for two threads.

    Args:
        kind: the type of the values, as msgspec decodes it.
    """

    def __init__(self, kind: type[T]) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._tail: list[T] = []
        self._file: IO[bytes] | None = None
        self._starts = array("Q", [0])  # where each block begins, and the last one ends
        self._held: dict[int, list[T]] = {}  # blocks with half of a surrogate pair, which no file takes
        self._block: tuple[int, list[bytes]] = (-1, [])  # the one that was read last

    def append(self, value: T) -> None:
        """Add a value.

        Raises:
            DataError: the disk is full.
        """
        self._tail.append(value)
        if len(self._tail) >= (IN_MEMORY if self._file is None else _BLOCK):
            self._spill()

    def extend(self, values: Iterable[T]) -> None:
        """Add values."""
        for value in values:
            self.append(value)

    def __len__(self) -> int:
        return (len(self._starts) - 1) * _BLOCK + len(self._tail)

    def __iter__(self) -> Iterator[T]:
        decode = self._decode
        for number in range(len(self._starts) - 1):
            if number in self._held:
                yield from self._held[number]
            else:
                yield from map(decode, self._read(number))
        yield from self._tail

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> list[T]: ...

    def __getitem__(self, place: int | slice) -> T | list[T]:
        places = range(len(self))[place]
        return [self._one(one) for one in places] if isinstance(places, range) else self._one(places)

    def _one(self, place: int) -> T:
        number, within = divmod(place, _BLOCK)
        if number >= len(self._starts) - 1:
            return self._tail[place - (len(self._starts) - 1) * _BLOCK]
        if number in self._held:
            return self._held[number][within]
        if self._block[0] != number:
            self._block = (number, self._read(number))
        return self._decode(self._block[1][within])

    def _read(self, number: int) -> list[bytes]:
        """The values of a block, each as it was encoded."""
        assert self._file is not None
        start, end = self._starts[number], self._starts[number + 1]
        raw = os.pread(self._file.fileno(), end - start, start)
        lengths = array("I", raw[: _BLOCK * _WORD])
        ends = list(accumulate(lengths, initial=_BLOCK * _WORD))
        return [raw[begin:end] for begin, end in pairwise(ends)]

    def _spill(self) -> None:
        """Move the whole blocks of what is in memory to the file."""
        whole = len(self._tail) // _BLOCK * _BLOCK
        try:
            file = self._file = self._file or self._open()
            for first in range(0, whole, _BLOCK):
                self._write(file, self._tail[first : first + _BLOCK])
            file.flush()
        except OSError as error:
            raise write_error(Path(tempfile.gettempdir()), error) from None
        del self._tail[:whole]

    def _open(self) -> IO[bytes]:
        file = tempfile.TemporaryFile(prefix="vlkit-")  # noqa: SIM115
        weakref.finalize(self, _close, file)
        return file

    def _write(self, file: IO[bytes], block: list[T]) -> None:
        try:
            encoded = [self._encode(value) for value in block]
        except UnicodeEncodeError:
            self._held[len(self._starts) - 1] = block
            self._starts.append(self._starts[-1])
            return
        lengths = array("I", map(len, encoded)).tobytes()
        file.write(lengths)
        file.writelines(encoded)
        self._starts.append(self._starts[-1] + len(lengths) + sum(map(len, encoded)))


def _close(file: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # what a full disk did not take was told when it was written; the file is gone either way
        file.close()


class Mapped(Sequence[S], Generic[T, S]):
    """Another sequence seen through a function, which is called each time a value is asked for."""

    def __init__(self, change: Callable[[T], S], values: Sequence[T]) -> None:
        self._change, self._values = change, values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[S]:
        return map(self._change, self._values)

    @overload
    def __getitem__(self, place: int) -> S: ...

    @overload
    def __getitem__(self, place: slice) -> list[S]: ...

    def __getitem__(self, place: int | slice) -> S | list[S]:
        if isinstance(place, slice):
            return [self._change(value) for value in self._values[place]]
        return self._change(self._values[place])


def kept(values: Iterable[T], kind: type[T]) -> Sequence[T]:
    """Values that are made one by one: a list where they are few."""
    found = KeptRows(kind)
    found.extend(values)
    return settled(found)


def settled(found: KeptRows[T]) -> Sequence[T]:
    """What was appended, when it is all: a list where it is little."""
    return found if len(found) > IN_MEMORY else list(found)


def changed(values: Sequence[T], change: Callable[[T], S]) -> Sequence[S]:
    """Values changed one by one: a new list where they are few, else changed whenever they are read."""
    return Mapped(change, values) if len(values) > IN_MEMORY else [change(value) for value in values]
