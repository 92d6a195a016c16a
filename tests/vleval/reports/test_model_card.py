"""Scores in a card: of the model that answered alone, beside what a person wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vldata.models.fingerprint import fingerprint


@pytest.fixture
def answered(tmp_path: Path) -> Path:
    """An adapter folder, and answers with the document that says so."""
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    rows = [{"id": str(n), "prediction": "cat", "references": ["cat" if n % 3 else "dog"]} for n in range(60)]
    (tmp_path / "preds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text("{}")
    (tmp_path / "base" / "model.safetensors").write_bytes(bytes(8))
    digests = {name: fingerprint(tmp_path / name) for name in ("base", "adapter")}
    document = {"schema": "vlkit.run/1", "dataset": "pets_test", "model": "base", "adapter": "adapter", "digests": digests}
    (tmp_path / "preds.jsonl.run.json").write_text(json.dumps(document))
    return tmp_path


def test_scores_stand_beside_what_a_person_wrote_and_are_replaced(answered: Path, vleval: Any) -> None:
    card = answered / "adapter" / "README.md"
    card.write_text("# My pets\n\nBy hand.\n")
    line = ("score", answered / "preds.jsonl", "--card", answered / "adapter", "--metric", "exact_match", "--group-by", "none")
    assert vleval(*line).code == 0
    once = card.read_text()
    assert once.startswith("# My pets\n\nBy hand.\n\n<!-- vleval scores -->") and once.count("| pets_test | exact_match | 0.6667 ") == 1
    assert "at its floor 0.6667" in once and "profile:vlkit" in once
    card.write_text(once + "More by hand.\n")
    assert vleval(*line, "--metric", "anls").code == 0
    twice = card.read_text()
    assert twice.count("| pets_test | exact_match |") == 1 and "| pets_test | anls |" in twice and twice.endswith("More by hand.\n")


def test_answers_of_another_model_are_not_written(answered: Path, vleval: Any) -> None:
    line = ("score", answered / "preds.jsonl", "--card", answered / "adapter", "--metric", "exact_match")
    ran = vleval(*line[:3], answered / "base")  # the base under its adapter is another model
    assert ran.code == 1 and "were not answered by this model" in ran.err
    (answered / "adapter" / "adapter_model.safetensors").write_bytes(b"others")
    ran = vleval(*line)
    assert ran.code == 1 and "were not answered by this model" in ran.err and not (answered / "adapter" / "README.md").exists()
    (answered / "preds.jsonl.run.json").unlink()
    assert "nothing tells which model gave these answers" in vleval(*line).err
    (answered / "empty").mkdir()
    assert "no adapter or model in this folder" in vleval(*line[:3], answered / "empty").err


def test_a_planted_link_is_not_followed(answered: Path, vleval: Any) -> None:
    (answered / "theirs.md").write_text("theirs")
    (answered / "adapter" / "README.md").symlink_to(answered / "theirs.md")
    ran = vleval("score", answered / "preds.jsonl", "--card", answered / "adapter", "--metric", "exact_match")
    assert ran.code == 1 and "Traceback" not in ran.err and (answered / "theirs.md").read_text() == "theirs"
