from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from vldata.api.select import mix as mixing
from vldata.datasets.budget import solve_budget
from vldata.datasets.dataset import Dataset
from vldata.datasets.info import list_datasets, merge_folder, prune, rename
from vldata.datasets.select import filter_records, mix, sample
from vldata.datasets.stats import compute_stats
from vldata.errors import DataError, UsageError
from vldata.exports import export
from vldata.exports.plan import ExportPlan
from vldata.output.contract import read_contract
from vldata.output.folder import DatasetPaths
from vldata.records.record import Record
from vldata.splits.splitting import split
from vldata.validation import validate


def records(folder: Path, name: str) -> list[Record]:
    return list(Dataset(folder / name))


def paths(folder: Path, name: str = "openeqa") -> DatasetPaths:
    return DatasetPaths(folder, name)


def test_a_sample_is_part_of_its_parent_and_seeded(prepared: Path) -> None:
    sample(paths(prepared), 5)
    sample(paths(prepared), 5, name="again")
    sample(paths(prepared), 5, name="other", seed=1)
    ids = {name: [r.id for r in records(prepared, name)] for name in ("openeqa_sample", "again", "other")}
    assert ids["openeqa_sample"] == ids["again"] != ids["other"]
    whole = [r.id for r in records(prepared, "openeqa")]
    assert ids["other"] == [i for i in whole if i in set(ids["other"])] and len(ids["other"]) == 5
    assert validate(prepared, workers=1).findings.total == 0
    with pytest.raises(UsageError, match="29 records cannot be sampled from 28"):
        sample(paths(prepared), 29)
    with pytest.raises(DataError, match=r"'again' is there already.\n  Replace it with --overwrite"):
        sample(paths(prepared), 4, name="again")
    sample(paths(prepared), 4, name="again", overwrite=True)
    with pytest.raises(DataError, match=r"'openeqa' is there already.\n  Choose another name"):
        sample(paths(prepared), 4, name="openeqa", overwrite=True)


@pytest.mark.parametrize(
    ("conditions", "count"),
    [
        (["scene=scene0100"], 8),
        (["scene!=scene0100"], 20),
        (["scene~^scene"], 12),
        (["scene~^scene", "category=object recognition"], 3),
        (["images=3"], 28),
        (["turns>=2"], 28),
        (["tokens<=300"], 28),
    ],
)
def test_conditions(conditions: list[str], count: int, prepared: Path) -> None:
    assert filter_records(paths(prepared), conditions, name="part") == count
    assert len(records(prepared, "part")) == count
    assert validate(prepared, workers=1, files=False).findings.total == 0


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("scene", "is not a condition"),
        ("scnee=x", "no meta key 'scnee'. Did you mean 'scene'?"),
        ("scene<3", "meta values are text"),
        ("scene~(", "is not a regular expression"),
        ("tokens=many", "tokens is compared with a number"),
        ("tokens~3", "tokens is compared with a number"),
        ("images>3", "no record of 28 meets images>3"),
    ],
)
def test_bad_conditions(condition: str, message: str, prepared: Path) -> None:
    with pytest.raises((UsageError, DataError)) as error:
        filter_records(paths(prepared), [condition])
    assert message in str(error.value)


def test_a_mixture_takes_each_by_its_weight(prepared: Path) -> None:
    split(prepared, "openeqa", test=8)
    taken = mix(paths(prepared, "both"), {"openeqa_train": 0.5, "openeqa_test": 2})
    assert taken == {"openeqa_train": 10, "openeqa_test": 16}
    ids = [r.id for r in records(prepared, "both")]
    assert len(ids) == len(set(ids)) == 26
    test = {r.id for r in records(prepared, "openeqa_test")}
    assert Counter(i.split("#")[0] in test for i in ids) == {True: 16, False: 10}
    assert validate(prepared, workers=1).findings.total == 0
    assert mix(paths(prepared, "shares"), {"openeqa_train": 3, "openeqa_test": 1}, total=12) == {"openeqa_train": 9, "openeqa_test": 3}
    with pytest.raises(UsageError, match="weights must be above 0"):
        mix(paths(prepared, "none"), {"openeqa": 0})


def test_a_dataset_named_twice_in_a_mixture_is_refused(prepared: Path) -> None:
    with pytest.raises(UsageError, match="'openeqa' is named twice"):
        mixing([f"{prepared}/openeqa=0.5", f"{prepared}/openeqa=2"])


def test_stats_and_budget_agree_with_the_contract(prepared: Path) -> None:
    stats = compute_stats(str(prepared / "openeqa"), by="scene")
    contract = read_contract(paths(prepared))
    assert (stats.records, stats.pictures) == (28, 18) and stats.vision_tokens == contract.tokens.vision
    assert stats.categories["scene0100"].records == 8
    assert not stats.text_counted
    cost = stats.vision_tokens.max // 3
    budget = solve_budget(str(prepared / "openeqa"), cutoff=cost * 2 + stats.text_tokens.max)
    assert budget.over == 28 and budget.max_pictures == 2
    assert solve_budget(str(prepared / "openeqa"), cutoff=4096).over == 0
    assert solve_budget(str(prepared / "openeqa"), cutoff=10).max_pixels is None


def test_text_is_counted_by_a_tokenizer(prepared: Path, tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="counting text exactly needs the tokenizers package")
    letters = {chr(code): code for code in range(32, 127)} | {"\n": 10}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=letters, merges=[]))
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    stats = compute_stats(str(prepared / "openeqa"), tokenizer=str(tmp_path))
    first = next(iter(Dataset(prepared / "openeqa")))
    letters_of = [len(m.role) + 2 + len(m.content.replace("<image>", "")) + 2 for m in first.messages]
    assert stats.text_counted and stats.categories[first.meta["category"]].tokens.max >= sum(letters_of)
    with pytest.raises(UsageError, match=r"no tokenizer.json here"):
        compute_stats(str(prepared / "openeqa"), tokenizer=str(tmp_path / "nowhere"))


def test_rename_merge_and_prune(prepared: Path, tmp_path: Path) -> None:
    rename(paths(prepared), "rooms")
    assert [entry.name for entry in list_datasets(prepared)] == ["rooms"] and (prepared / "rooms.rejects.jsonl").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "dataset_info.json").write_text(json.dumps({"mine": {"file_name": "mine.json"}}))
    assert merge_folder(other, prepared) == ["rooms"]
    assert validate(other, workers=1).findings.total == 0
    assert list(json.loads((other / "dataset_info.json").read_text())) == ["mine", "rooms"]
    with pytest.raises(DataError, match="both folders have rooms"):
        merge_folder(other, prepared)
    stray = other / "images" / "00" / ("0" * 64 + ".png")
    kept = other / "images" / "11" / ("1" * 64 + ".png")
    own = other / "images" / "holiday.jpg"
    for path in (stray, kept, own):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    (other / "mine.json").write_text(json.dumps([{"images": [kept.relative_to(other).as_posix()]}]))
    assert prune(other, dry_run=True)[0] == 1 and stray.exists()
    assert prune(other) == (1, 1)
    assert not stray.exists() and kept.exists() and own.exists()
    assert validate(other, workers=1).findings.total == 0


def test_a_changed_parent_of_a_split_is_said(prepared: Path) -> None:
    split(prepared, "openeqa", test=8)
    with pytest.raises(DataError, match="was split into openeqa_train, openeqa_test"):
        rename(paths(prepared), "rooms")
    contract = json.loads((prepared / "openeqa.contract.json").read_text())
    contract["files"][0]["sha256"] = "0" * 64
    (prepared / "openeqa.contract.json").write_text(json.dumps(contract))
    assert any("CHANGED after the split" in entry.note for entry in list_datasets(prepared))


@pytest.mark.parametrize("weight", [1e300, float("inf"), 1e9, 0.0, -1.0, float("nan"), 5e-324])
def test_weights_that_cannot_be_are_refused(weight: float, prepared: Path) -> None:
    with pytest.raises((UsageError, DataError), match=r"weights must be|makes more than|no records"):
        mix(paths(prepared, "both"), {"openeqa": weight})
    with pytest.raises(UsageError, match="--total"):
        mix(paths(prepared, "both"), {"openeqa": 1.0}, total=10**18)
    assert not (prepared / "both.jsonl").exists()


def test_a_table_by_an_unknown_key_is_refused(prepared: Path) -> None:
    with pytest.raises(UsageError, match=r"no meta key 'scnee'. Did you mean 'scene'\?\n  There are: source, task"):
        compute_stats(str(prepared / "openeqa"), by="scnee")


def test_a_dataset_without_records_is_said_to_be_empty(prepared: Path) -> None:
    (prepared / "openeqa.jsonl").write_bytes(b"")
    target = str(prepared / "openeqa")
    for use in (compute_stats, lambda name: solve_budget(name, cutoff=9), lambda name: export("swift", ExportPlan(name, prepared / "x"))):
        with pytest.raises(DataError, match=r"openeqa: has no records\.\n  Its file was emptied"):
            use(target)
    assert not (prepared / "x").exists()


def test_info_of_a_folder_that_holds_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        list_datasets(tmp_path / "nosuch")
    with pytest.raises(DataError, match=r"no dataset_info\.json here"):
        list_datasets(tmp_path)
