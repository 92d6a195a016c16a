"""The first hour of six users, counted: commands, seconds, and what the commands said, from the files they come with.

    python -m bench.first_hour [--work FOLDER]      # a checkout with the train extra; about a minute

The inputs are drawn; a tiny random model answers in the place of a real one, so that the seconds are those of the commands alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]


class User(NamedTuple):
    """Who comes, how the files are drawn, and the commands typed, from the README and what each command says next."""

    who: str
    draw: Callable[[Path], None]
    commands: tuple[str, ...]


def _fixture(name: str, *more: str) -> Callable[[Path], None]:
    def draw(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", f"fixtures.{name}", *more], cwd=folder, env=_environment(), check=True, capture_output=True)

    return draw


def _rejected_dump(folder: Path) -> None:
    """A ShareGPT dump that LLaMA-Factory stops at: images without a tag, a row that ends with a question."""
    (folder / "pics").mkdir()
    rows = []
    for number in range(40):
        Image.new("RGB", (400 + number, 300), (6 * number, 10, 10)).save(folder / "pics" / f"{number}.jpg")
        turns = [
            {"from": "human", "value": "<image>\nWhat is it?" if number % 10 else "What is it?"},
            {"from": "gpt", "value": "A colour."},
        ]
        rows.append({"id": str(number), "image": f"pics/{number}.jpg", "conversations": turns[:1] if number == 5 else turns})
    (folder / "dump.json").write_text(json.dumps(rows))


def _two_files(folder: Path) -> None:
    for name, right in (("base", 50), ("tuned", 65)):
        rows = [{"question_id": n, "answer": "cat", "model_answer": "cat" if n * 37 % 100 < right else "dog"} for n in range(200)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _sheet(folder: Path) -> None:
    from openpyxl import Workbook

    (folder / "photos").mkdir()
    book = Workbook()
    book.active.append(["Image", "Question", "Answer"])
    for number in range(20):
        Image.new("RGB", (320, 240), (12 * number, 10, 10)).save(folder / "photos" / f"p{number}.jpg")
        book.active.append([f"p{number}.jpg", "Which colour?", "red"])
    book.save(folder / "labels.xlsx")


def _pairs_and_model(folder: Path) -> None:
    _fixture("colours", "squares", "--pairs", "--count", "24")(folder)
    (folder / "recipe.yaml").write_text(
        "model: models/Qwen3-VL-2B-Instruct\ndata: prepared/squares_train\noutput: run\nmethod: qlora\nprecision: fp16\n"
    )


USERS = (
    User(
        "I have Open-EQA frames",
        _fixture("openeqa", "open-eqa"),
        (
            "vldata convert openeqa open-eqa --frames 8",
            "vldata validate",
            "vldata split prepared/openeqa --test 4 --val 4 --group-by scene",
            "vldata certify prepared/openeqa",
        ),
    ),
    User(
        "I have a ShareGPT dump that LLaMA-Factory rejects, and want a scored report",
        _rejected_dump,
        (
            "vldata convert sharegpt dump.json --repair",
            "vleval predict --data prepared/dump --backend hf --model MODEL --max-tokens 8 --out preds.jsonl",
            "vleval report preds.jsonl --data prepared/dump",
        ),
    ),
    User("I have two prediction files", _two_files, ("vleval compare base.jsonl tuned.jsonl",)),
    User(
        "I want a LoRA of Qwen3-VL on my T4",
        _pairs_and_model,
        (
            "vldata convert jsonl squares/squares.jsonl",
            "vldata split prepared/squares --test 4 --group-by none",
            "vltrain plan recipe.yaml --gpu T4-16GB",
        ),
    ),
    User(
        "I have COCO boxes",
        _fixture("boxes", "coco"),
        ("vldata convert coco coco", "vldata validate", "vldata preview prepared/coco_train"),
    ),
    User(
        "I have a folder and an Excel sheet",
        _sheet,
        ("vldata convert jsonl labels.xlsx --image-root photos", "vldata validate"),
    ),
)


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "train")))}


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path)
    work = parser.parse_args().work or Path(tempfile.mkdtemp())
    work.mkdir(parents=True, exist_ok=True)
    model = work / "tiny"
    subprocess.run([sys.executable, "-m", "vldata.models.tiny", str(model)], env=_environment(), check=True, capture_output=True)
    failed = 0
    print("| who | commands | seconds |\n|---|---|---|")
    for number, user in enumerate(USERS):
        folder = work / str(number)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        user.draw(folder)
        seconds = 0.0
        for command in user.commands:
            words = command.replace("MODEL", str(model)).split()
            began = time.perf_counter()
            ran = subprocess.run(
                [sys.executable, "-m", *words], cwd=folder, env=_environment(), capture_output=True, text=True, check=False
            )
            seconds += time.perf_counter() - began
            if ran.returncode:
                failed += 1
                print(f"{command}: {ran.returncode}\n{ran.stdout}{ran.stderr}", file=sys.stderr)
        print(f"| {user.who} | {len(user.commands)} | {seconds:.0f} |", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
