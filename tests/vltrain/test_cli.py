"""The command line: help with an example, answers on stdout, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner
from vltrain.cli import app

from vldata.errors import DataError, UsageError

COMMANDS = ("plan", "sft", "merge", "quantize", "export")
EVALUATION = """\
model_name_or_path: m/Qwen3-VL-2B-Instruct
adapter_name_or_path: a
eval_dataset: t
do_predict: true
output_dir: o
max_new_tokens: 128
"""
MERGE = "model_name_or_path: nowhere\nadapter_name_or_path: a\nexport_dir: out\nexport_size: 2\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_an_example(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert f"Example: vltrain {command}" in shown.output


@pytest.fixture
def recipe(tiny: Path, colours: str, tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    lines = (f"model: {tiny}", f"data: {colours}", f"output: {tmp_path / 'out'}", "batch_size: 8", "precision: fp32", "workers: 0")
    path.write_text("\n".join([*lines, "plot: false", "tensorboard: false"]))
    return path


def test_a_plan_for_a_person(recipe: Path) -> None:
    shown = CliRunner().invoke(app, ["plan", str(recipe), "--gpu", "T4-16GB"])
    assert shown.exit_code == 0
    assert shown.output.splitlines()[0] == "Steps: 6 (16 records, batch 8 x 1, 3 epochs); 0 held out."
    assert "Trainable parameters: 16,384 of" in shown.output and "T4-16GB: sm75, bfloat16 no (fp16 only)." in shown.output


def test_an_evaluation_yaml_points_to_vleval(tmp_path: Path) -> None:
    path = tmp_path / "eval.yaml"
    path.write_text(EVALUATION)
    line = "vleval predict --data data/t --backend hf --model m/Qwen3-VL-2B-Instruct --adapter a --max-new-tokens 128 --out o/preds.jsonl"
    assert line in CliRunner().invoke(app, ["plan", str(path)]).output
    with pytest.raises(UsageError, match="evaluates"):
        CliRunner().invoke(app, ["sft", str(path)], catch_exceptions=False)


def test_a_merge_yaml_runs_merge(tmp_path: Path) -> None:
    path = tmp_path / "merge.yaml"
    path.write_text(MERGE)
    with pytest.raises(DataError, match="no model folder here"):
        CliRunner().invoke(app, ["merge", str(path)], catch_exceptions=False)


def test_a_short_run_and_a_second_one(recipe: Path) -> None:
    shown = CliRunner().invoke(app, ["sft", str(recipe), "--max-steps", "1", "--json"], catch_exceptions=False)
    document = shown.output[shown.output.index("{\n") :]
    assert json.loads(document[: document.rindex("}") + 1])["steps"] == 1
    with pytest.raises(UsageError, match="a finished adapter lies here"):
        CliRunner().invoke(app, ["sft", str(recipe), "--max-steps", "1"], catch_exceptions=False)
