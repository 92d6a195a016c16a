"""Datasets that somebody else made: whatever they name outside their folder is neither read, copied, written nor removed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vltrain.data import load_set, missing_pictures

from tests.vldata.test_convert import tree
from vldata.datasets import info
from vldata.datasets.dataset import Dataset
from vldata.datasets.derive import read_media
from vldata.datasets.pii import redact
from vldata.datasets.select import filter_records, sample
from vldata.datasets.whole import read_whole
from vldata.errors import DataError
from vldata.exports import FORMATS, export
from vldata.exports.plan import ExportPlan
from vldata.output.contract import read_contract
from vldata.output.folder import DatasetPaths
from vldata.previews.make import make_preview
from vldata.splits.certification import certify
from vldata.splits.splitting import split
from vldata.validation import validate
from vleval.inference.ask import iter_asks
from vleval.inference.pictures import PictureCache

SECRET = b"-----BEGIN OPENSSH PRIVATE KEY-----"


def plant_journal(prepared: Path, name: str, **changes: Any) -> Path:
    """A journal as an interrupted conversion leaves one, with names of the attacker's choice."""
    state = prepared / ".vldata" / name
    (state / "staging").mkdir(parents=True)
    (state / "staging" / "final.x").write_text("planted")
    journal = {"made_by": "convert", "renames": [], "remove": [], "unregister": [], "entries": {}} | changes
    (state / "commit.json").write_text(json.dumps(journal))
    return state / "commit.json"


READING: dict[str, Callable[[Path], object]] = {
    "validate": lambda out: validate(out, workers=1),
    "preview": lambda out: make_preview(str(out / "openeqa"), out=out.parent / "page.html", workers=1),
    "info": info.list_datasets,
    "certify": lambda out: certify(out, "openeqa"),
    "export": lambda out: export("trl", ExportPlan(str(out / "openeqa"), out.parent / "exported")),
    "iterate": lambda out: list(Dataset(out / "openeqa")),
}


@pytest.mark.parametrize("command", READING)
def test_commands_that_read_leave_a_journal_alone(command: str, prepared: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (prepared / "way").symlink_to(tmp_path)
    plant_journal(
        prepared, "openeqa", renames=[{"staged": ".vldata/openeqa/staging/final.x", "final": "way/victim"}], remove=["way/victim"]
    )
    before = tree(prepared)
    with contextlib.suppress(DataError):
        READING[command](prepared)
    assert tree(prepared) == before and victim.read_text() == "mine"


@pytest.mark.parametrize(
    "changes",
    [
        {"renames": [{"staged": ".vldata/openeqa_sample/staging/final.x", "final": "way/victim"}]},
        {"renames": [{"staged": ".vldata/openeqa_sample/staging/final.x", "final": "../victim"}]},
        {"renames": [{"staged": ".vldata/openeqa_sample/staging/final.x", "final": "openeqa.jsonl"}]},
        {"renames": [{"staged": "../victim", "final": "openeqa_sample.jsonl"}]},
        {"renames": [{"staged": ".vldata/openeqa_sample/staging/final.x", "final": "openeqa_sample.jsonl", "sha256": "0" * 64}]},
        {"remove": ["way/victim"]},
        {"remove": ["../victim"]},
        {"remove": ["openeqa.jsonl"]},
        {"unregister": ["openeqa"]},
        {"entries": {"openeqa": {"file_name": "/etc/passwd"}}},
        {"made_by": "convert"},
    ],
)
def test_a_command_that_writes_finishes_its_own_journal_alone(changes: dict[str, Any], prepared: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (prepared / "way").symlink_to(tmp_path)
    journal = plant_journal(prepared, "openeqa_sample", **{"made_by": "sample", **changes})
    before = tree(prepared)
    with pytest.raises(DataError, match=r"nothing of it was done|is a link"):
        sample(DatasetPaths(prepared, "openeqa"), 3)
    assert tree(prepared) == before and victim.read_text() == "mine" and journal.exists()


@pytest.mark.parametrize("place", [".vldata", ".vldata/openeqa_sample", "dataset_info.json", "openeqa_sample"])
def test_nothing_is_written_through_a_link(place: str, prepared: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    target = prepared / place
    target.parent.mkdir(exist_ok=True)
    if target.is_file():
        target.rename(outside / "file")
        target.symlink_to(outside / "file")
    else:
        target.symlink_to(outside)
    before = tree(outside)
    with pytest.raises(DataError, match="is a link"):
        sample(DatasetPaths(prepared, "openeqa"), 3)
    assert tree(outside) == before


def name_outside(prepared: Path, name: str) -> None:
    """Have the first record show another file, with digests that agree: only the gate stands between."""
    import hashlib

    path = prepared / "openeqa.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    first = rows[0]["images"][0]
    for row in rows:
        row["images"] = [name if image == first else image for image in row["images"]]
    content = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    path.write_text(content)
    media = prepared / "openeqa.media.jsonl"
    media.write_text(media.read_text().replace(first, name))
    contract = json.loads((prepared / "openeqa.contract.json").read_text())
    contract["files"][0]["sha256"] = hashlib.sha256(content.encode()).hexdigest()
    (prepared / "openeqa.contract.json").write_text(json.dumps(contract))


TAKING: dict[str, Callable[[Path], object]] = {
    **{
        f"export {name}": lambda out, name=name: export(name, ExportPlan(str(out / "openeqa"), out.parent / "exported"))
        for name in FORMATS
        if name != "hf"
    },
    **{
        f"export {name} --images copy": lambda out, name=name: export(
            name, ExportPlan(str(out / "openeqa"), out.parent / "exported", images="copy")
        )
        for name in ("llamafactory", "swift", "trl", "llava", "qwen", "parquet")
    },
    **{
        f"export {name} --images embed": lambda out, name=name: export(
            name, ExportPlan(str(out / "openeqa"), out.parent / "exported", images="embed")
        )
        for name in ("openai", "parquet")
    },
    "info --merge": lambda out: info.merge_folder(out.parent / "taken", out),
    "predict": lambda out: [PictureCache().data_url(image) for ask in iter_asks(Dataset(out / "openeqa")) for image in ask.images],
    "train": lambda out: missing_pictures([load_set(str(out / "openeqa"))]),
    "paths": lambda out: [Dataset(out / "openeqa").image_paths(record) for record in Dataset(out / "openeqa")],
}


@pytest.mark.parametrize("way", ["climbs", "absolute", "link", "folder link", "content"])
@pytest.mark.parametrize("command", TAKING)
def test_a_file_outside_is_neither_read_nor_copied_nor_sent(command: str, way: str, prepared: Path, tmp_path: Path) -> None:
    secret = tmp_path / "id_rsa"
    secret.write_bytes(SECRET)
    (prepared / "link.png").symlink_to(secret)
    (prepared / "folder").symlink_to(tmp_path)
    (prepared / "text.png").write_bytes(SECRET)
    names = {"climbs": "../id_rsa", "absolute": str(secret), "link": "link.png", "folder link": "folder/id_rsa", "content": "text.png"}
    name_outside(prepared, names[way])
    with pytest.raises(DataError):
        TAKING[command](prepared)
    for path in (*tmp_path.glob("exported/**/*"), *tmp_path.glob("taken/**/*")):
        assert not path.is_file() or SECRET not in path.read_bytes(), path
    assert secret.read_bytes() == SECRET


@pytest.mark.parametrize("act", [sample, split, redact, filter_records, read_whole])
def test_records_that_name_outside_are_refused_by_what_derives_from_them(act: Any, prepared: Path) -> None:
    name_outside(prepared, "../id_rsa")
    paths = DatasetPaths(prepared, "openeqa")
    arguments = {
        sample: (paths, 3),
        split: (prepared, "openeqa"),
        redact: (paths,),
        filter_records: (paths, ["turns>=1"]),
        read_whole: (paths, read_contract(paths)),
    }
    with pytest.raises(DataError, match=r"names '\.\./id_rsa', which climbs"):
        act(*arguments[act], **({"test": 8} if act is split else {}))
    with pytest.raises(DataError, match=r"openeqa.media.jsonl:1: names '\.\./id_rsa'"):
        read_media(paths)


@pytest.mark.parametrize("name", ["../.bashrc", "/etc/passwd", "other.jsonl", "openeqa/../../x.jsonl", "dataset_info.json"])
def test_a_contract_names_its_own_files_alone(name: str, prepared: Path, tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text("theirs")
    mine = tmp_path / "home" / "mine"
    mine.mkdir(parents=True)
    (mine.parent / ".bashrc").write_text("mine")
    path = prepared / "openeqa.contract.json"
    contract = json.loads(path.read_text())
    contract["files"][0]["name"] = name
    path.write_text(json.dumps(contract))
    for act in (
        lambda: Dataset(prepared / "openeqa"),
        lambda: info.merge_folder(mine, prepared),
        lambda: info.rename(DatasetPaths(prepared, "openeqa"), "new"),
    ):
        with pytest.raises(DataError, match=f"names the file {name!r}, which is none of 'openeqa'"):
            act()
    assert (mine.parent / ".bashrc").read_text() == "mine" and (tmp_path / ".bashrc").read_text() == "theirs"
    assert "VL032" in validate(prepared, workers=1).counts


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.jsonl", "way.jsonl", "way/x.jsonl", 7, None, "a\\b", "pipe"])
def test_a_registry_names_files_of_its_folder_alone(name: object, prepared: Path, tmp_path: Path) -> None:
    import os

    (tmp_path / "x.jsonl").write_text("{}\n")
    (prepared / "way.jsonl").symlink_to(tmp_path / "x.jsonl")
    (prepared / "way").symlink_to(tmp_path)
    os.mkfifo(prepared / "pipe")
    path = prepared / "dataset_info.json"
    table = json.loads(path.read_text())
    table["openeqa"]["file_name"] = name
    path.write_text(json.dumps(table))
    assert "VL031" in validate(prepared, workers=1).counts
    with pytest.raises(DataError):
        load_set(str(prepared / "openeqa"))


@pytest.mark.parametrize("name", ["../x", "a/b", "", "a\\b", "..", "a\nb"])
def test_a_registry_key_is_no_way_out(name: str, prepared: Path) -> None:
    path = prepared / "dataset_info.json"
    table = json.loads(path.read_text())
    table[name] = table["openeqa"]
    path.write_text(json.dumps(table))
    assert name in validate(prepared, workers=1).skipped
    assert next(entry for entry in info.list_datasets(prepared) if entry.name == name).contract is None
    info.prune(prepared)
