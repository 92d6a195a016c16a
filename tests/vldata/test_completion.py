"""What a shell completes, asked as a shell asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vldata.completion import complete_dataset


def completed(line: str, folder: Path) -> list[str]:
    """The shell's question: the words typed so far, and which of them is being completed."""
    program = line.split()[0]
    asked = {f"_{program.upper()}_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    code = f"import sys; sys.argv = ['{program}']; from {program}.start import {program}; {program}()"
    ran = subprocess.run([sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True, cwd=folder, check=False)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.stdout.split()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prepared").mkdir()
    (tmp_path / "prepared" / "dataset_info.json").write_text('{"charts": {}, "cards": {}, "theirs": {}}')
    for name in ("charts", "cards"):
        (tmp_path / "prepared" / f"{name}.contract.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("vldata export prepared/c", {"prepared/cards", "prepared/charts"}),
        ("vldata export prepared/cards --to l", {"llamafactory", "llava"}),
        ("vldata convert jsonl x --processor qwen3-", {"qwen3-vl"}),
        ("vleval score x --data pre", {"prepared/cards", "prepared/charts"}),
        ("vleval score x --profile llama", {"llamafactory"}),
        ("vleval score x --benchmark mms", {"mmstar"}),
        ("vleval predict --backend oll", {"ollama"}),
    ],
)
def test_names_are_completed(line: str, wanted: set[str], folder: Path) -> None:
    assert set(completed(line, folder)) == wanted


@pytest.mark.parametrize("damage", ["{", "[]", '{"a": 1', "\x00", '{"../../etc/passwd": {}}'])
def test_a_registry_that_cannot_be_read_completes_nothing(damage: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "prepared" / "dataset_info.json").write_text(damage)
    monkeypatch.chdir(folder)
    assert complete_dataset("prepared/") == complete_dataset("") == []
