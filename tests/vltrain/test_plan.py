"""Planning: sizes that are known, data that would fail, and no torch."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from vltrain.data import cut
from vltrain.planning import count_steps, prepare
from vltrain.recipe import ATTENTION, Recipe

from vldata.models.families import FAMILIES
from vldata.models.shapes import PUBLISHED, published_shape, read_shape
from vldata.models.tiny_families import build_tiny_family

ALL = Recipe(model="m").target_names


@pytest.mark.parametrize(
    ("size", "rank", "targets", "wanted"),
    [("2b", 8, ALL, 8_716_288), ("4b", 8, ALL, 16_515_072), ("8b", 16, ALL, 43_646_976), ("2b", 8, ("q_proj", "v_proj"), 1_605_632)],
)
def test_trainable_parameters_of_published_models(size: str, rank: int, targets: tuple[str, ...], wanted: int) -> None:
    assert PUBLISHED[size].lora_parameters(rank, targets) == wanted


def test_all_parameters_of_published_models() -> None:
    assert PUBLISHED["2b"].parameters == 2_127_532_032
    assert PUBLISHED["8b"].parameters == 8_767_123_696


@pytest.mark.parametrize(
    ("path", "found"),
    [("model/Qwen3-VL-2B-Instruct", "2b"), ("/data/qwen3-vl-4b-instruct/", "4b"), ("x/Qwen2-VL-2B", None), ("a/llava-8b", None)],
)
def test_models_are_known_by_the_last_part_of_their_path(path: str, found: str | None) -> None:
    assert published_shape(path) == (PUBLISHED[found] if found else None)


@pytest.mark.parametrize(
    ("changes", "vision", "projector"),
    [
        ({}, False, False),
        ({"targets": ATTENTION}, False, False),
        ({"train_vision": True}, True, False),
        ({"train_projector": True}, False, True),
    ],
)
@pytest.mark.parametrize("family", ["", "qwen2.5-vl", "qwen2-vl"])
def test_parameters_are_those_peft_makes(
    family: str, tiny: Path, tmp_path: Path, changes: dict[str, Any], vision: bool, projector: bool
) -> None:
    from vltrain.adapters import add_adapters

    from tests.vltrain.conftest import load

    tiny = build_tiny_family(FAMILIES[family], tmp_path / "model") if family else tiny
    recipe = Recipe(model=str(tiny), rank=4, **changes)
    made = sum(parameter.numel() for parameter in add_adapters(load(tiny), recipe).parameters() if parameter.requires_grad)
    shape = read_shape(tiny)
    assert made == shape.lora_parameters(4, recipe.target_names, vision=vision, projector=projector)
    assert shape.parameters == sum(parameter.numel() for parameter in load(tiny).parameters())


TOWER = {"depth": 32, "num_heads": 16, "patch_size": 14}
WINDOWS = {**TOWER, "hidden_size": 1_280, "intermediate_size": 3_420, "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31]}
OLDER = [
    ("qwen2_5_vl", (2_048, 11_008, 36, 16, 2, 151_936, True), {**WINDOWS, "out_hidden_size": 2_048}, 3_754_622_976),
    ("qwen2_5_vl", (3_584, 18_944, 28, 28, 4, 152_064, False), {**WINDOWS, "out_hidden_size": 3_584}, 8_292_166_656),
    ("qwen2_vl", (1_536, 8_960, 28, 12, 2, 151_936, True), {**TOWER, "embed_dim": 1_280, "mlp_ratio": 4}, 2_208_985_600),
]  # fmt: skip
SIZES = (
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "vocab_size",
    "tie_word_embeddings",
)  # fmt: skip


@pytest.mark.parametrize(("kind", "sizes", "vision", "wanted"), OLDER)
def test_a_config_as_it_was_published_tells_all_parameters(
    kind: str, sizes: tuple[int, ...], vision: dict[str, Any], wanted: int, tmp_path: Path
) -> None:
    """Sizes of the language model stand at the top; the sums are those of the published weights."""
    config = {"model_type": kind, "vision_config": vision, **dict(zip(SIZES, sizes, strict=True))}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert read_shape(tmp_path).parameters == wanted


def test_steps_of_the_tutorials() -> None:
    assert count_steps(Recipe(model="m", batch_size=2, accumulate=4, epochs=3.0), 1_205) == 453
    assert count_steps(Recipe(model="m", batch_size=1, accumulate=16, epochs=3.0), 90) == 18


def test_the_cut_is_that_of_datasets() -> None:
    train, validation = cut(1_378, 0.125, 42)
    assert (len(train), len(validation)) == (1_205, 173)
    assert validation == np.random.default_rng(42).permutation(1_378)[:173].tolist()
    assert cut(10, 3, 0)[0] == np.random.default_rng(0).permutation(10)[3:].tolist()


@pytest.fixture
def recipe(tiny: Path, colours: str, tmp_path: Path) -> Recipe:
    return Recipe(model=str(tiny), data=(colours,), output=str(tmp_path / "out"), batch_size=8, precision="fp32")


def test_a_good_plan(recipe: Recipe) -> None:
    plan = prepare(recipe).plan
    assert (plan.steps, plan.train_records, plan.trainable_parameters, plan.problems) == (6, 16, 16_384, [])
    assert msgspec.to_builtins(plan.tokens) == {"max": 87, "p95": 87, "text_counted": True} or plan.tokens.max > 80
    assert set(msgspec.to_builtins(plan)) == {
        "steps", "trainable_parameters", "train_records", "eval_records", "cutoff", "tokens", "memory", "quantization", "problems",
        "warnings",
    }  # fmt: skip


def test_a_tracker_that_is_not_there_is_a_problem(recipe: Recipe) -> None:
    told = prepare(msgspec.structs.replace(recipe, report_to=("wandb", "wanbd"))).plan.problems
    missing = [] if importlib.util.find_spec("wandb") else ["report_to: wandb is not installed. pip install wandb, and log in to it first."]
    assert told[:-1] == missing and told[-1].startswith("report_to: there is no 'wanbd'. Did you mean 'wandb'?")


def test_without_a_model_folder_sizes_are_the_published_ones(recipe: Recipe) -> None:
    elsewhere = msgspec.structs.replace(recipe, model="nowhere/Qwen3-VL-2B-Instruct")
    prepared = prepare(elsewhere, elsewhere=True)
    plan = prepared.plan
    assert plan.trainable_parameters == 8_716_288 and plan.problems == []
    assert (plan.tokens.max, plan.tokens.text_counted) == (66, False)
    assert any("text tokens are uncounted" in fact for fact in prepared.facts)
    assert any("no model folder here" in warning for warning in plan.warnings)
    assert [problem[:51] for problem in prepare(elsewhere).plan.problems] == ["nowhere/Qwen3-VL-2B-Instruct: no model folder here."]
    assert prepare(elsewhere, gpu="T4-16GB").plan.problems == []  # judged for another machine
    assert "this CPU" in prepare(recipe).plan.memory and list(prepare(recipe, gpu="T4-16GB").plan.memory) == ["T4-16GB"]


def test_a_missing_package_is_a_problem_here_and_a_warning_elsewhere(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    from vltrain import planning

    found = planning.importlib.metadata.version

    def without_torch(package: str) -> str:
        if package == "torch":
            raise planning.importlib.metadata.PackageNotFoundError(package)
        return found(package)

    monkeypatch.setattr(planning.importlib.metadata, "version", without_torch)
    (problem,) = prepare(recipe).plan.problems
    assert problem.startswith("torch is not installed. pip install ") and "[train]" in problem
    assert prepare(recipe, elsewhere=True).plan.problems == [] and problem in prepare(recipe, elsewhere=True).plan.warnings


@pytest.mark.parametrize(
    ("changes", "said", "theirs"),
    [
        ({"keep_best": True}, "keep_best: it needs eval_steps, save_steps, and val_size or eval_data.", "load_best_model_at_end: it needs"),
        ({"schedule": "cosinus"}, "schedule: there is no 'cosinus'. Did you mean 'cosine'?", "lr_scheduler_type: there is no 'cosinus'."),
        (
            {"optimizer": "adamw_trch"},
            "optimizer: there is no 'adamw_trch'. Did you mean 'adamw_torch'?",
            "optim: there is no 'adamw_trch'.",
        ),
        ({"cutoff": 60}, "record is over cutoff: ", "record is over cutoff_len: "),
    ],
)
def test_what_sft_refuses_the_plan_names_in_the_words_of_the_file(recipe: Recipe, changes: dict[str, Any], said: str, theirs: str) -> None:
    ours = msgspec.structs.replace(recipe, **changes)
    assert any(said in problem for problem in prepare(ours).plan.problems)
    assert any(theirs in problem for problem in prepare(msgspec.structs.replace(ours, dialect="llamafactory")).plan.problems)


def test_names_of_schedules_and_optimizers_are_transformers() -> None:
    from transformers.trainer_utils import SchedulerType
    from transformers.training_args import OptimizerNames
    from vltrain.trainer_names import OPTIMIZERS, SCHEDULES

    assert set(SCHEDULES) <= {kind.value for kind in SchedulerType}
    assert set(OPTIMIZERS) <= {kind.value for kind in OptimizerNames}


@pytest.mark.parametrize(
    ("changes", "gpu", "said"),
    [
        ({"cutoff": 60}, "", "every training record is over cutoff"),
        ({"model": "nowhere/else"}, "", "no model folder here"),
        ({"data": ("nowhere/x",)}, "", "no dataset_info.json here"),
        ({"resume": "nowhere"}, "", "no checkpoint in 'nowhere'"),
        ({"precision": "bf16"}, "T4-16GB", "does not compute in bfloat16"),
        ({"model": "n/Qwen3-VL-32B", "checkpointing": False}, "T4-16GB", "are needed"),
    ],
)
def test_what_would_fail_is_a_problem(recipe: Recipe, changes: dict[str, Any], gpu: str, said: str) -> None:
    plan = prepare(msgspec.structs.replace(recipe, **changes), gpu=gpu).plan
    assert any(said in problem for problem in plan.problems), plan.problems


def test_a_dataset_name_gets_the_nearest_real_one(recipe: Recipe, colours: str) -> None:
    (problem,) = prepare(msgspec.structs.replace(recipe, data=(f"{colours[:-1]}",))).plan.problems
    assert "Did you mean 'colours'?" in problem


@pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors", "chat_template.jinja", "preprocessor_config.json"])
def test_a_model_folder_with_a_file_missing(recipe: Recipe, tiny: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    (folder / name).unlink()
    if name == "chat_template.jinja":
        table = json.loads((folder / "tokenizer_config.json").read_text())
        table.pop("chat_template", None)
        (folder / "tokenizer_config.json").write_text(json.dumps(table))
    (problem,) = prepare(msgspec.structs.replace(recipe, model=str(folder))).plan.problems
    assert name in problem


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"messages": [{"role": "user", "content": "a"}], "images": []}, "no answer"),
        ({"messages": [{"role": "user", "content": "<video>a"}, {"role": "assistant", "content": "b"}], "videos": ["v.mp4"]}, "--frames"),
        ({"conversations": []}, "vldata convert sharegpt"),
        ({"messages": [{"role": "user", "content": "<image>a"}, {"role": "assistant", "content": "b"}], "images": ["x.png"]}, "no picture"),
    ],
)
def test_data_that_cannot_be_trained_on(recipe: Recipe, tmp_path: Path, row: dict[str, Any], said: str) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "dataset_info.json").write_text(json.dumps({"rows": {"file_name": "rows.jsonl", "formatting": "sharegpt"}}))
    (problem,) = prepare(msgspec.structs.replace(recipe, data=(str(tmp_path / "rows"),))).plan.problems
    assert said in problem


def test_recipe_and_contract_are_compared(recipe: Recipe) -> None:
    warnings = prepare(msgspec.structs.replace(recipe, max_pixels=100_352, template="qwen2_vl")).plan.warnings
    assert any("max_pixels 100352, the dataset was written with 589824" in warning for warning in warnings)
    assert any("template 'qwen2_vl' is of other models" in warning for warning in warnings)


def test_the_command_needs_no_torch(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"model: {recipe.model}\ndata: {recipe.data[0]}\noutput: o\ncutoff: 60\n")
    code = (
        "import sys; from vltrain.cli import main; sys.argv = ['vltrain', 'plan', sys.argv[1], '--json']\n"
        "try: main()\nexcept SystemExit as end: code = end.code\n"
        "bad = [name for name in ('torch', 'transformers', 'polars', 'av', 'jieba', 'datasets', 'trl') if name in sys.modules]\n"
        "sys.exit(f'loaded {bad}' if bad else code)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["steps"] == 48


def test_training_loads_none_of_the_heavy_packages() -> None:
    code = (
        "import sys, transformers.trainer, peft\n"  # where `datasets` is installed they load it themselves
        "theirs = set(sys.modules)\n"
        "import vltrain.training, vltrain.trainer, vltrain.logs, vltrain.merging, vltrain.adapters\n"
        "print([name for name in ('polars', 'av', 'jieba', 'datasets', 'trl') if name in sys.modules.keys() - theirs])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_pictures_that_are_not_there(recipe: Recipe, colours: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(Path(colours).parent, tmp_path / "data"))
    for picture in list(folder.glob("images/*/*"))[:2]:
        picture.unlink()
    (problem,) = prepare(msgspec.structs.replace(recipe, data=(str(folder / "colours"),))).plan.problems
    assert problem.startswith("2 pictures of the data are not there, first ")


@pytest.mark.parametrize("keep", [0, 7, 100, -10])
def test_a_model_that_was_cut_off(recipe: Recipe, tiny: Path, tmp_path: Path, keep: int) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    (problem,) = prepare(msgspec.structs.replace(recipe, model=str(folder))).plan.problems
    assert "model.safetensors" in problem and ("is damaged: " in problem or keep == 0)


def test_a_pointer_instead_of_weights(recipe: Recipe, tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4255140312\n")
    (problem,) = prepare(msgspec.structs.replace(recipe, model=str(folder))).plan.problems
    assert "it is a Git LFS pointer, not the weights: git lfs pull fetches them" in problem
