"""Models trained by their own processor: transformers' own loss, labels shown, adapters of every beginning merged to what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from vltrain.data import load_set
from vltrain.generic import open_talk
from vltrain.merging import merge
from vltrain.planning import prepare
from vltrain.recipe import Recipe
from vltrain.training import run_sft, show_labels

from fixtures.colours import convert_colours
from tests.vltrain.conftest import load
from vldata.errors import UsageError
from vldata.files import strictjson
from vldata.models.by_processor import ByProcessor
from vldata.models.families import FAMILIES
from vldata.models.tiny_families import build_tiny_family


@pytest.fixture(scope="module")
def internvl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_family(FAMILIES["internvl"], tmp_path_factory.mktemp("model") / "internvl")


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> str:
    return convert_colours(tmp_path_factory.mktemp("squares") / "prepared", count=8, processor="internvl")


def recipe_for(model: Path, data: str, output: Path, **changes: Any) -> Recipe:
    base = Recipe(
        model=str(model), data=(data,), eval_data=(data,), output=str(output), batch_size=4, learning_rate=1e-2, max_steps=4,
        precision="fp32", checkpointing=False, workers=0, tensorboard=False, plot=False, seed=0,
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


def loss_of(folder: Path, data: str, model: Any = None) -> float:
    """The loss as transformers itself computes it, over all records at once."""
    batch = ByProcessor(folder).lessons([open_talk(example) for example in load_set(data).examples])
    with torch.no_grad():
        return float((load(folder) if model is None else model).eval()(**batch).loss)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dora": True, "rslora": True},
        {"init": "pissa"},
        {"init": "olora", "targets": ("attn",)},
        {"train_vision": True, "train_projector": True},
    ],
    ids=str,
)
def test_what_was_trained_is_what_is_merged(internvl: Path, squares: str, tmp_path: Path, changes: dict[str, Any]) -> None:
    result = run_sft(recipe_for(internvl, squares, tmp_path / "out", **changes))
    merge(internvl, tmp_path / "out", tmp_path / "merged")
    before, after = loss_of(internvl, squares), loss_of(tmp_path / "merged", squares)
    assert result.eval_loss is not None and abs(result.eval_loss - after) < 1e-4 < before - after
    assert (tmp_path / "merged" / "config.json").read_bytes() == (internvl / "config.json").read_bytes()


def test_a_checkpoint_of_an_adapter_that_took_from_its_base_merges_too(internvl: Path, squares: str, tmp_path: Path) -> None:
    result = run_sft(recipe_for(internvl, squares, tmp_path / "out", init="pissa", save_steps=4))
    merge(internvl, tmp_path / "out" / "checkpoint-4", tmp_path / "merged")
    assert result.eval_loss == pytest.approx(loss_of(tmp_path / "merged", squares), abs=1e-4)


def test_parts_are_trained_themselves(internvl: Path, squares: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    result = run_sft(
        recipe_for(internvl, squares, tmp_path / "out", method="full", train_language=False, train_projector=True, learning_rate=1e-3)
    )
    old, new = (load_file(folder / "model.safetensors") for folder in (internvl, tmp_path / "out"))
    changed = {name for name, tensor in old.items() if not torch.equal(tensor, new[name])}
    assert changed and all("multi_modal_projector" in name or "mlp1" in name for name in changed), changed
    assert result.eval_loss == pytest.approx(loss_of(tmp_path / "out", squares), abs=1e-4)


def test_labels_are_shown(internvl: Path, squares: str, tmp_path: Path) -> None:
    (shown,) = show_labels(recipe_for(internvl, squares, tmp_path / "out"))
    assert "18 of images" not in shown and "«red<|im_end|>»" in shown and "What colour is the square?" in shown


def test_an_unknown_model_type_says_what_it_lacks(internvl: Path, squares: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for path in internvl.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = strictjson.read_json(folder / "config.json") | {"model_type": "brand_new", "auto_map": {"AutoModel": "modeling.New"}}
    (folder / "config.json").write_bytes(msgspec.json.encode(config))
    recipe = recipe_for(folder, squares, tmp_path / "out")
    assert any("asks for code of its own (auto_map), which is not run" in problem for problem in prepare(recipe).plan.problems)
    trusted = prepare(msgspec.structs.replace(recipe, trust_remote_code=True)).plan
    assert any("model type 'brand_new' is unknown here" in warning and "Not checked" in warning for warning in trusted.warnings)


def test_data_for_another_family_is_named(internvl: Path, tmp_path: Path) -> None:
    data = convert_colours(tmp_path / "prepared", count=8, processor="qwen3-vl")
    (warning,) = [
        line for line in prepare(recipe_for(internvl, data, tmp_path / "out", eval_data=())).plan.warnings if "written for" in line
    ]
    assert "written for qwen3-vl, but the model's processor is internvl" in warning


def test_a_linear_that_is_not_there_is_named(internvl: Path, squares: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"targets: internvl has no linear in_proj_qkv"):
        run_sft(recipe_for(internvl, squares, tmp_path / "out", targets=("in_proj_qkv",)))
