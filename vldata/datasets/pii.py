"""Personal data in texts: resident identity numbers of China, phone numbers, e-mail addresses; found, shown masked, and masked on request.

An identity number (GB 11643) is six digits of region, the date of birth, three of sequence and a check digit (ISO 7064, MOD 11-2). One
whose check digit is wrong is reported too, and said to be: whoever types or reads one from a picture makes mistakes, and region and date
alone are met by one random number of 18 digits in 4,000.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import tee
from typing import NamedTuple

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.datasets.derive import NewDataset, publish_parts, read_media
from vldata.datasets.rows import Pair, Rows
from vldata.datasets.whole import read_whole
from vldata.errors import DataError
from vldata.output.contract import Counts, read_contract
from vldata.output.dataset_info import read_dataset_info
from vldata.output.folder import DatasetPaths, Target, check_name
from vldata.output.journal import recover
from vldata.output.ownership import hold_dataset
from vldata.records.draft import Setting
from vldata.records.findings import Finding, FindingList
from vldata.records.record import Message, Record, encode_record, iter_records

LABELS = {"VL041": "[id number]", "VL042": "[phone]", "VL043": "[e-mail]"}
_REGION_RANGES = ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
_REGIONS = frozenset(str(code) for first, last in _REGION_RANGES for code in range(first, last + 1))
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"

_WIDE = str.maketrans("０１２３４５６７８９＋－（）＠．Ｘｘ　", "0123456789+-()@.Xx ")
# No pattern can be matched in more than one way: a hostile text costs no more than a long one.
_WORTH_A_LOOK = re.compile(r"@|\d[\d ()+.-]{6}", re.ASCII)
# A second look, dearer: a mail, a number from abroad, or ten digits, which every other pattern has. Ids and counts have fewer.
_WORTH_ALL = re.compile(r"@|\+[1-9]|(?<!\d)\d(?:[ ()-]{0,2}\d){9}", re.ASCII)
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])\d{6}[ -]?\d{8}[ -]?\d{3}[\dXx](?![0-9A-Za-z])", re.ASCII)
_MOBILE = re.compile(
    r"(?<![0-9A-Za-z_.,/$+])(?:(?:\+|00)?86[ -]?)?1(?:3\d|4[5-9]|5[0-35-9]|6[25-7]|7[0-8]|8\d|9[0-35-9])[ -]?\d{4}[ -]?\d{4}"
    r"(?![0-9A-Za-z_%/]|[.,]\d)",
    re.ASCII,
)
_LANDLINE = re.compile(
    r"(?<![0-9A-Za-z_.,/$+-])(?:\((?:010|02\d|0[3-9]\d\d)\) ?|(?:010|02\d|0[3-9]\d\d)-)\d{7,8}(?![0-9A-Za-z_%])", re.ASCII
)
_ABROAD = re.compile(r"(?<![0-9A-Za-z_)+=])\+[1-9]\d{0,14}+(?:[ .()-]{1,2}+\d{1,10}+){0,5}+(?![0-9A-Za-z_%]|,\d)", re.ASCII)
_MAIL = re.compile(
    r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
    r"(?![A-Za-z0-9_-])"
)


class Hit(NamedTuple):
    """Personal data at `text[start:end]`; `shown` is masked."""

    code: str
    start: int
    end: int
    shown: str


def scan_text(text: str) -> list[Hit]:
    """Find personal data in a text, in its order."""
    plain = text if text.isascii() else text.translate(_WIDE)
    if not (_WORTH_A_LOOK.search(plain) and _WORTH_ALL.search(plain)):
        return []
    hits: list[Hit] = []
    for code, pattern, describe in _PATTERNS:
        matches = [(match.start(), match.end(), describe(match[0])) for match in pattern.finditer(plain)]
        found = [Hit(code, start, end, shown) for start, end, shown in matches if shown]
        plain = _replaced(plain, found, lambda hit: "\0" * (hit.end - hit.start))  # what is one thing is not another too
        hits += found
    return sorted(hits, key=lambda hit: hit.start)


def _replaced(text: str, hits: Sequence[Hit], replacement: Callable[[Hit], str]) -> str:
    pieces, place = [], 0
    for hit in hits:
        pieces += [text[place : hit.start], replacement(hit)]
        place = hit.end
    return "".join(pieces) + text[place:]


def _identity(found: str) -> str:
    digits = re.sub("[ -]", "", found).upper()
    if digits[:2] not in _REGIONS:
        return ""
    try:
        born = datetime.date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        return ""
    if not 1900 <= born.year <= 2100:
        return ""
    check = _CHECK_DIGITS[sum(int(digit) * weight for digit, weight in zip(digits[:17], _WEIGHTS, strict=True)) % 11]
    return _masked(digits) + (", check digit right" if check == digits[17] else ", check digit wrong: mistyped or made up")


def _abroad(found: str) -> str:
    digits, breaks = re.sub(r"\D", "", found), re.findall(r"[ .()-]+", found)
    decimal = breaks == ["."]
    least = 8 if len(breaks) >= 2 else 10
    return _masked(found) if least <= len(digits) <= 15 and not decimal else ""


def _mail(found: str) -> str:
    name, _, host = found.partition("@")
    return f"{name[0]}…@{host}"


def _masked(found: str) -> str:
    return f"{found[:3]}…{found[-2:]}"


_PATTERNS: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
    ("VL041", _IDENTITY, _identity),
    ("VL042", _MOBILE, _masked),
    ("VL042", _LANDLINE, _masked),
    ("VL042", _ABROAD, _abroad),
    ("VL043", _MAIL, _mail),
)


def texts_of(record: Record) -> Iterator[tuple[str, str]]:
    """Every text of a record that came from its source, with the name of its place."""
    yield "id", record.id
    for index, message in enumerate(record.messages):
        yield f"messages[{index}]", message.content
    for index, reference in enumerate(record.references):
        yield f"references[{index}]", reference
    for key, value in record.meta.items():
        yield f"meta.{key}", value
    if record.tools is not msgspec.UNSET:
        yield "tools", record.tools
    for index, message in enumerate(record.messages):
        if message.thought:
            yield f"messages[{index}].reasoning", message.thought
    if record.rejected is not msgspec.UNSET:
        yield "rejected", f"{record.rejected.thought}\n{record.rejected.content}" if record.rejected.thought else record.rejected.content
    if record.solution is not msgspec.UNSET:
        yield "solution", record.solution


def scan_dataset(target: Target) -> tuple[int, FindingList]:
    """Look through every record of `DIR/NAME`: how many there are, and what was found.

    Raises:
        DataError: it cannot be read.
    """
    dataset = Dataset(target)
    findings = FindingList()
    count = 0
    for file in dataset.files():
        for number, record in iter_records(file):
            count += 1
            for place, text in texts_of(record):
                for hit in scan_text(text):
                    findings.add(Finding(where=f"{file}:{number}", id=record.id, code=hit.code, message=f"{place}: {hit.shown}."))
    return count, findings


def redact_text(text: str) -> str:
    """The text with a label in place of everything personal."""
    return _replaced(text, scan_text(text), lambda hit: LABELS[hit.code])


def redact_record(record: Record) -> Record:
    """The record with a label in place of everything personal; the id stays, for it is what other files know it by."""
    return msgspec.structs.replace(
        record,
        messages=tuple(map(_redact_turn, record.messages)),
        references=tuple(dict.fromkeys(map(redact_text, record.references))),
        meta={key: redact_text(value) for key, value in record.meta.items()},
        tools=record.tools if record.tools is msgspec.UNSET else redact_text(record.tools),
        rejected=record.rejected if record.rejected is msgspec.UNSET else _redact_turn(record.rejected),
        solution=record.solution if record.solution is msgspec.UNSET else redact_text(record.solution),
    )


def _redact_turn(message: Message) -> Message:
    thought = message.reasoning if message.reasoning is msgspec.UNSET else redact_text(message.reasoning)
    return msgspec.structs.replace(message, content=redact_text(message.content), reasoning=thought)


def redact(paths: DatasetPaths, name: str = "", *, overwrite: bool = False) -> tuple[str, int]:
    """Register a copy of a dataset without its personal data, by default NAME_redacted. Returns its name and the records changed.

    Raises:
        DataError: the dataset cannot be read, or the name is taken.
    """
    contract = read_contract(paths)
    with read_whole(paths, contract) as whole:
        target = DatasetPaths(paths.out, check_name(name or f"{paths.name}_redacted"))
        settings: dict[str, Setting] = {**contract.settings, "redact": {"of": paths.name}}
        counts = Counts(read=len(whole), written=len(whole), rejected=0, excluded=0)
        base = msgspec.structs.replace(contract, settings=settings, counts=counts, split=None)
        redacted = _Redacted(whole)
        with hold_dataset(target):
            recover(target, "pii", owned=(target.name,))
            _refuse_taken(target, overwrite=overwrite)
            publish_parts(target, [NewDataset(target.name, redacted, base)], read_media(paths), made_by="pii")
        return target.name, sum(redacted.changed)


class _Redacted(Rows):
    """Rows without their personal data; `changed` tells of each that was read whether it had any."""

    def __init__(self, source: Rows) -> None:
        self._source = source
        self.changed = bytearray(len(source))

    def __len__(self) -> int:
        return len(self._source)

    def kinds(self) -> Sequence[int]:
        """As `Rows.kinds`: no picture goes."""
        return self._source.kinds()

    def pair(self, row: int) -> Pair:
        """As `Rows.pair`."""
        return next(self.pairs([row]))

    def pairs(self, rows: Iterable[int]) -> Iterator[Pair]:
        """As `Rows.pairs`."""
        here, there = tee(rows)
        for row, (line, record) in zip(here, self._source.pairs(there), strict=True):
            cleaned = redact_record(record)
            self.changed[row] = cleaned != record
            yield (encode_record(cleaned) if self.changed[row] else line), cleaned


def _refuse_taken(target: DatasetPaths, *, overwrite: bool) -> None:
    if target.name not in read_dataset_info(target.out) and not target.records.exists():
        return
    ours = target.contract.exists() and "redact" in read_contract(target).settings
    if not (ours and overwrite):
        cure = "Replace it with --overwrite, or choose another name with --as." if ours else "Choose another name with --as."
        raise DataError(f"{target.name!r} is there already.", where=str(target.out), cure=cure)
