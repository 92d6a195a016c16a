"""In which encoding a text file is: UTF-8 unless its bytes say otherwise, and then guessed and said.

Chinese, Japanese and Korean are told by their common characters, which lie together in each encoding; the rest by charset-normalizer,
which takes short Japanese texts for Korean.
"""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import BinaryIO, cast

from vldata.causes import read_error
from vldata.errors import UsageError
from vldata.records.draft import Guess
from vldata.sources.compressed import open_bytes

_SAMPLE_BYTES = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What its names of code pages are called by people who wrote the file; each decodes all that the smaller one does.
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "cp950", "shift_jis": "cp932", "shift-jis": "cp932", "euc_kr": "cp949"}
_LIKELY = ["gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1252", "cp1251", "utf_16_le", "utf_16_be"]
_FEWEST_ODD = 8  # bytes beyond ASCII that a guess is made from
_FEW = 0.01  # share of lines that may be broken in a file that is UTF-8 elsewhere


def find_encoding(path: Path, wanted: str = "auto") -> tuple[str, str]:
    """Return the encoding of a file, and the sentence to say where it was guessed ("" where it is sure).

    Raises:
        UsageError: `wanted` is no encoding.
    """
    if wanted != "auto":
        try:
            return codecs.lookup(wanted).name, ""
        except LookupError:
            raise UsageError(f"--encoding {wanted!r} is not known.", cure="Names are for example utf-8, gb18030, big5, cp932.") from None
    try:
        with open_bytes(path) as handle:
            sample = handle.read(_SAMPLE_BYTES)
            whole = len(sample) < _SAMPLE_BYTES
            if _is_utf8(sample, final=whole) and not whole:
                sample = _first_odd_block(handle) or sample
    except OSError as error:
        raise read_error(path, error) from None
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return name, "" if name == "utf-8" else f"{path}: read as {name.upper()}, as its first bytes say."
    if b"\0" not in sample[:4_096] and (_is_utf8(sample, final=whole) or _mostly_utf8(sample)):
        return "utf-8", ""
    name = _guess(sample)
    if not name:
        return "utf-8", ""
    shown = _first_words(sample, name)
    return name, Guess(f"{path}: not UTF-8; read as {name.upper()}, a guess from its bytes: {shown!r} (--encoding names another).")


def _first_words(sample: bytes, name: str) -> str:
    """The first text beyond ASCII as it is read, by which a person sees whether the guess is right."""
    text = sample.decode(name, "replace")
    first = next((place for place, char in enumerate(text) if ord(char) > 127), 0)
    return text[first : first + 24].partition("\n")[0].strip()


def _first_odd_block(handle: BinaryIO) -> bytes:
    """Return the first later block with a byte that is not ASCII but no UTF-8 either; b"" where there is none."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    while block := handle.read(_SAMPLE_BYTES):
        try:
            decoder.decode(block)
        except UnicodeDecodeError:
            return block
    return b""


def _is_utf8(sample: bytes, *, final: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final)
    except UnicodeDecodeError:
        return False
    return True


def _mostly_utf8(sample: bytes) -> bool:
    """Whether the lines beyond ASCII are UTF-8 but for a few: then those few are damaged, and the file is not in another encoding."""
    lines = [line for line in sample.split(b"\n")[1:-1] or sample.split(b"\n") if not line.isascii()]
    broken = sum(not _is_utf8(line, final=True) for line in lines)
    return broken <= _FEW * len(lines) or (broken < len(lines) and broken <= 2)


def _guess(sample: bytes) -> str:
    """The likeliest encoding; "" where nothing tells it."""
    from charset_normalizer import from_bytes

    odd = [line for line in sample.split(b"\n") if not line.isascii()]
    if b"\0" not in sample[:4_096] and sum(byte > 127 for line in odd[:64] for byte in line) < _FEWEST_ODD:
        return ""  # too few to tell an encoding from damage
    text = sample[:65_536] if b"\0" in sample[:4_096] else b"\n".join(odd)[:65_536]
    if b"\0" not in text and (name := _by_common_characters(text)):
        return name
    best = from_bytes(text, cp_isolation=_LIKELY).best() or from_bytes(text).best()
    if best is None:
        return ""
    return _WIDER.get(best.encoding.lower(), best.encoding.lower())


# Where the common characters of each encoding lie, as ranges of a character's two bytes: kana and the first level of kanji, the first level
# of hanzi, the syllables of KS X 1001; and punctuation. (JIS X 0208, GB 2312, Big5, KS X 1001.)
_COMMON: dict[str, tuple[tuple[int, int], ...]] = {
    "cp949": ((0xA1A1, 0xA3FE), (0xB0A1, 0xC8FE)),
    "gb18030": ((0xA1A1, 0xA3FE), (0xB0A1, 0xD7FE)),
    "cp950": ((0xA140, 0xA3BF), (0xA440, 0xC67E)),
    "cp932": ((0x8140, 0x83DF), (0x889F, 0x9872)),
    "euc_jp": ((0xA1A1, 0xA3FE), (0xA4A1, 0xA5FE), (0xB0A1, 0xCFFE)),
}
_SURE, _AHEAD, _FEWEST = 0.85, 0.1, 8  # share of common characters, by how much the first must lead, characters needed


def _by_common_characters(text: bytes) -> str:
    """The encoding of which nearly all characters are common ones, and clearly more than of the next; "" for none."""
    shares = {name: share for name in _COMMON if (share := _common_share(text, name)) >= 0}
    order = sorted(shares, key=lambda name: -shares[name])  # of equals the first in the table
    if not order or shares[order[0]] < _SURE:
        return ""
    rivals = [name for name in order[1:] if shares[name] > shares[order[0]] - _AHEAD]
    if order[0] == "cp949":  # hanzi alone, or kanji without kana, never lie as narrowly as hangul
        rivals = []
    return "" if rivals else order[0]


def _common_share(text: bytes, name: str) -> float:
    """The share of common ones among the characters beyond ASCII; -1 where the text is not in that encoding, or too short."""
    try:
        odd = [char for char in text.decode(name) if ord(char) > 127]
    except UnicodeDecodeError:
        return -1
    if len(odd) < _FEWEST:
        return -1
    places = [int.from_bytes(char.encode(name)) for char in odd]
    if name == "cp950" and all(place & 0x80 for place in places):  # two of five characters of Big5 end in a byte of ASCII
        return -1
    return sum(any(low <= place <= high for low, high in _COMMON[name]) for place in places) / len(odd)


def open_utf8(path: Path, encoding: str) -> BinaryIO:
    """Open a text file as UTF-8 bytes, whatever its encoding.

    Raises:
        OSError: it cannot be opened.
    """
    handle = open_bytes(path)
    if encoding == "utf-8":
        return handle
    return cast(BinaryIO, codecs.EncodedFile(handle, "utf-8", encoding))
