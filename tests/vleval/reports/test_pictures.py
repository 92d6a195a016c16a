"""Whose pictures a report shows: those of the dataset that was asked, while it is the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.vleval.inference.server import FakeServer, serve
from vldata.datasets.dataset import Dataset
from vleval.inference.options import RunOptions
from vleval.inference.origin import find_dataset
from vleval.inference.run import predict


@pytest.fixture
def asked(prepared: Path, tmp_path: Path) -> Path:
    """A folder with a dataset and two predictions files of it."""
    Path(shutil.copytree(prepared, tmp_path / "here" / "prepared"))
    with serve(FakeServer()) as server:
        for name in ("a", "b"):
            given = RunOptions(backend="openai", model="tiny", base_url=server.url, preflight=False)
            predict(Dataset(tmp_path / "here/prepared/openeqa"), tmp_path / "here" / f"{name}.jsonl", given)
    return tmp_path / "here"


def report(vleval: Any, folder: Path, *more: object) -> tuple[str, str]:
    ran = vleval("report", folder / "a.jsonl", folder / "b.jsonl", "--out", folder / "report.html", *more)
    assert ran.code == 0, ran.err
    return ran.err, (folder / "report.html").read_text()


def test_a_report_shows_the_pictures_of_the_dataset_that_was_asked(asked: Path, vleval: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told, page = report(vleval, asked)
    assert "not shown" not in told and page.count("data:image/webp") >= 2
    moved = asked.rename(asked.with_name("there"))  # the files and the dataset together
    assert report(vleval, moved)[1].count("data:image/webp") == page.count("data:image/webp")
    monkeypatch.chdir(moved)
    assert report(vleval, Path())[1].count("data:image/webp") == page.count("data:image/webp")


@pytest.mark.parametrize("how", ["gone", "another", "no document", "a broken document", "one of two"])
def test_without_it_the_way_to_name_it_is_said(how: str, asked: Path, vleval: Any) -> None:
    contract, document = asked / "prepared" / "openeqa.contract.json", asked / "a.jsonl.run.json"
    kept = asked.parent / "kept"
    shutil.copytree(asked / "prepared", kept)
    if how == "gone":
        shutil.rmtree(asked / "prepared")
    elif how == "another":
        value = json.loads(contract.read_text())
        contract.write_text(json.dumps({**value, "files": [{**value["files"][0], "sha256": "0" * 64}]}))
    elif how == "one of two":
        document.unlink()
    else:
        for name in ("a", "b"):
            path = asked / f"{name}.jsonl.run.json"
            path.unlink() if how == "no document" else path.write_text('{"dataset_at": 3' if name == "a" else "[]")
    assert find_dataset(asked / "a.jsonl") is None
    told, page = report(vleval, asked)
    assert "pictures are not shown: --data DIR/NAME names the dataset" in told and "data:image/webp" not in page
    told, page = report(vleval, asked, "--data", kept / "openeqa")
    assert "not shown" not in told and "data:image/webp" in page
