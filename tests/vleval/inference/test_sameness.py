from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fixtures.openeqa import draw_openeqa
from tests.vleval.inference.server import FakeServer, serve
from vldata.api.convert import convert
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError
from vleval.inference.options import RunOptions
from vleval.inference.run import predict
from vleval.inference.sameness import find_differences


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """What is read of a model folder: no weights."""
    folder = tmp_path / "model"
    folder.mkdir()
    write(folder / "config.json", {"model_type": "qwen3_vl", "vision_config": {"patch_size": 16, "spatial_merge_size": 2}})
    size = {"shortest_edge": 65_536, "longest_edge": 16_777_216}
    write(folder / "preprocessor_config.json", {"patch_size": 16, "merge_size": 2, "size": size})
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return folder


@pytest.fixture
def adapter(model: Path, prepared: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    write(folder / "adapter_config.json", {})
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    digest = hashlib.sha256((model / "config.json").read_bytes()).hexdigest()
    write(
        folder / "run_manifest.json", {"model": {"path": "base", "config": digest}, "data": [{"target": "gone/away", "files": {"a": "0"}}]}
    )
    return folder


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))


def edit(path: Path, **changes: Any) -> None:
    write(path, {**json.loads(path.read_text()), **changes})


def names(prepared: Path, model: Path, adapter: Path | str = "") -> list[str]:
    checks = find_differences(Dataset(prepared / "openeqa"), model=str(model), adapter=str(adapter))
    return [f"{check.name}: {check.detail}" for check in checks if check.good is False]


def test_what_agrees_is_not_named(prepared: Path, model: Path, adapter: Path) -> None:
    assert names(prepared, model, adapter) == []
    assert names(prepared, Path("a-name-on-a-server")) == []


def test_a_processor_that_resizes_is_named_with_an_example(prepared: Path, model: Path) -> None:
    edit(model / "preprocessor_config.json", size={"shortest_edge": 65_536, "longest_edge": 70_000})
    (found,) = names(prepared, model)
    assert "the model's limits, 65,536 to 70,000 px, resize" in found and "384x224 becomes 320x192" in found
    edit(model / "preprocessor_config.json", size=None, min_pixels=131_072)
    assert "384x224 becomes" in names(prepared, model)[0]


def test_another_grid_or_a_tower_that_does_not_fit_is_named(prepared: Path, model: Path) -> None:
    edit(model / "config.json", vision_config={"patch_size": 14, "spatial_merge_size": 2})
    assert names(prepared, model) == [
        "processor and vision tower agree: the image processor makes patches of 16 pixels merged by 2, but the vision tower takes 14 and 2"
    ]
    edit(model / "preprocessor_config.json", patch_size=14)
    (found,) = names(prepared, model)
    assert "patches of 14 pixels merged by 2, and the contract's qwen3-vl has 16 and 2" in found


def test_the_adapters_run_is_held_to_model_template_and_data(prepared: Path, model: Path, adapter: Path) -> None:
    (adapter / "chat_template.jinja").write_text("{{ other }}")
    own = hashlib.sha256((prepared / "openeqa.jsonl").read_bytes()).hexdigest()
    manifest = {"model": {"path": "other", "config": "0"}, "data": [{"target": "prepared/openeqa", "files": {"openeqa.jsonl": own}}]}
    write(adapter / "run_manifest.json", manifest)
    template, base, seen = names(prepared, model, adapter)
    assert (
        "another chat template than the model's" in template
        and "the adapter was trained on 'other', which has other" in base
        and "openeqa is in its training data" in seen
    )


def test_the_training_sets_contract_is_compared(prepared: Path, model: Path, adapter: Path, tmp_path: Path) -> None:
    draw_openeqa(tmp_path / "source", size=(384, 216))
    out = tmp_path / "trained"
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("{images}{question} Answer briefly.")
    convert("openeqa", tmp_path / "source", frames=1, out=out, workers=1, limit=3, max_pixels=131_072, prompt=prompt)
    edit(adapter / "run_manifest.json", data=[{"target": f"{out}/openeqa", "files": {"openeqa.jsonl": "0"}}])
    pixels, wording = names(prepared, model, adapter)
    assert "the max_pixels is 589824 here, and was 131072 in training" in pixels and "Answer briefly." in wording


def test_a_question_worded_otherwise_than_the_contract_is_named(prepared: Path, model: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(prepared, tmp_path / "prepared"))
    contract = json.loads((copy / "openeqa.contract.json").read_text())
    edit(copy / "openeqa.contract.json", settings={**contract["settings"], "prompt": "{images}{question}\nAnswer with one word."})
    (found,) = names(copy, model)
    assert "6 of 6 questions are not worded as the contract says" in found


def test_predict_warns_notes_and_stops_when_strict(prepared: Path, model: Path, tmp_path: Path) -> None:
    edit(model / "preprocessor_config.json", size={"shortest_edge": 65_536, "longest_edge": 70_000})
    notes: list[str] = []
    with serve(FakeServer(model=str(model))) as server:
        options = {"backend": "openai", "model": str(model), "base_url": server.url, "preflight": False}
        predict(Dataset(prepared / "openeqa"), tmp_path / "p.jsonl", RunOptions(**options), note=notes.append)
        assert any(note.startswith("Warning: the model's limits, 65,536 to 70,000 px, resize ") for note in notes)
        assert len(json.loads((tmp_path / "p.jsonl.run.json").read_text())["differences"]) == 1
        with pytest.raises(DataError, match="Drop --strict"):
            predict(Dataset(prepared / "openeqa"), tmp_path / "q.jsonl", RunOptions(**options, strict=True))


@pytest.mark.parametrize(("question", "backend", "named"), [
    ("a\u0301", "llama-server", True), ("a\u0301", "vllm", False), ("\u00e1 \u56fe \U0001f600", "llama-server", False),
])  # fmt: skip
def test_characters_in_parts_are_named_where_the_server_splits_them(question: str, backend: str, named: bool, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps({"image": "a.png", "question": question, "answer": "e\u0301"}) + "\n")
    Image.new("RGB", (320, 256)).save(tmp_path / "a.png")
    convert("jsonl", tmp_path / "rows.jsonl", image_root=tmp_path, name="rows", out=tmp_path / "out", workers=1)
    found = find_differences(Dataset(tmp_path / "out" / "rows"), model="tiny", backend=backend)
    assert ["1 of 1 questions hold characters in parts" in check.detail for check in found if check.good is False] == [True] * named
