"""Tables of text: which encoding, which delimiter, then the rows."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from typing import Any

from vldata.errors import DataError, UsageError
from vldata.files import strictjson
from vleval.readers.names import CONTEXT_NAMES, IDS, PREDICTIONS, REFERENCES, WEAK, plain_name
from vleval.readers.source import PredictionsSource
from vleval.readers.taken import TakenGuess

DELIMITERS = "\t,;|"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SIGNS = re.compile(rb"(?:\xc2[\xa0-\xbf])+")  # of Latin in UTF-8, which stand next to digits: ° ± ² ½ £
_SHORT_BYTES = 1 << 20  # a longer table has a word that tells its encoding
_EXPORT_AGAIN = "Repair the file or export it again."
_ODD_RUNS = re.compile(rb"[A-Za-z]?[\x80-\xff]+[A-Za-z]?")
_COMMON_HANZI = re.compile(rb"(?:[\xb0-\xd7][\xa1-\xfe])+")  # the first level of GB 2312
_SAVE_AS = "Save it as UTF-8, or name the encoding: --encoding gb18030"


def encoding_of(raw: bytes, name: str) -> str:
    """The encoding of a text: by its byte order mark, UTF-8, or GB18030 where the text is Chinese in it.

    Raises:
        DataError: it is none of these.
    """
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            return encoding
    if b"\0" in raw[:200]:
        return "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw, final=False)
    except UnicodeDecodeError as error:
        if _is_chinese(raw):
            return "gb18030"
        raise DataError(f"not UTF-8 at byte {error.start}.", where=name, cure=_SAVE_AS) from None
    return "utf-8"


def _is_chinese(raw: bytes) -> bool:
    """Whether GB18030 reads the bytes that are not ASCII as common Chinese (GB 2312), which it makes of no other encoding's."""
    try:
        text = codecs.getincrementaldecoder("gb18030")().decode(raw, final=False)
        marks = [mark for mark in text if not mark.isascii()]
        common = sum(_in_gb2312(mark) for mark in marks)
    except UnicodeDecodeError:
        return False
    return bool(marks) and common >= 0.9 * len(marks) and any("\u4e00" <= mark <= "\u9fff" for mark in marks)


def _in_gb2312(mark: str) -> bool:
    try:
        return bool(mark.encode("gb2312"))
    except UnicodeEncodeError:
        return False


def _is_either(raw: bytes) -> bool:
    """Whether a text in UTF-8 may as well be Chinese in GBK: the bytes of "猫" there are those of "è" here, and no word around tells."""
    runs = [run[0] for run in _ODD_RUNS.finditer(raw)] if not raw.isascii() and len(raw) < _SHORT_BYTES else []
    return any(not _SIGNS.fullmatch(run) for run in runs) and all(_COMMON_HANZI.fullmatch(run) for run in runs)


def decode(source: PredictionsSource, raw: bytes, encoding: str) -> str:
    """The text of a file.

    Raises:
        DataError: its bytes are not of the encoding.
        UsageError: there is no such encoding.
    """
    chosen = encoding or encoding_of(raw, source.name)
    try:
        return raw.decode("utf-8-sig" if chosen == "utf-8" else chosen)
    except LookupError:
        raise UsageError(f"there is no encoding {encoding!r}.", cure="For example utf-8, utf-16, gb18030, cp1252.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"not {chosen.upper()} at byte {error.start}.", where=source.name, cure=_SAVE_AS) from None


def first_line(source: PredictionsSource, encoding: str) -> str:
    """The header of a table, of what was looked at of the file.

    Raises:
        DataError: it is not text of a known encoding.
        UsageError: there is no such encoding.
    """
    chosen = encoding or encoding_of(source.head, source.name)
    try:
        decoder = codecs.getincrementaldecoder("utf-8-sig" if chosen == "utf-8" else chosen)(errors="replace")
    except LookupError:
        raise UsageError(f"there is no encoding {encoding!r}.", cure="For example utf-8, utf-16, gb18030, cp1252.") from None
    return decoder.decode(source.head, final=False).lstrip().split("\n", 1)[0]


def said_of(source: PredictionsSource, encoding: str) -> tuple[tuple[str, ...], tuple[TakenGuess, ...]]:
    """What is told of a table's encoding: a mark in the file proves it, else it is a guess.

    Raises:
        DataError: it cannot be found out.
    """
    if encoding:
        return (), ()
    raw = strictjson.read_bytes(source.path)
    found = encoding_of(raw, source.name)
    if found == "utf-8" and _is_either(raw):
        text = f"{source.name}: read as UTF-8; its few bytes beyond ASCII would be Chinese in GB18030 (GBK)."
        return (), (TakenGuess(text, "--encoding NAME settles it."),)
    if found == "gb18030":
        text = f"{source.name}: read as GB18030 (GBK), since it is not UTF-8 and is Chinese in that encoding."
        return (), (TakenGuess(text, "--encoding NAME settles it."),)
    return ((f"{source.name}: read as {found.upper()}.",) if found.startswith(("utf-16", "utf-32")) else ()), ()


def delimiter_of(header: str) -> str:
    """The mark between the columns of a header line: the one that gives the most known names; "" where none parts it."""
    best = max(DELIMITERS, key=lambda mark: (_known(header, mark), header.count(mark), -DELIMITERS.index(mark)))
    return best if best in header else ""


def _known(header: str, mark: str) -> int:
    names = [plain_name(name) for name in header.replace('"', "").split(mark)] if mark in header else []
    return sum(name in PREDICTIONS or name in WEAK or name in REFERENCES or name in IDS or name in CONTEXT_NAMES for name in names)


def iter_table(source: PredictionsSource, encoding: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Stream the rows of a table as records of text.

    Raises:
        DataError: naming the file and line of the first fault.
    """
    csv.field_size_limit(strictjson.MAX_LINE_BYTES)
    text = decode(source, strictjson.read_bytes(source.path), encoding)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text.split("\n", 1)[0]) or ",", strict=True)
    try:
        header = next(reader, [])
        if len(set(header)) != len(header):
            raise DataError("two columns have the same name.", where=f"{source.name}:1", cure=_EXPORT_AGAIN)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise DataError(
                    f"has {len(cells)} cells, but the header has {len(header)}.",
                    where=f"{source.name}:{reader.line_num}",
                    cure=_EXPORT_AGAIN,
                )
            yield f"line {reader.line_num}", dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise DataError(f"{error}.", where=f"{source.name}:{reader.line_num}", cure=_EXPORT_AGAIN) from None
