"""Cards: README.md whose YAML a hub reads, and Croissant metadata that its own tool validates where that is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import vldata
from vldata.errors import DataError, UsageError


def front(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return loaded


@pytest.fixture(scope="module")
def sides(prepared_once: Path) -> Path:
    vldata.split(prepared_once / "openeqa", test=8, val=4, group_by="scene", overwrite=True)
    return prepared_once


@pytest.fixture(scope="module")
def prepared_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from fixtures.openeqa import draw_openeqa

    root = tmp_path_factory.mktemp("card")
    draw_openeqa(root / "source", size=(384, 216))
    vldata.convert("openeqa", root / "source", frames=1, out=root / "p", workers=1)
    return root / "p"


def test_the_card_of_a_split_names_its_sides_for_the_viewer(sides: Path) -> None:
    made = vldata.card(str(sides / "openeqa"), license="cc-by-4.0")
    told = front(made.text)
    assert told["license"] == "cc-by-4.0" and told["size_categories"] == ["n<1K"]
    files = {entry["split"]: entry["path"] for entry in told["configs"][0]["data_files"]}
    assert files == {"train": ["openeqa_train.jsonl"], "validation": ["openeqa_val.jsonl"], "test": ["openeqa_test.jsonl"]}
    for words in ("| train | 16 |", "vldata convert openeqa", "by whole groups of `scene`", "open-eqa-v0.json", "cc-by-4.0, as the person"):
        assert words in made.text
    assert made.ok and not list(made.asides())


def test_without_a_licence_the_card_says_so(prepared: Path) -> None:
    made = vldata.card(prepared / "openeqa")
    assert front(made.text)["license"] == "unknown"
    assert "Nobody has said under which licence" in made.text
    assert list(made.asides()) == ["The card names no licence: --license NAME."]


def test_files_are_written_and_only_a_card_of_ours_is_replaced(prepared: Path, tmp_path: Path) -> None:
    made = vldata.card(prepared / "openeqa", license="mit", url="https://example.org/x", out=tmp_path / "card")
    assert [path.name for path in made.files] == ["README.md", "croissant.json"]
    vldata.card(prepared / "openeqa", license="mit", out=tmp_path / "card")
    (tmp_path / "card" / "README.md").write_text("mine")
    with pytest.raises(DataError, match="is no card of vldata"):
        vldata.card(prepared / "openeqa", license="mit", out=tmp_path / "card")
    for wrong in ({"license": "a b"}, {"url": "ftp://x"}):
        with pytest.raises(UsageError):
            vldata.card(prepared / "openeqa", **wrong)


def test_files_that_were_changed_have_no_card(prepared: Path) -> None:
    path = prepared / "openeqa.jsonl"
    text = path.read_bytes()
    path.write_bytes(text + b"\n")
    with pytest.raises(DataError, match="was changed after it was written"):
        vldata.card(prepared / "openeqa")
    path.write_bytes(text)


def test_croissant_names_files_and_digests(sides: Path, tmp_path: Path) -> None:
    made = vldata.card(sides / "openeqa", license="mit", out=tmp_path)
    table = json.loads((tmp_path / "croissant.json").read_text())
    assert table["conformsTo"] == "http://mlcommons.org/croissant/1.0" and table["license"] == "mit"
    assert {file["name"] for file in table["distribution"]} == {"openeqa_train.jsonl", "openeqa_val.jsonl", "openeqa_test.jsonl"}
    assert all(len(file["sha256"]) == 64 for file in table["distribution"])
    assert [one["name"] for one in table["recordSet"]] == ["train", "validation", "test"]
    assert made.document()["croissant"] == table
    croissant = pytest.importorskip("mlcroissant", reason="needs mlcroissant, which validates the metadata")
    (sides / "croissant.json").write_text(json.dumps(table))
    dataset = croissant.Dataset(jsonld=str(sides / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    assert next(iter(dataset.records("test")))["test/id"].startswith(b"openeqa/")


def test_an_upload_gets_its_card(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")
    from vldata.exports import tables
    from vldata.exports.plan import ExportPlan

    pushed: list[Any] = []

    class Shown:
        data, text = type("Data", (), {})(), ""

        def push_to_hub(self, repo: str) -> None:
            pushed.append((repo, self.data.license, self.text))

    monkeypatch.setattr(hub.DatasetCard, "load", lambda repo: Shown())
    tables._push_card(ExportPlan(prepared / "openeqa", tmp_path, push="me/x", license="mit"))
    ((repo, license_name, text),) = pushed
    assert (repo, license_name) == ("me/x", "mit") and "How it was made" in text

    def refuse(repo: str) -> None:
        raise RuntimeError("403")

    monkeypatch.setattr(hub.DatasetCard, "load", refuse)
    with pytest.raises(DataError, match="the card cannot be uploaded: 403"):
        tables._push_card(ExportPlan(prepared / "openeqa", tmp_path, push="me/x"))
