"""What is done with datasets keeps the optional parts of their records: split, filter, mix, statistics, leaks, redaction, the gallery."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from vldata.conversion import convert
from vldata.datasets.dataset import Dataset
from vldata.datasets.pii import redact, scan_dataset
from vldata.datasets.select import filter_records, mix
from vldata.datasets.stats import compute_stats
from vldata.errors import UsageError
from vldata.output.dataset_info import read_dataset_info
from vldata.output.folder import DatasetPaths
from vldata.output.options import ConvertOptions
from vldata.previews.items import make_item
from vldata.sources.sharegpt import open_source
from vldata.splits.leaks import find_leaks
from vldata.splits.splitting import split
from vldata.validation import validate


def turns(question: str, answer: str, **more: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer, **more}]


ROWS: dict[str, list[dict[str, Any]]] = {
    "pairs": [
        {"messages": turns(f"What is {n} and two?", f"It is {n + 2}."), "rejected_response": f"Ask {n}@example.com."} for n in range(6)
    ],
    "kto": [{"messages": turns(f"Is {n} even?", "Yes."), "label": n % 2 == 0} for n in range(6)],
    "grpo": [{"problem": f"What is {n} times two?", "solution": f"<answer> {2 * n} </answer>"} for n in range(6)],
    "thoughts": [{"messages": turns(f"What is half of {n}?", f"{n / 2}", reasoning_content=f"{n} by two.")} for n in range(6)],
    "losses": [{"messages": turns("Hi.", "Hello.", loss=False) + turns(f"And {n}?", f"{n} too.")} for n in range(6)],
    "plain": [{"messages": turns(f"Who is {n}?", f"Number {n}.")} for n in range(6)],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset of each kind."""
    base = tmp_path_factory.mktemp("parts")
    for name, rows in ROWS.items():
        (base / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (source,) = open_source(base / f"{name}.jsonl")
        convert(source, ConvertOptions(out=base / "out", workers=1))
    return base / "out"


def test_every_kind_validates_and_says_what_it_is(folder: Path) -> None:
    assert validate(folder, workers=1).findings.total == 0
    entries = read_dataset_info(folder)
    kept = {name: list(Dataset(folder / name).contract.parts) for name in ROWS}
    assert kept == {
        "pairs": ["rejected"],
        "kto": ["wanted"],
        "grpo": ["solution"],
        "thoughts": ["reasoning"],
        "losses": ["loss"],
        "plain": [],
    }
    assert entries["plain"]["formatting"] == entries["kto"]["formatting"] == "sharegpt" and entries["kto"]["columns"]["kto_tag"] == "wanted"
    assert entries["pairs"]["formatting"] == "vldata with rejected: run vldata export DIR/NAME first"
    again = open_source(folder / "dataset_info.json", dataset="pairs")[0]
    assert again.traits.parts == ("rejected",)


def test_statistics_count_them(folder: Path) -> None:
    counts = {name: compute_stats(folder / name).parts for name in ROWS}
    assert counts["kto"] == {"wanted answers": 3, "unwanted answers": 3} and counts["plain"] == {}
    assert counts["pairs"] == {"preference pairs": 6} and counts["losses"] == {"answers that are not learned": 6}


def test_a_split_a_filter_and_a_mixture_keep_them(folder: Path) -> None:
    split(folder, "pairs", test=2, val=0, group_by="none")
    assert all(record.rejected is not UNSET for side in ("train", "test") for record in Dataset(folder / f"pairs_{side}"))
    assert filter_records(DatasetPaths(folder, "kto"), ["wanted=true"], name="good") == 3
    assert [record.wanted for record in Dataset(folder / "good")] == [True] * 3
    mix(DatasetPaths(folder, "both"), {"losses": 1, "thoughts": 1, "plain": 1})
    records = list(Dataset(folder / "both"))
    assert {(m.reasoning is UNSET, m.loss is UNSET) for record in records for m in record.messages} == {(False, False)}
    assert sum(message.learned for record in records for message in record.messages) == 18
    with pytest.raises(UsageError, match="they hold data for DPO and SFT"):
        mix(DatasetPaths(folder, "wrong"), {"pairs": 1, "plain": 1})
    assert validate(folder, workers=1).findings.total == 0


def test_a_pair_turned_round_is_a_leak(folder: Path, tmp_path: Path) -> None:
    row = ROWS["pairs"][0]
    turned = {
        "messages": turns(row["messages"][0]["content"], row["rejected_response"]),
        "rejected_response": row["messages"][1]["content"],
    }
    (tmp_path / "turned.jsonl").write_text(json.dumps(turned) + "\n")
    convert(open_source(tmp_path / "turned.jsonl")[0], ConvertOptions(out=tmp_path / "out", workers=1))
    (found,) = find_leaks([folder / "pairs", tmp_path / "out" / "turned"], workers=1)
    assert found.counts["example"] == 2


def test_what_is_personal_in_a_rejected_answer_is_found_and_redacted(folder: Path) -> None:
    assert scan_dataset(folder / "pairs")[1].counts["VL043"] == 6
    redact(DatasetPaths(folder, "pairs"), "clean")
    assert all(record.rejected is not UNSET and "@" not in record.rejected.content for record in Dataset(folder / "clean"))


def test_the_gallery_shows_them_apart(folder: Path) -> None:
    def shown(name: str) -> list[str]:
        item = make_item(next(iter(Dataset(folder / name))), at="", numbers={}, side="", vision=0, text=0, findings=())
        return [turn.role for turn in item.turns]

    assert shown("pairs") == ["user", "chosen", "rejected"] and shown("grpo") == ["user", "solution"]
    assert shown("thoughts") == ["user", "thought", "assistant"] and shown("losses")[1] == "unlearned" and shown("kto")[1] == "wanted"
