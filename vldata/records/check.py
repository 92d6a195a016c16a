"""Checking a records file: the rules of each record and those that only show over the whole file.

The loop is the hot path of `validate`: one typed decode, and a shortcut that settles the common record, however its line is written; any
other is compared with its canonical bytes, and parsed again where it differs. Memory is 16 bytes an id (8 kept, 8 while sorting), whatever
the size of the file.
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from vldata.files import strictjson
from vldata.records.findings import Finding, FindingList
from vldata.records.parts import Parts, parts_of
from vldata.records.record import Record, decode_record
from vldata.records.rules import MAX_TEXT_ONLY_RUN, faults, surely_clean
from vldata.records.schema import explain

_Shape = tuple[bool, bool, Parts]
_PLAIN: _Shape = (False, False, ())


def _columns(shape: _Shape) -> set[str]:
    videos, tools, parts = shape
    return {*parts, *(("videos",) if videos else ()), *(("tools",) if tools else ())}


class Checked(msgspec.Struct, frozen=True):
    """What the check of one dataset counted: records, and the first line (`file:line`, id) that uses each picture or video."""

    records: int
    first_use: dict[str, tuple[str, str]]


class RecordChecker:
    """Checks the files of one dataset in order; the files of a sharded one share their ids.

    Args:
        columns: the meta keys that every record must have; None takes those of the first record.
        findings: receives what is found.
        collect_images: remember the first use of every picture and video; off for checks of records alone, whose memory stays flat.
    """

    def __init__(self, columns: tuple[str, ...] | None, findings: FindingList, *, collect_images: bool = True) -> None:
        self._columns = columns
        self._findings = findings
        self._collect = collect_images
        self._first_use: dict[str, tuple[str, str]] = {}
        self._ids = array("q")
        self._files: list[tuple[Path, int]] = []
        self._shape: _Shape | None = None
        self._first_place: dict[str, int] = {}  # column -> records before its first file

    def check_file(self, path: Path) -> int:
        """Check every line of one file; returns how many records it holds."""
        decoder = msgspec.json.Decoder(Record)
        encode = msgspec.json.Encoder().encode
        decode, remember = decoder.decode, self._ids.append
        columns = self._columns
        collect = self._collect
        text_only_run, media_seen, first_text_line = 0, False, 0
        before = sum(records for _, records in self._files)
        count = 0
        plain = self._shape in (None, _PLAIN)  # whether records so far have no optional column
        enabled = gc.isenabled()
        gc.disable()  # records hold no cycles; the collector would walk every one of them
        try:
            for number, line in strictjson.iter_lines(path):
                count += 1
                try:
                    record = decode(line)
                    clean = plain and surely_clean(record, line)
                    sure = clean or encode(record) == line
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    clean = sure = False
                if not sure:
                    loose = self._decode_slowly(path, number, line)
                    if loose is None:
                        continue
                    record = loose
                if not clean:
                    self._judge(path, number, record)
                    plain = self._shape == _PLAIN
                elif self._shape is None:
                    self._shape = _PLAIN
                remember(hash(record.id))
                if columns is None:
                    columns = self._columns = tuple(record.meta)
                if tuple(record.meta) != columns and record.meta.keys() != set(columns):
                    self._meta_differs(path, number, record, set(columns))
                if record.images or record.kept_videos:
                    media_seen, text_only_run = True, 0
                    if record.videos is not UNSET:
                        for column in ("images", "videos"):
                            if column not in self._first_place and getattr(record, column):
                                self._note_place(path, number, column, before + count - 1)
                    if collect:
                        self._note_media(path, number, record)
                else:
                    text_only_run += 1
                    if not media_seen and count == 1:
                        first_text_line = number
                    if text_only_run == MAX_TEXT_ONLY_RUN + 1 and media_seen:
                        self._add(path, number, record.id, "VL012", f"{MAX_TEXT_ONLY_RUN + 1} text-only records end here.")
        finally:
            if enabled:
                gc.enable()
        if first_text_line and media_seen:
            self._add(path, first_text_line, "", "VL012", "the file begins with a text-only record.")
        self._files.append((path, count))
        return count

    def finish(self) -> Checked:
        """Find ids used twice, over all files, and return the counts."""
        for path, number, record_id, first in self._repeated_ids():
            self._add(path, number, record_id, "VL003", f"the id was used before, at {first}.")
        return Checked(sum(count for _, count in self._files), self._first_use)

    def _add(self, path: Path, number: int, record_id: str, code: str, message: str) -> None:
        self._findings.add(Finding(where=f"{path}:{number}", id=record_id, code=code, message=message))

    def _decode_slowly(self, path: Path, number: int, line: bytes) -> Record | None:
        """Decode a line that is not in canonical form; a fault becomes a finding and None."""
        try:
            return decode_record(line)
        except strictjson.StrictJsonError as error:
            self._add(path, number, "", "VL001", f"{error}.")
        except msgspec.ValidationError as error:
            value: Any = strictjson.loads(line)
            record_id = value.get("id") if isinstance(value, dict) else None
            reason = explain("record", value) or str(error)
            self._add(path, number, record_id if isinstance(record_id, str) else "", "VL002", f"{reason}.")
        return None

    def _judge(self, path: Path, number: int, record: Record) -> None:
        for fault in faults(record):
            self._add(path, number, record.id, fault.code, fault.message)
        shape = (record.videos is not UNSET, record.tools is not UNSET, parts_of(record))
        if self._shape is None:
            self._shape = shape
        elif shape != self._shape:
            names = " or ".join(f"`{name}`" for name in sorted(_columns(shape) ^ _columns(self._shape)))
            self._add(path, number, record.id, "VL011", f"{names} is here and not in every record, or the other way round.")

    def _meta_differs(self, path: Path, number: int, record: Record, columns: set[str]) -> None:
        missing, more = sorted(columns - record.meta.keys()), sorted(record.meta.keys() - columns)
        parts = [f"{what} {', '.join(keys)}" for what, keys in (("without", missing), ("with", more)) if keys]
        self._add(path, number, record.id, "VL010", f"meta is {' and '.join(parts)}.")

    def _note_place(self, path: Path, number: int, column: str, before: int) -> None:
        """Note where the first picture or video of the dataset stands; the files of a sharded one are read one after the other."""
        self._first_place[column] = before
        if before > MAX_TEXT_ONLY_RUN:
            self._add(path, number, "", "VL012", f"the first of `{column}` comes after {before:,} records without any.")

    def _note_media(self, path: Path, number: int, record: Record) -> None:
        for file in record.media:
            if file not in self._first_use:
                self._first_use[file] = (f"{path}:{number}", record.id)

    def _repeated_ids(self) -> Iterator[tuple[Path, int, str, str]]:
        import numpy as np

        hashes = np.frombuffer(self._ids, dtype=np.int64)
        ordered = np.sort(hashes)
        suspects = set(ordered[:-1][ordered[1:] == ordered[:-1]].tolist())
        del hashes
        if not suspects:
            return
        seen: dict[str, str] = {}
        for path, _ in self._files:
            for number, line in strictjson.iter_lines(path):
                try:
                    record_id = decode_record(line).id
                except (strictjson.StrictJsonError, msgspec.ValidationError):
                    continue
                if hash(record_id) not in suspects:
                    continue
                if record_id in seen:
                    yield path, number, record_id, seen[record_id]
                else:
                    seen[record_id] = f"{path}:{number}"
