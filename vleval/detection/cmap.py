"""Which characters a font file can draw: its `cmap` table, formats 4 and 12 (OpenType specification, chapter cmap).

Pillow draws an empty box for a character that a font lacks and says nothing, so coverage is read from the file itself.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

_MAX_TABLE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Coverage:
    """Closed ranges of code points, sorted and disjoint."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def covers(self, character: str) -> bool:
        """Whether the font has a glyph for the character."""
        place = bisect_right(self.starts, ord(character)) - 1
        return place >= 0 and ord(character) <= self.ends[place]


def read_coverage(path: Path, index: int = 0) -> Coverage:
    """Read the coverage of the `index`-th face of a font file; a file that is no font covers nothing."""
    try:
        with path.open("rb") as handle:
            offset = _face_offset(handle.read(12 + 4 * 64), index)
            handle.seek(offset)
            count = struct.unpack(">4xH6x", handle.read(12))[0]
            tables = handle.read(16 * count)
            for position in range(0, len(tables) - 15, 16):
                tag, _, start, length = struct.unpack_from(">4sLLL", tables, position)
                if tag == b"cmap" and length <= _MAX_TABLE_BYTES:
                    handle.seek(start)
                    return _coverage(handle.read(length))
    except (OSError, struct.error, IndexError):
        pass
    return Coverage((), ())


def _face_offset(head: bytes, index: int) -> int:
    if head[:4] != b"ttcf":
        return 0
    faces = struct.unpack_from(">L", head, 8)[0]
    if index >= min(faces, 64):
        raise IndexError("no such face")
    return int(struct.unpack_from(">L", head, 12 + 4 * index)[0])


def _coverage(table: bytes) -> Coverage:
    ranges: list[tuple[int, int]] = []
    count = struct.unpack_from(">H", table, 2)[0]
    for position in range(count):
        platform, encoding, offset = struct.unpack_from(">HHL", table, 4 + 8 * position)
        if (platform, encoding) not in ((3, 1), (3, 10), (0, 3), (0, 4), (0, 6)):
            continue
        kind = struct.unpack_from(">H", table, offset)[0]
        if kind == 4:
            ranges += _segments(table, offset)
        elif kind == 12:
            groups = struct.unpack_from(">L", table, offset + 12)[0]
            ranges += [struct.unpack_from(">LL", table, offset + 16 + 12 * number) for number in range(groups)]
    return _merged(ranges)


def _segments(table: bytes, offset: int) -> list[tuple[int, int]]:
    """Ranges of a format 4 subtable that lead to a glyph other than the missing one."""
    count = struct.unpack_from(">H", table, offset + 6)[0] // 2
    base = offset + 14
    ends = struct.unpack_from(f">{count}H", table, base)
    starts = struct.unpack_from(f">{count}H", table, base + 2 * count + 2)
    deltas = struct.unpack_from(f">{count}H", table, base + 4 * count + 2)
    place = base + 6 * count + 2
    offsets = struct.unpack_from(f">{count}H", table, place)
    ranges: list[tuple[int, int]] = []
    for number, (start, end, delta, shift) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        if start == 0xFFFF:
            continue
        if shift == 0:
            ranges += [(start, end)] if (start + delta) & 0xFFFF or start == end == 0 else [(start + 1, end)]
            continue
        for code in range(start, end + 1):
            glyph_place = place + 2 * number + shift + 2 * (code - start)
            if glyph_place + 2 <= len(table) and struct.unpack_from(">H", table, glyph_place)[0]:
                ranges.append((code, code))
    return ranges


def _merged(ranges: list[tuple[int, int]]) -> Coverage:
    starts: list[int] = []
    ends: list[int] = []
    for start, end in sorted(ranges):
        if end < start:
            continue
        if ends and start <= ends[-1] + 1:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return Coverage(tuple(starts), tuple(ends))
