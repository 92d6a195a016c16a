"""Where a run goes on: never over what is finished, never over more than was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from vltrain.checkpoints import after_interrupt, find_checkpoint
from vltrain.recipe import Recipe, read_recipe
from vltrain.training import remove_checkpoints

from vldata.errors import UsageError


def run_of(output: Path, steps: tuple[int, ...], *, finished: bool = False, **changes: Any) -> Recipe:
    for step in steps:
        (output / f"checkpoint-{step}").mkdir(parents=True)
        (output / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    (output / "checkpoint-99").mkdir(parents=True)  # torn: it has no state
    if finished:
        (output / "adapter_model.safetensors").write_bytes(b"x")
    return Recipe(model="m", output=str(output), **changes)


@pytest.mark.parametrize(
    ("saved", "steps", "found"), [((), 8, None), ((4,), 8, 4), ((4, 8), 8, 4), ((8,), 8, None), ((4, 6), 8, 6), ((10, 9), 12, 10)]
)
def test_it_goes_on_from_the_last_checkpoint_before_the_end(saved: tuple[int, ...], steps: int, found: int | None, tmp_path: Path) -> None:
    checkpoint = find_checkpoint(run_of(tmp_path / "o", saved), steps)
    assert checkpoint == (tmp_path / "o" / f"checkpoint-{found}" if found else None)


@pytest.mark.parametrize(
    ("saved", "finished", "changes", "said"),
    [
        ((4, 8), True, {}, "a finished adapter is here"),
        ((), True, {}, "a finished adapter is here"),
        ((4,), True, {"resume": "never"}, "a finished adapter is here"),
        ((4, 12), False, {}, "the run here has come to step 12, beyond the 8 asked for"),
        ((4,), False, {"resume": "nowhere"}, "no checkpoint in 'nowhere'"),
    ],
)
def test_what_would_be_lost_is_refused(saved: tuple[int, ...], finished: bool, changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        find_checkpoint(run_of(tmp_path / "o", saved, finished=finished, **changes), 8)
    if "resume" not in changes:
        assert find_checkpoint(Recipe(model="m", output=str(tmp_path / "o"), overwrite=True), 8) is None


def test_more_steps_go_on_where_a_finished_run_ended(tmp_path: Path) -> None:
    assert find_checkpoint(run_of(tmp_path / "o", (4, 8), finished=True), 12) == tmp_path / "o" / "checkpoint-8"


def test_after_an_interrupt(tmp_path: Path) -> None:
    assert after_interrupt(Recipe(model="m", output=str(tmp_path / "none"))).startswith("No checkpoint was saved yet")
    assert after_interrupt(run_of(tmp_path / "o", (4, 10))) == "The same command goes on from checkpoint-10."
    again = Recipe(model="m", output=str(tmp_path / "o"), overwrite=True)
    assert after_interrupt(again) == f"To go on, set resume: {tmp_path}/o/checkpoint-10"


def test_a_wish_to_go_on_wins_over_the_habit_of_overwriting(tmp_path: Path) -> None:
    """The tutorial's file has `overwrite_output_dir: true` and says to add `resume_from_checkpoint: true`."""
    path = tmp_path / "train.yaml"
    path.write_text(
        "model_name_or_path: m\nstage: sft\ndo_train: true\nfinetuning_type: lora\ndataset: d\ntemplate: qwen3_vl\n"
        f"output_dir: {tmp_path}/o\noverwrite_output_dir: true\nresume_from_checkpoint: true\n"
    )
    recipe, notes = read_recipe(path)
    assert (recipe.resume, recipe.overwrite) == ("auto", False)
    assert any("resume_from_checkpoint wins over overwrite_output_dir" in note for note in notes)
    run_of(tmp_path / "o", (4,))
    assert find_checkpoint(recipe, 8) == tmp_path / "o" / "checkpoint-4"


def test_what_is_overwritten_is_said(tmp_path: Path) -> None:
    run_of(tmp_path / "o", (4, 8))
    said: list[str] = []
    remove_checkpoints(tmp_path / "o", said.append)
    (line,) = said
    assert line.startswith(f"Starting again in {tmp_path}/o: 3 checkpoints of an earlier run removed, checkpoint-4 to checkpoint-99.")
    assert list((tmp_path / "o").iterdir()) == []
    remove_checkpoints(tmp_path / "o", said.append)
    assert len(said) == 1
