"""Which characters a font file can draw, by its own `cmap` table (read by fontTools).

Pillow draws an empty box for a character that a font lacks and says nothing, so coverage is read from the file itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_MAX_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Coverage:
    """The code points that a font has a glyph for."""

    codes: frozenset[int]

    def covers(self, character: str) -> bool:
        """Whether the font has a glyph for the character."""
        return ord(character) in self.codes


def read_coverage(path: Path) -> Coverage:
    """Read the coverage of the first face of a font file; a file that is no font covers nothing."""
    from fontTools.ttLib import TTFont

    try:
        if path.stat().st_size > _MAX_BYTES:
            return Coverage(frozenset())
        with path.open("rb") as handle, TTFont(handle, fontNumber=0, lazy=True) as font:  # a damaged file is closed too
            return Coverage(frozenset(font.getBestCmap() or ()))
    except Exception:  # fontTools raises what it meets in a damaged file: TTLibError, struct.error, KeyError, AssertionError, ...
        return Coverage(frozenset())
