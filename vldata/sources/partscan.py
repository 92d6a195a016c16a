"""Which optional parts the rows of a file have: told by reading the file once, where its bytes hold a word that could mean one.

A dataset has a part in every record or in none, so that it must be known before the first record is written.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from vldata.errors import UsageError
from vldata.records.parts import PARTS, TASKS, PartName, Parts, in_order
from vldata.sources.dialects import Dialect, find_dialect, part_keys, read_row
from vldata.sources.dialects.folded import MARKS
from vldata.sources.dialects.names import Names
from vldata.sources.dialects.notes import LEARNED_KEYS, MASKED_KEYS, THOUGHT_KEYS
from vldata.sources.dialects.talk import Talk
from vldata.sources.encodings import open_utf8
from vldata.sources.errors import RowError
from vldata.sources.rowmeta import is_own
from vldata.sources.rows import Row, RowFile
from vldata.sources.shards import Shard
from vldata.wording import counted

Thinking = Literal["keep", "drop", "empty"]
_BY_BYTES = frozenset({".json", ".jsonl", ".csv", ".tsv", ".ssv"})


class PartScan(msgspec.Struct, frozen=True):
    """What a file's rows have: the parts of their records, whether tools are called, whether texts hold thoughts or calls."""

    parts: Parts = ()
    calls: bool = False
    marked: bool = False
    said: tuple[str, ...] = ()


def part_words(names: Names) -> tuple[str, ...]:
    """The words of which one stands in a file that has a part."""
    return (*sorted(part_keys(names)), *THOUGHT_KEYS, *LEARNED_KEYS, *MASKED_KEYS)


def scan_parts(
    files: Sequence[RowFile | Shard],
    sample: Sequence[tuple[str, Row]],
    names: Names,
    usual: Dialect,
    present: frozenset[str],
    *,
    thinking: Thinking,
    path: Path,
) -> PartScan:
    """Tell the parts of a dataset.

    Args:
        files: those of the dataset.
        sample: their first rows, which speak for all where a file is no text: of a tar nothing is read twice for nothing.
        names: of its columns.
        usual: the dialect of most rows.
        present: the words that stand in the files.
        thinking: what becomes of thoughts.
        path: how the dataset is called in messages.

    Raises:
        UsageError: it has rows for several kinds of training.
    """
    told = present & {*part_words(names)}
    words = bool(told) and any(_has_key(file, told) for file in files)
    marked = any(map(_has_mark, files)) or any(_holds_mark(row) for _, row in sample)
    forced: Parts = ("reasoning",) if thinking == "empty" else ()
    if not words and not marked:
        return PartScan(forced)
    names = msgspec.structs.replace(names, marked=marked)
    whole = all(isinstance(file, RowFile) for file in files) or _has_any(sample, names, usual)
    counts = _count(_texts_of(files) if whole else iter(sample), names, usual)
    parts = [name for name in PARTS if counts[name]]
    if thinking != "keep":
        parts = [name for name in parts if name != "reasoning"]
    tasks = [name for name in parts if name in TASKS]
    if len(tasks) > 1:
        what = " and ".join(f"{counts[name]:,} rows for {PARTS[name].training} ({PARTS[name].said})" for name in tasks)
        cure = f"Give a file of each kind, or leave one field out: --ignore {' or --ignore '.join(_field(name) for name in tasks)}."
        raise UsageError(f"holds {what}, and a dataset is for one of them.", where=str(path), cure=cure)
    said = tuple(_sentence(path, name, counts) for name in parts)
    if whole and tasks and 2 * counts[tasks[0]] < counts["rows"]:
        parts.remove(tasks[0])
        few = f"{counted(counts['rows'] - counts[tasks[0]], 'row')} have none, and make the dataset; a row with it is rejected"
        said += (f"{path}: {few}. Give such rows a file of their own, or leave the field out: --ignore {_field(tasks[0])}.",)
    return PartScan(in_order((*parts, *forced)), bool(counts["calls"]), marked, said)


def _field(part: PartName) -> str:
    return {"wanted": "label"}.get(part, part)


def _sentence(path: Path, name: PartName, counts: Counter[str]) -> str:
    shares = f" ({counts['unwanted']:,} of them unwanted)" if name == "wanted" else ""
    return f"{path}: {PARTS[name].said} (`{name}`, for {PARTS[name].training}) in {counted(counts[name], 'row')}{shares}."


def parts_in(talk: Talk) -> Iterator[PartName]:
    """Yield the parts that a talk has."""
    notes = [*talk.notes.values(), *([talk.rejected.note] if talk.rejected else [])]
    if any(note.thought is not None for note in notes):
        yield "reasoning"
    if any(note.loss is False for note in notes):
        yield "loss"
    if talk.rejected is not None:
        yield "rejected"
    if talk.wanted is not None:
        yield "wanted"
    if talk.solution is not None:
        yield "solution"


def _count(rows: Iterator[tuple[str, Row]], names: Names, usual: Dialect) -> Counter[str]:
    """Count the rows that have each part; those that cannot be read are told when they are converted."""
    counts: Counter[str] = Counter()
    keys = part_keys(names)
    for _, given in rows:
        for row in given if type(given) is list else [given]:
            dialect = usual if isinstance(row, dict) and usual.claims(row, names) else None
            dialect = dialect or (find_dialect(row, names) if isinstance(row, dict) else None)
            if dialect is None or not isinstance(row, dict):
                continue
            try:
                talk = read_row(dialect, row, names, keys)
            except RowError:
                continue
            counts.update({*parts_in(talk), *_empty_thoughts(row)})
            counts["rows"] += 1
            counts["unwanted"] += talk.wanted is False
            counts["calls"] += any(role in ("function_call", "observation") for role, _ in talk.turns)
    return counts


def _empty_thoughts(row: dict[str, Any]) -> Iterator[PartName]:
    """Yield the part of thoughts for a record of ours: there it is a part also where all of them are empty."""
    if (
        is_own(row)
        and isinstance(turns := row.get("messages"), list)
        and any(isinstance(turn, dict) and "reasoning" in turn for turn in turns)
    ):
        yield "reasoning"


def _has_any(sample: Sequence[tuple[str, Row]], names: Names, usual: Dialect) -> bool:
    counts = _count(iter(sample), names, usual)
    return counts.total() > counts["rows"]


def _texts_of(files: Sequence[RowFile | Shard]) -> Iterator[tuple[str, Row]]:
    for file in files:
        yield from file.texts() if isinstance(file, RowFile) else file.rows()


def _has_key(file: RowFile | Shard, words: frozenset[str]) -> bool:
    """Whether one of the words is a key in the bytes of a JSON file, not only a value, as `train` often is; true of any other file."""
    if not isinstance(file, RowFile) or file.kind not in (".json", ".jsonl"):
        return True
    search = re.compile(f'"(?:{"|".join(map(re.escape, sorted(words)))})"\\s*:'.encode()).search
    tail = b""
    with contextlib.suppress(UnicodeDecodeError, OSError), open_utf8(file.path, file.encoding) as handle:
        while block := handle.read(1 << 20):
            text = tail + block
            if search(text):
                return True
            tail = block[-64:]
        return False
    return True  # the reader of rows says where it goes wrong


def _has_mark(file: RowFile | Shard) -> bool:
    """Whether a mark of a thought or call stands in the bytes of a text file; a file of another kind is read for it."""
    if not isinstance(file, RowFile):
        return False
    if file.kind not in _BY_BYTES:
        return any(_holds_mark(row) for _, row in file.texts())
    tail = b""
    with contextlib.suppress(UnicodeDecodeError, OSError), open_utf8(file.path, file.encoding) as handle:
        while block := handle.read(1 << 20):
            text = tail + block
            if any(first in text and search(text) for first, search in _SEARCHES) or any(mark in text for mark in _RARE):
                return True
            tail = block[-32:]
    return False


# Each search begins with one rare letter, looked for first: most of a file is passed over at the speed of memory. JSON may escape `<`.
_SEARCHES = (
    (b"<", re.compile(rb"<(?:/(?:think|thought|reasoning)|tool_(?:call|response)>)").search),
    (
        b"\\",
        re.compile(rb"\\(?:/(?:think|thought|reasoning)|u003[cC](?:\\?/(?:think|thought|reasoning)|tool_(?:call|response))|u25c1)").search,
    ),
)
_RARE = (b"/THINK", "◁/think".encode())


def _holds_mark(value: Any) -> bool:
    if isinstance(value, str):
        return any(mark in value for mark in MARKS)
    if isinstance(value, dict):
        return any(map(_holds_mark, value.values()))
    return isinstance(value, list) and any(map(_holds_mark, value))
