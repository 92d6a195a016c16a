from __future__ import annotations

import json
import random
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vldata.errors import DataError, UsageError
from vldata.output.contract import read_contract
from vldata.output.folder import DatasetPaths
from vldata.output.spreading import can_spread, is_safe_order, spread_order
from vldata.records.record import Record, iter_records
from vldata.splits import sorting
from vldata.splits.certification import certify
from vldata.splits.grouping import row_split_leak
from vldata.splits.splitting import _shared_groups, split
from vldata.splits.subset_sum import choose_exact
from vldata.validation import validate


def side(folder: Path, name: str) -> list[Record]:
    return [record for _, record in iter_records(folder / f"{name}.jsonl")]


@given(st.lists(st.booleans(), max_size=400))
def test_spreading_keeps_counts_and_is_safe(flags: list[bool]) -> None:
    has_image = [int(flag) for flag in flags]
    if any(flags):
        order = list(spread_order(has_image))
        assert sorted(order) == sorted(flags) and is_safe_order([int(flag) for flag in order])


def test_too_few_pictures_to_spread() -> None:
    assert not can_spread([1] + [0] * 1000) and can_spread([1] + [0] * 999)


def test_a_split_by_pictures_is_proved_again(prepared: Path) -> None:
    result = split(prepared, "openeqa", test=0.3, group_by="image")
    pictures = {name: {path for record in side(prepared, name) for path in record.media} for name in result.names.values()}
    assert not pictures["openeqa_train"] & pictures["openeqa_test"]
    found = certify(prepared, "openeqa")
    assert found.good and [check.good for check in found.checks if check.name == "groups by image"] == [True]


def test_pictures_on_two_sides_are_told_with_the_cure(prepared: Path) -> None:
    notes = split(prepared, "openeqa", test=0.3, group_by="none").notes
    assert any(note.startswith("Warning: train and test share ") and "--group-by image" in note for note in notes)


def test_an_unknown_key_names_what_there_is(prepared: Path) -> None:
    with pytest.raises(DataError, match="no meta key 'nosuch'") as caught:
        split(prepared, "openeqa", test=0.3, group_by="nosuch")
    assert "scene, extra, image, none" in caught.value.cure


def test_sides_are_exact_disjoint_and_complete(prepared: Path) -> None:
    result = split(prepared, "openeqa", test=8, val=0.2, group_by="scene")
    assert result.sizes == {"train": 16, "val": 4, "test": 8}
    sides = {name: side(prepared, name) for name in ("openeqa_train", "openeqa_val", "openeqa_test")}
    scenes = [{record.meta["scene"] for record in records} for records in sides.values()]
    assert not scenes[0] & scenes[1] and not scenes[0] & scenes[2] and not scenes[1] & scenes[2]
    ids = [record.id for records in sides.values() for record in records]
    assert sorted(ids) == sorted(record.id for record in side(prepared, "openeqa"))
    assert validate(prepared, workers=1).findings.total == 0
    assert certify(prepared, "openeqa").good and certify(prepared, "openeqa_test").good
    contract = read_contract(DatasetPaths(prepared, "openeqa_test"))
    assert contract.split is not None and contract.split.leak is not None and contract.split.leak.share > 0.9
    assert list(json.loads((prepared / "dataset_info.json").read_text())) == ["openeqa", "openeqa_train", "openeqa_val", "openeqa_test"]


def test_the_seed_decides(prepared: Path) -> None:
    sides = []
    for seed in (0, 0, 1):
        split(prepared, "openeqa", test=8, seed=seed, overwrite=True)
        sides.append([record.id for record in side(prepared, "openeqa_test")])
    assert sides[0] == sides[1] != sides[2]


def test_an_impossible_size_names_the_nearest(prepared: Path) -> None:
    with pytest.raises(DataError, match="exactly 6 records for --test; the nearest sizes are 4 and 8"):
        split(prepared, "openeqa", test=6)
    result = split(prepared, "openeqa", test=0.2)  # 6 of 28 as a fraction moves to a possible size
    assert result.sizes["test"] in (4, 8) and "took" in result.notes[0]


def test_groups_of_a_scene_stay_together(prepared: Path) -> None:
    by_episode = split(prepared, "openeqa", test=4, group_by="episode")
    assert sum(by_episode.groups.values()) == 7
    assert sum(split(prepared, "openeqa", test=4, overwrite=True).groups.values()) == 6  # scene0100 was scanned twice
    assert sum(split(prepared, "openeqa", test=5, group_by="none", overwrite=True).groups.values()) == 28


def test_existing_names_are_refused(prepared: Path) -> None:
    split(prepared, "openeqa", test=8)
    with pytest.raises(DataError, match=r"'openeqa_train' is there already.\n  Replace the earlier split with --overwrite"):
        split(prepared, "openeqa", test=8)
    split(prepared, "openeqa", test=4, val=4, overwrite=True)
    split(prepared, "openeqa", test=4, overwrite=True)  # the side of the split before last goes with it
    assert not list(prepared.glob("openeqa_val*")) and "openeqa_val" not in (prepared / "dataset_info.json").read_text()
    info = prepared / "dataset_info.json"
    table = json.loads(info.read_text())
    info.write_text(json.dumps({"x_test": {"file_name": "x.json"}, **table}))
    assert certify(prepared, "openeqa").good


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing to split off"),
        ({"test": 28}, "leave nothing of 28 records"),
        ({"test": 29}, "more than the 28 records"),
        ({"test": 2.5}, "neither a fraction below 1 nor a whole number"),
        ({"test": float("nan")}, "is not a size"),
        ({"test": 4, "group_by": "room"}, "has no meta key 'room'"),
    ],
)
def test_bad_sizes_and_keys(options: dict[str, object], message: str, prepared: Path) -> None:
    with pytest.raises((UsageError, DataError), match=message):
        split(prepared, "openeqa", **options)  # type: ignore[arg-type]


def test_an_unknown_dataset_and_a_changed_parent(prepared: Path) -> None:
    with pytest.raises(DataError, match="no dataset 'other'"):
        split(prepared, "other", test=4)
    path = prepared / "openeqa.jsonl"
    path.write_text(path.read_text().replace("What", "Which", 1))
    with pytest.raises(DataError, match="was changed after the conversion"):
        split(prepared, "openeqa", test=4)


def test_certify_finds_a_forged_side(prepared: Path) -> None:
    split(prepared, "openeqa", test=8)
    moved = (prepared / "openeqa_train.jsonl").read_text().splitlines()[0]
    with (prepared / "openeqa_test.jsonl").open("a") as handle:
        handle.write(moved + "\n")
    result = certify(prepared, "openeqa")
    broken = {check.name for check in result.checks if not check.good}
    assert not result.good and {"ids", "pictures", "groups by scene"} <= broken


def test_certify_notices_a_changed_parent(prepared: Path) -> None:
    split(prepared, "openeqa", test=8)
    path = prepared / "openeqa.contract.json"
    contract = json.loads(path.read_text())
    contract["files"][0]["sha256"] = "0" * 64
    path.write_text(json.dumps(contract))
    assert [check.name for check in certify(prepared, "openeqa").checks if not check.good] == ["parent unchanged"]
    with pytest.raises(DataError, match="has no registered split"):
        (prepared / "dataset_info.json").write_text("{}")
        certify(prepared, "openeqa")


def test_leak_on_the_real_questions() -> None:
    file = Path(__file__).parents[4] / "shared" / "data" / "openeqa" / "data" / "open-eqa-v0.json"
    if not file.is_file():
        pytest.skip("the real Open-EQA questions (../shared) are not on this machine")
    from vldata.sources.openeqa import scene_of

    scenes: dict[str, int] = {}
    rows = [scenes.setdefault(scene_of(question["episode_history"])[0], len(scenes)) for question in json.loads(file.read_text())]
    assert len(scenes) == 137
    assert row_split_leak(rows, 258, 0, seed=0) == pytest.approx(0.995, abs=0.01)
    sizes = [rows.count(scene) for scene in range(137)]
    assert choose_exact(sizes, 258, random.Random(0)) is not None


def test_a_full_disk_of_temporary_files_is_said(monkeypatch):
    def refuse(run):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sorting, "RUN", 1)
    monkeypatch.setattr(sorting, "_encode", refuse)
    with pytest.raises(DataError, match="No space left on device"):
        list(sorting.sorted_pairs([(b"a", 0), (b"b", 1)]))


def test_a_group_on_two_sides_stops_the_split():
    records = [
        Record(id=str(row), messages=(), images=(), references=(), meta={"scene": scene}) for row, scene in enumerate("aab" + "c" * 3)
    ]
    apart = {"train": array("I", [0, 1]), "val": array("I", [2]), "test": array("I", [3, 4, 5])}
    assert _shared_groups(records, apart, "scene") == 0
    with pytest.raises(DataError, match="1 groups would be on two sides, the first 'c'"):
        _shared_groups(records, {"train": array("I", [0, 1, 5]), "val": array("I", [2]), "test": array("I", [3, 4])}, "scene")
