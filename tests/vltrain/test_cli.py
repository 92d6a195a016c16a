"""The command line: help with an example, answers on stdout, exit codes."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner
from vltrain.cli import app

from fixtures.colours import convert_colours
from vldata.errors import DataError, MissingExtraError, UsageError
from vleval.cli import app as vleval

COMMANDS = ("plan", "sft", "merge", "quantize", "export")
EVALUATION = """\
model_name_or_path: m/Qwen3-VL-2B-Instruct
adapter_name_or_path: a
eval_dataset: t
do_predict: true
output_dir: o
max_new_tokens: 128
temperature: 0.2
top_k: 5
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
    command = "mkdir -p o && vleval predict --data data/t --backend hf --model m/Qwen3-VL-2B-Instruct --adapter a --max-tokens 128"
    shown = CliRunner().invoke(app, ["plan", str(path)]).output
    assert f"{command} --out o/preds.jsonl\n" in shown and "Not passed on: top_k." in shown
    assert "Left out: temperature 0.2, as it makes each answer, and so the score, a draw." in shown
    document = json.loads(CliRunner().invoke(app, ["plan", str(path), "--json"]).output)
    assert document == {"job": "predict", "command": f"{command} --out o/preds.jsonl"}
    known = CliRunner().invoke(vleval, ["predict", "--help"], terminal_width=200).output
    assert all(word in known for word in command.split() if word.startswith("--"))
    with pytest.raises(UsageError, match="evaluates"):
        CliRunner().invoke(app, ["sft", str(path)], catch_exceptions=False)


def test_a_merge_yaml_runs_merge(tmp_path: Path) -> None:
    path = tmp_path / "merge.yaml"
    path.write_text(MERGE)
    with pytest.raises(DataError, match="no model folder here"):
        CliRunner().invoke(app, ["merge", str(path)], catch_exceptions=False)


def test_an_interrupted_run_says_what_comes_next(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vltrain.training.run_sft", interrupt)
    shown = CliRunner().invoke(app, ["sft", str(recipe)])
    assert shown.exit_code == 130
    assert shown.stderr == "Interrupted. No checkpoint was saved yet: the same command starts again; save_steps sets how often one is.\n"
    output = next(line.split(": ")[1] for line in recipe.read_text().splitlines() if line.startswith("output"))
    checkpoint = Path(output) / "checkpoint-4"
    checkpoint.mkdir(parents=True)
    (checkpoint / "trainer_state.json").write_text("{}")
    assert CliRunner().invoke(app, ["sft", str(recipe)]).stderr == "Interrupted. The same command goes on from checkpoint-4.\n"


def test_a_short_run_and_a_second_one(recipe: Path) -> None:
    shown = CliRunner().invoke(app, ["sft", str(recipe), "--max-steps", "1", "--json"], catch_exceptions=False)
    document = shown.output[shown.output.index("{\n") :]
    assert json.loads(document[: document.rindex("}") + 1])["steps"] == 1
    with pytest.raises(UsageError, match="a finished adapter is here"):
        CliRunner().invoke(app, ["sft", str(recipe), "--max-steps", "1"], catch_exceptions=False)


def test_the_examples_of_the_help_run(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the commands, each on what the one before left."""
    convert_colours(tmp_path / "prepared", count=16, name="openeqa_test")
    (tmp_path / "recipe.yaml").write_text(
        f"model: {tiny}\ndata: prepared/openeqa_test\noutput: runs/x\nprecision: fp32\nbatch_size: 4\n"
        "workers: 0\ntensorboard: false\nplot: false\n"
    )
    monkeypatch.chdir(tmp_path)
    said = {}
    for command in COMMANDS:
        shown = CliRunner().invoke(app, [command, "--help"], terminal_width=200).output
        example = shown[shown.index("Example: ") :].split()[1:]
        assert example[:2] == ["vltrain", command]
        if command == "quantize" and not find_spec("bitsandbytes"):
            with pytest.raises(MissingExtraError, match="qlora"):
                CliRunner().invoke(app, example[1:], catch_exceptions=False)
            continue
        ran = CliRunner().invoke(app, example[1:], catch_exceptions=False)
        assert ran.exit_code == 0, ran.output
        said[command] = ran.stdout
    assert said["sft"].startswith("10 steps, ") and "tensors merged" in said["merge"]
    assert said["export"].startswith("vllm serve merged ")
