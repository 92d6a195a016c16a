"""Fonts for labels in any script: found on this machine, asked what they cover, and chained, so that no label is drawn as empty boxes."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vldata.errors import UsageError
from vleval.detection.cmap import Coverage, read_coverage

if TYPE_CHECKING:
    from PIL import ImageFont

_PREFERRED = (
    "NotoSans-Regular", "DejaVuSans", "Arial", "Helvetica", "LiberationSans-Regular", "segoeui", "Roboto-Regular",
    "NotoSansCJK-Regular", "NotoSansSC-Regular", "SourceHanSansSC-Regular", "SourceHanSansCN-Regular", "PingFang", "msyh", "simhei",
    "wqy-microhei", "wqy-zenhei", "uming", "ipag", "NanumGothic", "malgun", "YuGothM", "DroidSansFallbackFull",
    "NotoSansArabic-Regular", "NotoSansHebrew-Regular", "NotoSansDevanagari-Regular", "NotoSansThai-Regular", "NotoSansBengali-Regular",
)  # fmt: skip
_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
_MAX_FILES = 5_000


@dataclass(frozen=True)
class Face:
    """A font file that can be opened, and what it covers."""

    path: Path
    coverage: Coverage


class FontChain:
    """Fonts in order of preference; each character is drawn by the first that has it."""

    def __init__(self, faces: Sequence[Face]) -> None:
        self._faces = tuple(faces)
        self._opened: dict[tuple[int, int], ImageFont.FreeTypeFont] = {}

    def missing(self, text: str) -> str:
        """The characters that no font of the chain can draw."""
        lost = (c for c in dict.fromkeys(text) if _drawn(c) and not any(face.coverage.covers(c) for face in self._faces))
        return "".join(lost)

    def runs(self, text: str, size: int) -> list[tuple[str, ImageFont.FreeTypeFont]]:
        """The text cut into pieces, each with the font that draws it; a piece stays with its font as long as that covers it."""
        pieces: list[tuple[str, int]] = []
        for character in text:
            current = pieces[-1][1] if pieces else -1
            if pieces and (not _drawn(character) or self._faces[current].coverage.covers(character)):
                pieces[-1] = (pieces[-1][0] + character, current)
                continue
            number = next((n for n, face in enumerate(self._faces) if face.coverage.covers(character)), 0)
            pieces.append((character, number))
        return [(piece, self._open(number, size)) for piece, number in pieces]

    def _open(self, number: int, size: int) -> ImageFont.FreeTypeFont:
        from PIL import ImageFont

        key = (number, size)
        if key not in self._opened:
            self._opened[key] = ImageFont.truetype(str(self._faces[number].path), size)
        return self._opened[key]


def find_fonts(texts: Iterable[str], given: Sequence[Path] = (), folders: Sequence[Path] | None = None) -> FontChain:
    """A chain that can draw the texts: the fonts that were given, then as many of this machine's as are needed.

    Raises:
        UsageError: a given file is no font, or there is no font at all. Characters that no font has are the caller's to refuse: see
            `FontChain.missing`.
    """
    faces = [Face(path, read_coverage(path)) for path in given]
    for face in faces:
        if not face.coverage.codes:
            raise UsageError(f"{str(face.path)!r} is not a font that can be read.", cure="Give a .ttf, .otf or .ttc file.")
    wanted = {c for text in texts for c in text if _drawn(c)} | {"A"}
    wanted = {c for c in wanted if not any(face.coverage.covers(c) for face in faces)}
    for path in _candidates(system_folders() if folders is None else folders):
        if not wanted:
            break
        coverage = read_coverage(path)
        covered = {c for c in wanted if coverage.covers(c)}
        if covered and _opens(path):
            faces.append(Face(path, coverage))
            wanted -= covered
    if not faces:
        raise UsageError(
            "no font was found on this machine.", cure="Give one with --font FILE, or install one: apt-get install fonts-dejavu-core"
        )
    return FontChain(faces)


def system_folders() -> list[Path]:
    """Where this platform keeps fonts."""
    home = Path.home()
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"]
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local/share/fonts", home / ".fonts"]


def script_names(characters: str) -> str:
    """The scripts of characters, for a message: `CJK, HANGUL`."""
    letters = [c for c in characters if unicodedata.category(c)[0] in "LM"]
    names = dict.fromkeys(unicodedata.name(c, "unknown").split(" ")[0].split("-")[0] for c in letters)
    if len(letters) < len(characters):
        names["symbols"] = None
    return ", ".join(list(names)[:5])


def _candidates(folders: Sequence[Path]) -> list[Path]:
    """Font files, the preferred ones first, the rest by name."""
    found: list[Path] = []
    for folder in folders:
        for base, _, names in os.walk(folder):
            found += [Path(base, name) for name in names if name.lower().endswith(_SUFFIXES)]
            if len(found) > _MAX_FILES:
                break
    order = {name.lower(): number for number, name in enumerate(_PREFERRED)}
    return sorted(found, key=lambda path: (order.get(path.stem.lower(), len(order)), path.name, str(path)))


def _opens(path: Path) -> bool:
    from PIL import ImageFont

    try:
        font = ImageFont.truetype(str(path), 20)
        return font.getlength("A") >= 0
    except OSError:
        return False


def _drawn(character: str) -> bool:
    """Whether a character needs a glyph: blanks, joiners and variation selectors do not, accents and vowel signs do."""
    return not character.isspace() and unicodedata.category(character) not in ("Cc", "Cf") and not 0xFE00 <= ord(character) <= 0xFE0F
