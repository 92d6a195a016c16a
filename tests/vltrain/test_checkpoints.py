"""Where a run goes on: never over what is finished, never over more than was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from vltrain.checkpoints import after_interrupt, find_checkpoint
from vltrain.recipe import Recipe

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
        ((4, 8), True, {}, "a finished adapter lies here"),
        ((), True, {}, "a finished adapter lies here"),
        ((4,), True, {"resume": "never"}, "a finished adapter lies here"),
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
