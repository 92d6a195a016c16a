"""The rows of a mixture: which are taken, in which order, and what each is given that others have."""

from __future__ import annotations

import hashlib
import random
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from vldata.datasets.chance import draw_rows
from vldata.datasets.rows import Pair, Rows, row_numbers
from vldata.errors import UsageError
from vldata.records.parts import PARTS, TASKS, Parts, parts_of
from vldata.records.record import Message, Record, encode_record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AT_ONCE = 1 << 20


class Mixture(Rows):
    """Rows of several datasets, shuffled; a record taken again gets `#2`, `#3` behind its id. `settle` when all are taken.

    Args:
        columns: meta keys that every record gets.
        rng: of the choice and of the order.
    """

    def __init__(self, columns: Sequence[str], rng: random.Random) -> None:
        self._columns, self._rng = columns, rng
        self._sources: list[Rows] = []
        self._firsts: list[int] = []  # the number of each source's first row, over all sources
        self._total = 0  # rows of all sources
        self._taken = row_numbers()
        self._times: Sequence[int] = ()
        self._turn_parts: set[str] = set()
        self._videos = self._tools = False

    def take(self, source: Rows, wanted: int) -> None:
        """Take that many rows of a source: all of them as often as goes, then some."""
        first = self._total
        self._sources.append(source)
        self._firsts.append(first)
        self._total += len(source)
        whole, rest = divmod(wanted, len(source))
        for _ in range(whole):
            self._taken.extend(range(first, self._total))
        self._taken.extend(draw_rows(self._rng, rest, len(source), first=first))

    def settle(self) -> None:
        """Shuffle what was taken, and see what some records have that all must get.

        Raises:
            UsageError: records for one training would be mixed with those for another.
        """
        self._rng.shuffle(self._taken)
        ids = array("Q", bytes(8 * self._total))
        tasks: set[Parts] = set()
        for number, record in self._distinct():
            parts = parts_of(record)
            tasks.add(tuple(part for part in parts if part in TASKS))
            self._turn_parts.update(part for part in parts if part in ("reasoning", "loss"))
            self._videos |= record.videos is not msgspec.UNSET
            self._tools |= record.tools is not msgspec.UNSET
            ids[number] = _hash(record.id)
        if len(tasks) > 1:
            said = " and ".join(sorted(PARTS[task[0]].training if task else "SFT" for task in tasks))
            raise UsageError(f"they hold data for {said}.", cure="Mix datasets for one kind of training; each trainer reads its own.")
        hashes = _of_rows(ids, self._taken)
        del ids
        self._times = _occurrences(hashes)

    def _distinct(self) -> Iterator[tuple[int, Record]]:
        """Every row that was taken, once, in the order of the sources."""
        there = bytearray(self._total)
        for number in self._taken:
            there[number] = 1
        for first, source in zip(self._firsts, self._sources, strict=True):
            rows = row_numbers(row for row in range(len(source)) if there[first + row])
            for row, record in zip(rows, source.records.at(rows), strict=True):
                yield first + row, record

    def __len__(self) -> int:
        return len(self._taken)

    def kinds(self) -> Sequence[int]:
        """As `Rows.kinds`."""
        kinds = bytearray()
        for source in self._sources:
            kinds.extend(source.kinds())
        return bytearray(kinds[number] for number in self._taken)

    def pair(self, row: int) -> Pair:
        """As `Rows.pair`."""
        number = self._taken[row]
        place = bisect_right(self._firsts, number) - 1
        _, record = self._sources[place].pair(number - self._firsts[place])
        record = self._completed(record, self._times[row])
        return encode_record(record), record

    def _completed(self, record: Record, times: int) -> Record:
        """Give a record the columns and parts that some others have."""
        if self._turn_parts:
            record = with_turn_parts(record, self._turn_parts)
        return msgspec.structs.replace(
            record,
            id=record.id if times == 1 else f"{record.id}#{times}",
            meta={column: record.meta.get(column, "") for column in self._columns},
            videos=record.kept_videos if self._videos else record.videos,
            tools="" if self._tools and record.tools is msgspec.UNSET else record.tools,
        )


def with_turn_parts(record: Record, parts: Collection[str]) -> Record:
    """Give the turns of a record the parts that other records have: no thought, and learned as any answer is."""

    def turn(message: Message) -> Message:
        return Message(
            message.role,
            message.content,
            reasoning=message.thought if "reasoning" in parts else msgspec.UNSET,
            loss=message.learned if "loss" in parts else msgspec.UNSET,
        )

    rejected = record.rejected if record.rejected is msgspec.UNSET else turn(record.rejected)
    return msgspec.structs.replace(record, messages=tuple(map(turn, record.messages)), rejected=rejected)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _of_rows(ids: array[int], taken: array[int]) -> NDArray[np.uint64]:
    import numpy as np

    found: NDArray[np.uint64] = np.frombuffer(ids, dtype=np.uint64)[np.frombuffer(taken, dtype=np.uint32)]
    return found


def _occurrences(found: NDArray[np.uint64]) -> Sequence[int]:
    """For each row taken, the how-manieth of its id it is, from 1, by the hashes of the ids.

    Ids are told apart by 64 bits: two that meet by chance, at 10 million records once in 300,000 mixtures, get a `#2` too many.
    """
    import numpy as np

    ordered = np.sort(found)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    del ordered
    times = np.ones(len(found), dtype=np.uint32)
    if len(twice):
        places = np.concatenate(
            [start + np.flatnonzero(np.isin(found[start : start + _AT_ONCE], twice)) for start in range(0, len(found), _AT_ONCE)]
        )
        order = places[np.argsort(found[places], kind="stable")]
        again = found[order]
        begins = np.concatenate(([0], np.flatnonzero(again[1:] != again[:-1]) + 1))
        times[order] = np.arange(len(order)) - np.repeat(begins, np.diff(begins, append=len(order))) + 1
    return array("I", times.tobytes())
