from __future__ import annotations

import hashlib
import os
import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vldata.datasets import whole as whole_module
from vldata.datasets.mixture import Mixture
from vldata.datasets.rows import ChosenRows, Held
from vldata.datasets.whole import WholeRows, read_whole
from vldata.errors import DataError
from vldata.output.contract import Contract, Counts, FileDigest, PixelContract, TokenStatistics, spread, spread_counted
from vldata.output.folder import DatasetPaths
from vldata.records.record import Message, Record, encode_record

ENDS = (b"\n", b"\r\n", b"\n\n", b"\n \r\n")


def record(number: int, words: str) -> Record:
    return Record(
        id=f"r{number}", messages=(Message("user", words), Message("assistant", "é")), images=(), references=(), meta={"n": words}
    )


def write(out: Path, files: list[list[tuple[str, int]]], *, bom: bool = False) -> tuple[Contract, list[bytes]]:
    """Write record files with odd line ends, and the contract that names them."""
    digests, everything = [], []
    for place, rows in enumerate(files):
        lines = [encode_record(record(place * 100 + number, words)) for number, (words, _) in enumerate(rows)]
        data = b"".join(line + ENDS[end] for line, (_, end) in zip(lines, rows, strict=True))
        (out / f"d{place}.jsonl").write_bytes((b"\xef\xbb\xbf" if bom else b"") + data)
        digests.append(FileDigest(f"d{place}.jsonl", len(lines), hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()))
        everything += lines
    contract = Contract(
        name="d", converter="test", version="0", builds={}, sources=(), settings={}, coordinate_space="none", files=tuple(digests),
        pixels=PixelContract("qwen3-vl", 65_536, 589_824, "jpeg", 88), columns=("n",),
        counts=Counts(len(everything), len(everything), 0, 0), tokens=TokenStatistics(spread([]), spread([]), ""),
    )  # fmt: skip
    return contract, everything


def opened(out: Path, files: list[list[tuple[str, int]]], *, bom: bool = False) -> tuple[WholeRows, list[bytes]]:
    contract, lines = write(out, files, bom=bom)
    return read_whole(DatasetPaths(out, "d"), contract), lines


some_files = st.lists(
    st.lists(st.tuples(st.text("aä\n ", max_size=40), st.integers(0, len(ENDS) - 1)), max_size=12), min_size=1, max_size=4
)


@settings(max_examples=60)
@given(some_files, st.booleans(), st.integers(1, 300), st.randoms(use_true_random=False))
def test_rows_of_files_are_those_of_a_list(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[tuple[str, int]]], bom: bool, block: int, rng: random.Random
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("_BLOCK_BYTES", block), ("_NEAR_BYTES", block // 4), ("_MOST_OPEN", 2)):
            patch.setattr(whole_module, name, value)
        found, lines = opened(tmp_path_factory.mktemp("rows"), files, bom=bom)
        records = [msgspec.json.decode(line, type=Record) for line in lines]
        held = Held(lines, records)
        order = rng.choices(range(len(lines)), k=2 * len(lines)) if lines else []
        with found:
            assert list(found.records) == records == list(found.records[:]) and len(found) == len(lines)
            assert list(found.pairs(range(len(lines)))) == list(held.pairs(range(len(lines))))
            assert list(found.pairs(order)) == list(held.pairs(order)) == [found.pair(row) for row in order]
            some = sorted(set(order[::3]))
            chosen = ChosenRows(found, some)
            assert [chosen.pair(row) for row in range(len(some))] == list(held.pairs(some)) == list(chosen.pairs(range(len(some))))
            assert bytes(found.kinds()) == bytes(held.kinds()) and len(chosen.kinds()) == len(chosen)
            if records:
                assert found.records[-1] == records[-1]
            with pytest.raises(IndexError):
                found.records[len(records)]


def test_a_file_that_changes_while_it_is_read_is_not_copied(tmp_path: Path) -> None:
    found, lines = opened(tmp_path, [[("a", 0), ("b", 0)]])
    with found:
        found.pair(0)
        os.utime(tmp_path / "d0.jsonl", ns=(1, 1))
        with pytest.raises(DataError, match=r"d0.jsonl: was changed while it was read"):
            found.pair(1)
    found, lines = opened(tmp_path, [[("a", 0), ("b", 0)]])
    (tmp_path / "other").write_bytes(b"".join(line + b"\n" for line in reversed(lines)))
    (tmp_path / "other").replace(tmp_path / "d0.jsonl")
    with found, pytest.raises(DataError, match="was changed while it was read"):
        list(found.records)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.integers(0, 40), st.integers(0, 9))
def test_ids_of_a_mixture_are_numbered_in_its_order(names: list[int], wanted: int, seed: int) -> None:
    records = [record(name, "x") for name in names]
    lines = [encode_record(one) for one in records]
    mixture = Mixture(("n",), random.Random(seed))
    for _ in range(2):
        mixture.take(Held(lines, records), wanted)
    mixture.settle()
    rng = random.Random(seed)
    expected = [one for _ in range(2) for one in records * (wanted // len(records)) + rng.sample(records, wanted % len(records))]
    rng.shuffle(expected)
    seen: Counter[str] = Counter()
    ids = []
    for one in expected:
        seen[one.id] += 1
        ids.append(one.id if seen[one.id] == 1 else f"{one.id}#{seen[one.id]}")
    assert [one.id for one in mixture.records] == ids


@given(st.lists(st.integers(0, 50)))
def test_counted_values_spread_as_the_values_do(values: list[int]) -> None:
    assert spread(values) == spread_counted(Counter(values))
    if values:
        ordered = sorted(values)
        assert spread(values).p50 == ordered[-(-len(values) // 2) - 1] and spread(values).p95 == ordered[-(-len(values) * 95 // 100) - 1]
