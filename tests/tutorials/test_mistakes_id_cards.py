"""Mistakes of published walks with ShareGPT dumps of identity cards: what their way gives, and what ours does with the same input."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import subprocess
from pathlib import Path

import pytest

from fixtures.idcards import draw_cards
from tests.tutorials.conftest import Run
from vldata.api.convert import convert
from vldata.errors import install_line
from vldata.models.shapes import PUBLISHED

_LF = {"dataset_dir": "prepared", "dataset": "cards", "stage": "sft", "do_train": "true", "finetuning_type": "lora", "output_dir": "out"}
_LF |= {"model_name_or_path": "models/qwen3-vl-4b-instruct", "lora_rank": 8, "template": "qwen2_vl", "cutoff_len": 2048}


def plan(run: Run, **settings: object) -> str:
    Path("theirs.yaml").write_text("".join(f"{key}: {value}\n" for key, value in {**_LF, **settings}.items()))
    return "".join(run("vltrain plan theirs.yaml")[1:])


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("walk")
    draw_cards(folder / "dump", count=20)
    convert("sharegpt", folder / "dump" / "id_cards.json", name="cards", out=folder / "prepared", workers=1)
    return folder / "prepared"


@pytest.fixture
def prepared(run: Run, walked: Path) -> Path:
    return Path(shutil.copytree(walked, "prepared"))


def test_a_model_with_a_vision_tower_is_no_causal_language_model(tiny_model: Path) -> None:
    transformers = pytest.importorskip("transformers")
    with pytest.raises(ValueError, match="Unrecognized configuration class"):
        transformers.AutoModelForCausalLM.from_pretrained(tiny_model)
    from vleval.inference.loading import load_folder

    _, model = load_folder(tiny_model, "float32")
    assert model.can_generate()


def test_a_line_to_install_by_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    (tmp_path / "pip").write_text("#!/bin/sh\n")
    (tmp_path / "pip").chmod(0o755)

    def pasted(line: str) -> set[str]:
        folder = tmp_path / "here"
        folder.mkdir()
        subprocess.run(["bash", "-c", line], cwd=folder, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)
        left = {path.name for path in folder.iterdir()}
        shutil.rmtree(folder)
        return left

    assert pasted("pip install --upgrade transformers>=4.45.0") == {"=4.45.0"}  # theirs: a file, and any version
    assert pasted(install_line("train")) == set()


def test_the_template_of_another_model_is_named(run: Run, prepared: Path) -> None:
    assert "template 'qwen2_vl' is of other models" in plan(run)
    assert run("vldata export prepared/cards --to llamafactory --out factory --model Qwen/Qwen3-VL-4B-Instruct").code == 0
    assert "template: qwen3_vl_nothink\n" in next(Path("factory").glob("*.yaml")).read_text()


def test_neither_bf16_nor_fp16_is_said_to_cost_twice_the_memory(run: Run, prepared: Path) -> None:
    assert "Precision: float32, which takes twice the memory of the 16-bit types." in plan(run, bf16="false")


def test_steps_and_parameters_are_those_that_the_settings_give(run: Run, prepared: Path) -> None:
    shown = plan(run, gradient_accumulation_steps=16, per_device_train_batch_size=1, num_train_epochs=3.0)
    assert f"Steps: {3 * math.ceil(20 / 16)} (20 records, batch 1 x 16, 3 epochs)" in shown
    assert "Trainable parameters: 16,515,072 of" in shown
    targets = tuple(f"{name}_proj" for name in ("q", "k", "v", "o", "gate", "up", "down"))
    assert 24_576_000 not in {PUBLISHED["4b"].lora_parameters(rank, targets) for rank in range(1, 65)}  # the published log's figure


def test_the_vision_side_of_a_dump_is_personal_data_by_name(run: Run, prepared: Path) -> None:
    found = run("vldata pii prepared/cards")
    assert found.code == 1 and "VL041 identity number (40)" in found.out + found.err
    run("vldata pii prepared/cards --redact")
    assert run("vldata pii prepared/cards_redacted").code == 0


def test_a_validation_cut_is_no_test_side(run: Run, prepared: Path) -> None:
    assert run("vldata split prepared/cards --val 4 --group-by none").code == 0
    assert not Path("prepared/cards_test.jsonl").exists()  # theirs: the side that chose the checkpoint is the one that is reported
    ran = run("vldata split prepared/cards --test 4 --val 4 --group-by none --overwrite")
    assert ran.code == 0 and len(Path("prepared/cards_test.jsonl").read_text().splitlines()) == 4


def test_image_tags_stand_where_they_stood(walked: Path) -> None:
    rows = [json.loads(line) for line in (walked / "cards.jsonl").read_text().splitlines()]
    assert {row["messages"][0]["content"] for row in rows} == {"<image>Read the card. Answer with one JSON object."}


def test_a_dtype_is_chosen_without_a_hand_in_config_json(run: Run, prepared: Path, tiny_model: Path) -> None:
    config = tiny_model / "config.json"
    before = hashlib.sha256(config.read_bytes()).hexdigest()
    line = f"vleval predict --data prepared/cards --backend hf --model {tiny_model} --limit 1 --max-tokens 2 --dtype bfloat16 --out a.jsonl"
    assert run(line).code == 0
    assert hashlib.sha256(config.read_bytes()).hexdigest() == before
    assert "bfloat16" in Path("a.jsonl.run.json").read_text()
