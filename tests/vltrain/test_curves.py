"""What a run draws and says of itself: curves, event files, the card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from vltrain.cards import card, write_card
from vltrain.curves import log_every, plot_losses, smoothed
from vltrain.recipe import Recipe
from vltrain.training import TrainResult, remove_checkpoints

MANIFEST: dict[str, Any] = {
    "recipe": {"method": "lora", "model": "m/it's", "rank": 8, "targets": ["all"], "plot": True, "output": "runs/x", "template": ""},
    "model": {"path": "m/it's", "config": "c" * 64, "weights": "w" * 64},
    "data": [{"target": "prepared/squares", "files": {"squares.jsonl": "d" * 64}, "contract": True}],
    "records": {"train": 1_200, "eval": 16, "over_cutoff": ["a", "b"]},
    "versions": {"torch": "2.13.0"},
}
RESULT = TrainResult(
    output="runs/x", steps=150, epoch=3, train_loss=0.51234, train_runtime=1, train_samples_per_second=1, train_tokens_per_second=1,
    data_wait_share=0, trainable_parameters=16_384, peak_memory_gib=0, steady_samples_per_second=1, steady_wait_share=0, eval_loss=0.4,
    best_checkpoint="checkpoint-100",
)  # fmt: skip


@pytest.mark.parametrize(("log_steps", "steps", "every"), [(10, 150, 10), (10, 10, 10), (10, 9, 1), (1, 3, 1)])
def test_a_short_run_is_logged_at_each_step(log_steps: int, steps: int, every: int) -> None:
    assert log_every(Recipe(model="m", log_steps=log_steps), steps) == every


def test_a_smoothed_curve_lies_between_and_begins_where_the_values_do() -> None:
    assert smoothed([4.0, 4.0, 4.0]) == pytest.approx([4.0, 4.0, 4.0])
    values = [5.0, 1.0, 4.0, 0.5]
    found = smoothed(values)
    assert found[0] == 5.0 and all(min(values) < value < max(values) for value in found[1:])


def test_pictures_of_few_and_many_points(tmp_path: Path) -> None:
    plot_losses(tmp_path, [{"step": 1, "loss": 1.0}, *({"step": step, "eval_loss": 1 / step} for step in range(1, 60))])
    assert (tmp_path / "training_loss.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "training_eval_loss.png").stat().st_size > 10_000


def test_a_run_that_begins_again_takes_old_event_files_away(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    for name in ("events.out.tfevents.1.host.1.0", "notes.txt"):
        (tmp_path / "runs" / name).write_text("x")
    said: list[str] = []
    remove_checkpoints(tmp_path, said.append)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["notes.txt"]
    assert said == ["1 TensorBoard file of an earlier run removed."]


def test_a_card_leaves_nothing_to_fill_in(tmp_path: Path) -> None:
    text = card(MANIFEST, RESULT)
    assert text.startswith("---\nbase_model: 'm/it''s'\nlibrary_name: peft\n")
    assert "| `prepared/squares`: squares.jsonl | `" + "d" * 64 in text and "1,200 records trained on, 16 held out, 2 left out" in text
    assert "| rank | 8 |" in text and "| targets | all |" in text and "| template |" not in text
    assert "| mean training loss | 0.5123 |" in text and "vleval compare" in text and "More Information Needed" not in text
    write_card(tmp_path, MANIFEST, RESULT)
    assert (tmp_path / "README.md").read_text() == text
    (tmp_path / "README.md").write_bytes(b"my own \xff words")
    write_card(tmp_path, MANIFEST, RESULT)
    assert (tmp_path / "README.md").read_bytes() == b"my own \xff words"
