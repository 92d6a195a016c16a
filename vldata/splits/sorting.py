"""Texts with the rows they are of, sorted: runs that fit into memory are in a file without a name and are merged."""

from __future__ import annotations

import heapq
import os
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO

import msgspec

from vldata.causes import write_error

RUN = 200_000  # pairs of a run
_BLOCK = 1_000  # pairs that are read at once

Pair = tuple[bytes, int]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Pair]).decode


def sorted_pairs(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """Yield pairs of a text and its row sorted by both; texts by their bytes, in UTF-8 the order of Python's own texts.

    Raises:
        DataError: the disk of the temporary files is full.
    """
    walk = iter(pairs)
    run = sorted(islice(walk, RUN))
    if len(run) < RUN:
        yield from run
        return
    with tempfile.TemporaryFile(prefix="vlkit-") as file:
        runs = []
        while run:
            runs.append(_write(file, run))
            run = sorted(islice(walk, RUN))
        yield from heapq.merge(*(_read(file.fileno(), blocks) for blocks in runs))


def _write(file: IO[bytes], run: list[Pair]) -> list[tuple[int, int]]:
    """Write a run. Returns where each of its blocks begins and how long it is."""
    blocks = []
    try:
        for first in range(0, len(run), _BLOCK):
            raw = _encode(run[first : first + _BLOCK])
            blocks.append((file.tell(), len(raw)))
            file.write(raw)
        file.flush()
    except OSError as error:
        raise write_error(Path(tempfile.gettempdir()), error) from None
    return blocks


def _read(file: int, blocks: list[tuple[int, int]]) -> Iterator[Pair]:
    for start, length in blocks:
        yield from _decode(os.pread(file, length, start))
