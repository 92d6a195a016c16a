"""The commands of README run as they stand, on the drawn sample (sizes made small)."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.openeqa import draw_openeqa
from vldata.datasets.dataset import Dataset

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = [text for language, text in re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE) if not language]
COMMANDS = [line.split("  #")[0].strip() for block in BLOCKS for line in block.splitlines() if line.startswith(("vldata ", "vleval "))]


def run(command: str, folder: Path) -> None:
    program, *words = shlex.split(command.replace("--test 258", "--test 8"))
    code = f"from {program}.cli import main; main()"
    result = subprocess.run([sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, (command, result.stderr)


def write_answers(folder: Path) -> None:
    """What a model and LLaMA-Factory would have left behind."""
    records = list(Dataset(folder / "prepared" / "openeqa_test"))
    for name, wrong in (("preds", 1), ("base", 3), ("tuned", 1)):
        rows = [
            {
                "id": record.id,
                "prediction": "nothing" if index < wrong else record.references[0],
                "references": record.references,
                "meta": record.meta,
            }
            for index, record in enumerate(records)
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    rows = [{"prompt": "q", "predict": record.references[0], "label": record.references[0]} for record in records]
    (folder / "generated_predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    assert len(COMMANDS) >= 8
    draw_openeqa(tmp_path / "open-eqa", size=(384, 216))
    for command in COMMANDS:
        if command.startswith("vleval") and not (tmp_path / "preds.jsonl").exists():
            write_answers(tmp_path)
        run(command, tmp_path)
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    root = Path(__file__).parents[2]
    for name in ("README.md", "README.zh-CN.md"):
        text = (root / name).read_text(encoding="utf-8")
        assert len(text.splitlines()) < 150
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (root / target).exists(), (name, target)


@pytest.mark.parametrize("name", ["make demo", "make test", "make consumers"])
def test_the_targets_it_names_exist(name: str) -> None:
    assert name in README
    assert re.search(rf"^{name.split()[1]}:", (Path(__file__).parents[2] / "Makefile").read_text(), re.MULTILINE)
