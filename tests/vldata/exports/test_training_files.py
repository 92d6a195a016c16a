"""Training files beside an export: what they train on, what they evaluate on, and that they are what they say."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from vldata.api.export import export as export_job
from vldata.errors import UsageError
from vldata.exports import FORMATS, export
from vldata.exports.plan import ExportPlan
from vldata.output.contract import read_contract
from vldata.output.folder import DatasetPaths
from vldata.splits.splitting import split

FILES = {"llamafactory": ".train.yaml", "alpaca": "_alpaca.train.yaml", "swift": ".swift.sh", "trl": ".trl.py"}
FILES |= {"unsloth": ".unsloth.py", "axolotl": ".axolotl.yaml"}


def run(prepared: Path, format_name: str, name: str = "openeqa_train", **options: Any) -> tuple[str, Any]:
    out = prepared / "exports" / format_name
    result = export(format_name, ExportPlan(str(prepared / name), out, **options))
    file = out / f"{name}{FILES[format_name]}"
    return file.read_text(encoding="utf-8") if file.is_file() else "", result


def keywords(text: str, callee: str) -> dict[str, Any]:
    """The literal keyword arguments of the one call of `callee` in a script."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(callee)]
    (call,) = calls
    return {word.arg: word.value.value for word in call.keywords if word.arg and isinstance(word.value, ast.Constant)}


def test_the_formats_with_a_training_file_are_here() -> None:
    assert set(FILES) == {name for name, kind in FORMATS.items() if kind.trains}


@pytest.mark.parametrize("name", FILES)
def test_a_train_side_is_evaluated_on_its_val_side_and_no_other_side_is_trained_on(name: str, prepared: Path) -> None:
    split(prepared, "openeqa", test=5, val=4, group_by="none")
    text, result = run(prepared, name)
    assert "openeqa_train" in text and "openeqa_val" in text and "openeqa_test" not in text
    rows = [line for file in result.files if "_val" in file.name for line in file.read_text(encoding="utf-8").splitlines()]
    assert (result.records, len(rows), result.note) == (19, 4, "")
    for side in ("val", "test"):
        stale = prepared / "exports" / name / f"openeqa_{side}{FILES[name]}"
        stale.touch()
        text, result = run(prepared, name, f"openeqa_{side}")
        assert text == result.snippet == "" and result.note.startswith(f"openeqa_{side} is the {side} side of a split: do not train on it.")
        assert not stale.exists()
    text, result = run(prepared, name, "openeqa")
    assert "openeqa_val" not in text and "trains on the held-out sides too" in result.note


@pytest.mark.parametrize("name", FILES)
def test_the_base_model_is_named_and_must_fit(name: str, prepared: Path, tmp_path: Path) -> None:
    text, _ = run(prepared, name, "openeqa", model='me/it\'s "mine"' if name in ("trl", "unsloth") else "me/mine")
    assert "mine" in text and "Qwen/" not in text
    (tmp_path / "config.json").write_text('{"model_type": "gemma3"}')
    with pytest.raises(UsageError, match="is a gemma3, and the images of 'openeqa' were written for Qwen3-VL"):
        run(prepared, name, "openeqa", model=str(tmp_path))
    paths = DatasetPaths(prepared, "openeqa")
    contract = read_contract(paths)
    other = msgspec.structs.replace(contract, pixels=msgspec.structs.replace(contract.pixels, processor="gemma-3"))
    paths.contract.write_bytes(msgspec.json.encode(other))
    with pytest.raises(UsageError, match=r"was converted for Gemma 3.*\n.*--model"):
        run(prepared, name, "openeqa")


def test_a_model_for_a_format_without_one_stops(prepared: Path) -> None:
    with pytest.raises(UsageError, match="the parquet format names no model"):
        export_job(str(prepared / "openeqa"), "parquet", model="me/mine")


@pytest.mark.parametrize("images", ["absolute", "copy"])
def test_scripts_compile_and_find_their_files_beside_them(images: Any, prepared: Path) -> None:
    for name in ("trl", "unsloth"):
        text, result = run(prepared, name, "openeqa", images=images)
        compile(text, name, "exec")
        assert str(prepared) not in text and f'load("openeqa.{name}.jsonl")' in text and "evaluation = None" in text
        assert result.snippet.startswith("python ") and "@" not in text
        row = json.loads(result.files[0].read_text(encoding="utf-8").splitlines()[0])
        assert all((result.files[0].parent / image).is_file() for image in row["images"])


def test_unsloth_leaves_the_vision_side_and_the_images_alone(prepared: Path) -> None:
    text, _ = run(prepared, "unsloth", "openeqa")
    lora = keywords(text, "get_peft_model")
    assert (lora["finetune_vision_layers"], lora["r"], lora["lora_alpha"]) == (False, 16, 16)
    assert keywords(text, "UnslothVisionDataCollator") == {"resize": "max", "completion_only_loss": True}
    assert text.index("from unsloth import") < text.index("from trl import")


def test_axolotl_names_its_images_and_what_is_learned(prepared: Path) -> None:
    split(prepared, "openeqa", test=5, val=4, group_by="none")
    text, result = run(prepared, "axolotl")
    told = yaml.safe_load(text)
    assert told["role_boundaries"] == [{"role": "assistant", "start": "<|im_start|>assistant\n", "end": "<|im_end|>"}]
    assert told["datasets"][0]["path"] == str(result.files[0]) and told["test_datasets"][0]["path"] == str(result.files[1])
    assert told["sample_packing"] is False and told["chat_template"] == "tokenizer_default" and told["skip_prepare_dataset"] is True
    row = json.loads(result.files[0].read_text(encoding="utf-8").splitlines()[0])
    parts = row["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["image"] * 3 + ["text"]
    assert all(Path(part["path"]).is_file() for part in parts[:3])


def test_llamafactory_keeps_the_val_side_registered(prepared: Path) -> None:
    split(prepared, "openeqa", test=5, val=4, group_by="none")
    told = yaml.safe_load(run(prepared, "llamafactory")[0])
    assert (told["dataset"], told["eval_dataset"], told["eval_strategy"]) == ("openeqa_train", "openeqa_val", "epoch")
    assert {"openeqa_train", "openeqa_val"} <= set(json.loads((prepared / "exports/llamafactory/dataset_info.json").read_text()))
