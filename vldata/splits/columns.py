"""Columns of numbers and names of very many records: the last of them are in memory, those before in a file without a name.

They are read by the block and not mapped, whose pages would count as memory of the process. The file is in the folder for temporary files
(TMPDIR) and is gone with the process, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from vldata.causes import write_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXTENT = 1 << 20
"""Bytes of a column that are in memory."""
_MOST = 1 << 20  # ranges that are unfolded at once


class Spill:
    """A file without a name that columns share; there is none while all of them are short."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._end = 0

    def write(self, data: bytes) -> int:
        """Add bytes and return where they begin.

        Raises:
            DataError: the disk is full.
        """
        place = self._end
        try:
            file = self._file = self._file or self._open()
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
        except OSError as error:
            raise write_error(Path(tempfile.gettempdir()), error) from None
        self._end += len(data)
        return place

    def read(self, place: int, size: int) -> bytes:
        """Read what was written."""
        assert self._file is not None
        return os.pread(self._file.fileno(), size, place)

    def _open(self) -> IO[bytes]:
        file = tempfile.TemporaryFile(prefix="vlkit-", buffering=0)  # noqa: SIM115
        weakref.finalize(self, _close, file)
        return file


def _close(file: IO[bytes]) -> None:
    with contextlib.suppress(OSError):
        file.close()


class Column:
    """Numbers in the order they were added.

    Args:
        code: B, I or Q: bytes, numbers of 32 bits or of 64.
        spill: where those go that do not fit.
        held: bytes that fit; by default `EXTENT`.
    """

    def __init__(self, code: Literal["B", "I", "Q"], spill: Spill, held: int = 0) -> None:
        self._code, self._spill = code, spill
        self._tail = array(code)
        self._size = max(1, (held or EXTENT) // self._tail.itemsize)
        self._places = array("Q")

    def __len__(self) -> int:
        return len(self._places) * self._size + len(self._tail)

    def append(self, value: int) -> None:
        """Add a number."""
        self._tail.append(value)
        if len(self._tail) >= self._size:
            self._write()

    def extend(self, values: Iterable[int]) -> None:
        """Add numbers."""
        self._tail.extend(values)
        if len(self._tail) >= self._size:
            self._write()

    def add_bytes(self, data: bytes) -> None:
        """Add numbers as they lie in memory."""
        self._tail.frombytes(data)
        if len(self._tail) >= self._size:
            self._write()

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """The numbers from one place to before another."""
        import numpy as np

        found = np.empty(stop - start, dtype=self._code)
        spilled, item = len(self._places) * self._size, self._tail.itemsize
        at = start
        while at < min(stop, spilled):
            number, within = divmod(at, self._size)
            upto = min(stop, (number + 1) * self._size)
            raw = self._spill.read(self._places[number] + within * item, (upto - at) * item)
            found[at - start : upto - start] = np.frombuffer(raw, dtype=self._code)
            at = upto
        if at < stop:
            found[at - start :] = np.frombuffer(self._tail[at - spilled : stop - spilled], dtype=self._code)
        return found

    def pieces(self, size: int) -> Iterator[NDArray[Any]]:
        """All numbers in order, so many at a time."""
        for start in range(0, len(self), size):
            yield self.read(start, min(start + size, len(self)))

    def _write(self) -> None:
        whole = len(self._tail) // self._size * self._size
        for start in range(0, whole, self._size):
            self._places.append(self._spill.write(self._tail[start : start + self._size].tobytes()))
        del self._tail[:whole]


class PackedNames:
    """A list of texts as one run of bytes."""

    def __init__(self, spill: Spill | None = None) -> None:
        spill = spill or Spill()
        self._bytes, self._ends = Column("B", spill), Column("Q", spill)
        self._end = 0

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, place: int) -> str:
        start, end = map(int, self._ends.read(place - 1, place + 1)) if place else (0, int(self._ends.read(0, 1)[0]))
        return self._bytes.read(start, end).tobytes().decode("utf-8", "surrogatepass")

    def append(self, text: str) -> None:
        """Add a text."""
        data = text.encode("utf-8", "surrogatepass")
        self._bytes.add_bytes(data)
        self._end += len(data)
        self._ends.append(self._end)


class Cells:
    """Cells of one size, written in any order."""

    def __init__(self, width: int, count: int) -> None:
        self._width = width
        self._held = bytearray(width * count if width * count <= EXTENT else 0)
        self._spill = Spill() if width * count > EXTENT else None
        self._places = array("Q", bytes(8 * count)) if self._spill else array("Q")

    def put(self, number: int, data: bytes) -> None:
        """Write a cell, once."""
        if self._spill is None:
            self._held[number * self._width : (number + 1) * self._width] = data
        else:
            self._places[number] = self._spill.write(data)

    def get(self, number: int) -> bytes:
        """Read a cell."""
        if self._spill is None:
            return bytes(self._held[number * self._width : (number + 1) * self._width])
        return self._spill.read(self._places[number], self._width)


def unfold(begin: NDArray[np.int64], end: NDArray[np.int64], most: int = _MOST) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Unfold ranges into (number of the range, place in it), about so many at a time."""
    import numpy as np

    rows = np.flatnonzero(end > begin)
    sizes = (end - begin)[rows]
    sums = np.cumsum(sizes, dtype=np.int64)
    start, done = 0, 0
    while start < len(rows):
        stop = max(start + 1, int(np.searchsorted(sums, done + most, "right")))
        part, count = rows[start:stop], sizes[start:stop]
        inside = np.arange(int(sums[stop - 1]) - done) - np.repeat(sums[start:stop] - count - done, count)
        yield np.repeat(part, count), np.repeat(begin[part], count) + inside
        start, done = stop, int(sums[stop - 1])
