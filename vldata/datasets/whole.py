"""A dataset opened to derive others of it: verified once, then read from its files; eight bytes a record are kept.

The files are read and not mapped, whose pages would count as memory of the process.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import msgspec

from vldata.causes import read_error
from vldata.datasets.rows import Pair, Rows
from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.gate import SafePath, below, refuse_unsafe
from vldata.output.contract import Contract, FileDigest
from vldata.output.folder import DatasetPaths
from vldata.output.spreading import kind_of
from vldata.records.record import Record, decode_record

_BLOCK_BYTES = 1 << 16
_NEAR_BYTES = 1 << 14  # a row no further ahead than this is read by the block, with those after it
_MOST_OPEN = 64
_decoder = msgspec.json.Decoder(Record)  # strictness is proved when the file is opened

_Signature = tuple[int, int, int, int]


def read_whole(paths: DatasetPaths, contract: Contract) -> WholeRows:
    """Open a dataset and verify every line of it; to be used in a `with` block.

    Raises:
        DataError: a line is not a record, or a file is not the one the contract names.
    """
    return WholeRows(paths, contract)


class WholeRows(Rows):
    """The rows of a dataset. Whoever reads one after its file changed is told so.

    Raises:
        DataError: as `read_whole`; from every method also when a file was changed since.
    """

    def __init__(self, paths: DatasetPaths, contract: Contract) -> None:
        self._kinds = bytearray()
        self._firsts: list[int] = []  # the first row of each file
        self._files: list[_RecordFile] = []
        self._open: list[_RecordFile] = []
        for file in contract.files:
            self._firsts.append(len(self._kinds))
            self._files.append(_RecordFile(below(paths.out, file.name, str(paths.contract)), file, paths.out, self._kinds))

    def __enter__(self) -> WholeRows:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for file in self._open:
            file.close()
        self._open.clear()

    def __len__(self) -> int:
        return len(self._kinds)

    def kinds(self) -> Sequence[int]:
        """As `Rows.kinds`."""
        return self._kinds

    def pair(self, row: int) -> Pair:
        """As `Rows.pair`."""
        file, number = self._find(row)
        start, stop = file.starts[number], file.starts[number + 1]
        line = _cut(self._opened(file).read(start, stop))
        return line, _decoder.decode(line)

    def pairs(self, rows: Iterable[int]) -> Iterator[Pair]:
        """As `Rows.pairs`; rows that are one behind the other are read by the block."""
        held: _RecordFile | None = None
        block, begin, end = b"", 0, 0
        first = last = 0  # rows of the file at hand
        for row in rows:
            if held is None or not first <= row < last:
                held, number = self._find(row)
                first, block, begin, end = row - number, b"", 0, 0
                last = first + len(held.starts) - 1
            start, stop = held.starts[row - first], held.starts[row - first + 1]
            if start < begin or stop > end:
                near = begin <= start <= end + _NEAR_BYTES
                block = self._opened(held).read(start, min(max(stop, start + _BLOCK_BYTES), held.size) if near else stop)
                begin, end = start, start + len(block)
            line = _cut(block[start - begin : stop - begin])
            yield line, _decoder.decode(line)

    def _find(self, row: int) -> tuple[_RecordFile, int]:
        place = bisect_right(self._firsts, row) - 1
        return self._files[place], row - self._firsts[place]

    def _opened(self, file: _RecordFile) -> _RecordFile:
        """Open a file, and close the one opened longest ago when there are very many."""
        if file.handle is None:
            file.open()
            self._open.append(file)
            if len(self._open) > _MOST_OPEN:
                self._open.pop(0).close()
        return file


class _RecordFile:
    """One file: where each line begins, and at the end where the file does."""

    def __init__(self, path: SafePath, said: FileDigest, out: Path, kinds: bytearray) -> None:
        self._path = path
        self.handle: BinaryIO | None = None
        self.starts = array("Q")
        self._signature = self._verify(said, out, kinds)
        self.size = self._signature[2]
        self.starts.append(self.size)

    def _verify(self, said: FileDigest, out: Path, kinds: bytearray) -> _Signature:
        handle = self._opened()
        signature = _signature(handle)
        digest = hashlib.sha256()
        name = str(self._path)  # once: it is put together anew each time
        for number, start, line in strictjson.iter_placed(Path(name), lambda _: handle):
            digest.update(line + b"\n")
            try:
                record = decode_record(line)
            except (strictjson.StrictJsonError, msgspec.ValidationError) as error:
                raise DataError(f"not a record: {error}.", where=f"{name}:{number}", cure="Run: vldata validate") from None
            refuse_unsafe(out, record.media, f"{name}:{number}")
            self.starts.append(start)
            kinds.append(kind_of(record))
        if digest.hexdigest() != said.sha256:
            raise DataError("was changed after the conversion.", where=name, cure="Convert again, or restore the file.")
        return signature

    def open(self) -> None:
        """Open the file again, for `read`."""
        self.handle = self._opened()

    def close(self) -> None:
        """Close it."""
        if self.handle is not None:
            self.handle.close()
            self.handle = None

    def read(self, start: int, stop: int) -> bytes:
        """Read some bytes of the open file.

        Raises:
            DataError: they cannot be read, or the file is not the one that was verified.
        """
        assert self.handle is not None
        try:
            data = os.pread(self.handle.fileno(), stop - start, start)
        except OSError as error:
            raise read_error(Path(str(self._path)), error) from None
        if len(data) != stop - start or _signature(self.handle) != self._signature:
            raise DataError("was changed while it was read.", where=str(self._path), cure="Run it again when nothing else writes there.")
        return data

    def _opened(self) -> BinaryIO:
        try:
            return self._path.open()
        except OSError as error:
            raise read_error(Path(str(self._path)), error) from None


def _cut(raw: bytes) -> bytes:
    """The line at the beginning of bytes that go on to the next one; blank lines may stand between."""
    line = raw.partition(b"\n")[0]
    return line.rstrip(b"\r") if line.endswith(b"\r") else line


def _signature(handle: BinaryIO) -> _Signature:
    found = os.fstat(handle.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
