"""The sides of a split as they are written and certified, on a dataset of eighteen records in six scenes, three of one picture each."""

from __future__ import annotations

import json
from array import array
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from vldata.conversion import convert
from vldata.datasets.info import rename
from vldata.errors import DataError, UsageError
from vldata.output import journal
from vldata.output.contract import Counts, RowSplitLeak, read_contract
from vldata.output.folder import DatasetPaths
from vldata.output.options import ConvertOptions
from vldata.output.sides import parent_digest
from vldata.records.record import Record, iter_records
from vldata.sources.jsonl import open_source
from vldata.splits.grouping import row_split_leak
from vldata.splits.splitting import _shared_groups, split


@pytest.fixture
def out(tmp_path: Path) -> Path:
    for number in range(6):
        Image.new("RGB", (64, 64), (40 * number, 0, 0)).save(tmp_path / f"{number}.png")
    rows = [
        {
            "id": f"q{n}",
            "question": f"What is {n}?",
            "answer": str(n),
            "image": f"{n // 3}.png",
            "scene": f"s{n // 3}",
            "category": f"h{n % 2}",
        }
        for n in range(18)
    ]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    convert(open_source(tmp_path / "d.jsonl")[0], ConvertOptions(out=tmp_path / "out", name="d", workers=1))
    return tmp_path / "out"


def read(out: Path, name: str) -> list[Record]:
    return [record for _, record in iter_records(out / f"{name}.jsonl")]


def registered(out: Path) -> list[str]:
    return list(json.loads((out / "dataset_info.json").read_text()))


def test_a_split_tells_what_it_made_and_certifies_it(out: Path) -> None:
    result = split(out, "d", test=6, val=3, seed=4)
    sizes, groups = {"train": 9, "val": 3, "test": 6}, {"train": 3, "val": 1, "test": 2}
    assert result.names == {side: f"d_{side}" for side in sizes}
    assert (result.sizes, result.groups, result.notes) == (sizes, groups, ())
    rows = [n // 3 for n in range(18)]
    assert result.leak == RowSplitLeak(round(row_split_leak(rows, 6, 3, 4), 4), 200, "scene")
    parent = read_contract(DatasetPaths(out, "d"))
    whole = {record.id: record for record in read(out, "d")}
    seen: list[str] = []
    for side, count in sizes.items():
        records = read(out, f"d_{side}")
        assert len(records) == count and all(whole[record.id] == record for record in records)
        ids = [record.id for record in records]
        assert {record.meta["scene"] for record in records}.isdisjoint(seen)
        seen += sorted({record.meta["scene"] for record in records})
        assert sorted(ids) == sorted(set(ids))
        contract = read_contract(DatasetPaths(out, f"d_{side}"))
        assert contract.counts == Counts(read=18, written=count, rejected=0, excluded=18 - count, pictures=count // 3)
        told = contract.split
        assert told is not None and (told.parent, told.parent_sha256, told.side) == ("d", parent_digest(parent), side)
        assert (told.group_by, told.seed, told.sizes, told.groups, told.shared_groups) == ("scene", 4, sizes, groups, 0)
        assert told.leak == result.leak
    assert len(seen) == 6
    assert registered(out) == ["d", "d_train", "d_val", "d_test"]


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({"test": 6}, {"train": 12, "test": 6}),
        ({"val": 6}, {"train": 12, "val": 6}),
        ({"test": 0.3}, {"train": 12, "test": 6}),
        ({"val": 1 / 3, "test": 0.5}, {"train": 6, "val": 3, "test": 9}),
        ({"test": 5, "group_by": "none"}, {"train": 13, "test": 5}),
        ({"test": 1, "val": 16, "group_by": "none"}, {"train": 1, "val": 16, "test": 1}),
        ({"test": 9, "group_by": "category"}, {"train": 9, "test": 9}),
        ({"test": 3, "group_by": "image"}, {"train": 15, "test": 3}),
    ],
)
def test_sizes_of_sides(out: Path, options: dict[str, float], sizes: dict[str, int]) -> None:
    result = split(out, "d", **options)  # type: ignore[arg-type]
    assert result.sizes == sizes == {side: len(read(out, name)) for side, name in result.names.items()}


def test_the_leak_is_of_the_side_that_is_held_out(out: Path) -> None:
    rows = [n // 3 for n in range(18)]
    assert split(out, "d", val=6).leak == RowSplitLeak(round(row_split_leak(rows, 6, 0, 0), 4), 200, "scene")
    assert split(out, "d", test=3, val=6, overwrite=True).leak == RowSplitLeak(round(row_split_leak(rows, 3, 6, 0), 4), 200, "scene")
    assert split(out, "d", test=3, group_by="none", overwrite=True).leak is None


def test_a_fraction_that_no_scenes_have_moves_and_a_count_does_not(out: Path) -> None:
    assert split(out, "d", test=0.2, val=0.3).notes == (
        "--test: no choice of whole groups has 4 records; took 3.",
        "--val: no choice of whole groups has 5 records; took 6.",
    )
    for sizes, flag in (
        ({"test": 4}, "--test"),
        ({"val": 4}, "--val"),
        ({"test": 0.2, "val": 4}, "--val"),
        ({"test": 4, "val": 0.3}, "--test"),
    ):
        with pytest.raises(DataError) as caught:
            split(out, "d", **sizes, overwrite=True)  # type: ignore[arg-type]
        assert str(caught.value) == f"no choice of whole groups has exactly 4 records for {flag}; the nearest sizes are 3 and 6."


def test_sizes_that_leave_nothing(out: Path) -> None:
    for sizes in ({}, {"test": 0, "val": 0.0}):
        with pytest.raises(UsageError) as caught:
            split(out, "d", **sizes)  # type: ignore[arg-type]
        assert str(caught.value) == "nothing to split off.\n  Give --test, --val or both, as a number of records or a fraction."
    with pytest.raises(UsageError) as caught:
        split(out, "d", test=12, val=6)
    assert str(caught.value) == "test (12) and val (6) leave nothing of 18 records to train on."
    with pytest.raises(UsageError, match="--test 19 is more than the 18 records there are"):
        split(out, "d", test=19)
    with pytest.raises(UsageError, match="--val 13 is more than the 12 records there are"):
        split(out, "d", test=6, val=13)
    assert registered(out) == ["d"]


def test_pictures_on_two_sides_are_told(out: Path) -> None:
    assert split(out, "d", test=9, group_by="category").notes == (
        "Warning: train and test share 6 pictures under other groups; --group-by image keeps them on one side.",
    )
    one = split(out, "d", test=4, val=7, group_by="none", overwrite=True)
    shown = {side: {path for record in read(out, name) for path in record.media} for side, name in one.names.items()}
    pairs = [("train", "val"), ("train", "test"), ("val", "test")]
    shared = {pair: len(shown[pair[0]] & shown[pair[1]]) for pair in pairs}
    assert one.notes == tuple(
        f"Warning: {first} and {second} share {count} picture{'s' * (count != 1)} under other groups; "
        "--group-by image keeps them on one side."
        for (first, second), count in shared.items()
        if count
    )
    assert split(out, "d", test=6, group_by="image", overwrite=True).notes == ()


def test_names_in_use(out: Path) -> None:
    split(out, "d", test=3)
    for options, name in (({"test": 3}, "d_train"), ({"val": 3}, "d_train")):
        with pytest.raises(DataError) as caught:
            split(out, "d", **options)  # type: ignore[arg-type]
        assert str(caught.value) == f"{out}: {name!r} is there already.\n  Replace the earlier split with --overwrite."
    split(out, "d", val=3, overwrite=True)
    assert registered(out) == ["d", "d_train", "d_val"] and not (out / "d_test.jsonl").exists(), "the side that this split has not"
    (out / "d_test.jsonl").write_text("mine\n")
    with pytest.raises(DataError) as caught:
        split(out, "d", test=3, overwrite=True)
    assert str(caught.value) == f"{out}: 'd_test' is there already.\n  It is not a side of a split of this dataset: rename it first."
    assert (out / "d_test.jsonl").read_text() == "mine\n"


def test_a_side_of_another_dataset_is_not_replaced(out: Path) -> None:
    split(out, "d", test=3)
    paths = DatasetPaths(out, "d_test")
    contract = json.loads(paths.contract.read_text())
    contract["split"]["parent"] = "other"
    paths.contract.write_text(json.dumps(contract))
    (out / "dataset_info.json").write_text(json.dumps({"d": json.loads((out / "dataset_info.json").read_text())["d"]}))
    for name in ("d_train.jsonl", "d_train.contract.json"):
        (out / name).unlink()
    with pytest.raises(DataError) as caught:
        split(out, "d", test=3, overwrite=True)
    assert str(caught.value) == f"{out}: 'd_test' is there already.\n  It is not a side of a split of this dataset: rename it first."
    paths.records.unlink()
    paths.contract.unlink()
    assert split(out, "d", test=3).sizes == {"train": 15, "test": 3}


def test_a_side_that_was_renamed_is_its_owners_to_keep(out: Path) -> None:
    split(out, "d", test=3, val=3)
    rename(DatasetPaths(out, "d_val"), "mine")
    split(out, "d", test=3, overwrite=True)
    assert sorted(registered(out)) == ["d", "d_test", "d_train", "mine"] and len(read(out, "mine")) == 3


def test_an_unknown_dataset_lays_no_lock(out: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no dataset 'e' here"):
        split(out, "e", test=3)
    with pytest.raises(DataError, match="no such folder"):
        split(tmp_path / "none", "d", test=3)
    with pytest.raises(UsageError, match="cannot name a dataset"):
        split(out, "../d", test=3)
    assert not (out / ".vldata" / "e").exists() and not (tmp_path / "none").exists()
    (out / ".vldata" / "e").mkdir(parents=True)
    with pytest.raises(DataError, match="no dataset 'e' here"):
        split(out, "e", test=3)


def test_an_interrupted_split_is_finished_first(out: Path) -> None:
    """The journal of a split is taken up, that of another command, or of other names, is not."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(journal, "_roll_forward", stop)
        split(out, "d", test=3, val=3)
    left = DatasetPaths(out, "d").journal
    assert left.is_file() and registered(out) == ["d"]
    written = left.read_bytes()
    left.write_bytes(written.replace(b'"made_by":"split"', b'"made_by":"mix"'))
    with pytest.raises(DataError, match="was left by an interrupted `mix`, not by this command"):
        split(out, "d", test=6)
    left.write_bytes(written)
    with pytest.raises(DataError, match="'d_train' is there already"):
        split(out, "d", test=6)
    assert registered(out) == ["d", "d_train", "d_val", "d_test"] and len(read(out, "d_test")) == 3


def grouped(*scenes: str) -> list[Record]:
    return [Record(id=str(row), messages=(), images=(), references=(), meta={"scene": scene}) for row, scene in enumerate(scenes)]


def test_a_group_on_two_sides_stops_the_split(monkeypatch: pytest.MonkeyPatch) -> None:
    records = grouped("a", "a", "b", "c", "c", "c", "", "")
    apart = {"train": array("I", [0, 1, 6]), "val": array("I", [2]), "test": array("I", [3, 4, 5, 7])}
    assert _shared_groups(records, apart, "scene") == 0
    for sides, first, count in (
        ({"train": array("I", [0, 1, 5]), "val": array("I", [2]), "test": array("I", [3, 4])}, "c", 1),
        ({"train": array("I", [0, 2]), "val": array("I", [1, 3]), "test": array("I", [4, 5])}, "a", 2),
        ({"val": array("I", [0, 2, 3, 4, 5]), "test": array("I", [1])}, "a", 1),
    ):
        with pytest.raises(DataError) as caught:
            _shared_groups(records, sides, "scene")
        assert str(caught.value) == f"{count:,} groups would be on two sides, the first {first!r}.\n  This is a fault of vldata: report it."
        assert _shared_groups(records, sides, "none") == 0


def test_two_names_of_one_hash_are_two_groups() -> None:
    class Clash(str):
        __slots__ = ()

        def __hash__(self) -> int:
            return 7

    records = [msgspec.structs.replace(record, meta={"scene": Clash(record.meta["scene"])}) for record in grouped("a", "b", "a")]
    assert _shared_groups(records, {"train": array("I", [0, 2]), "test": array("I", [1])}, "scene") == 0
    with pytest.raises(DataError, match="1 groups would be on two sides, the first 'a'"):
        _shared_groups(records, {"train": array("I", [0]), "test": array("I", [1, 2])}, "scene")
