"""The task of the harnesses run whole: pictures, questions and options, in the form that each of them reads of a user's own data."""

from __future__ import annotations

import base64
import csv
import json
from pathlib import Path

from bench.compare.answers import LETTERS, OPTIONS
from bench.compare.scripted_model import ITEMS

SIZE = (640, 480)
NAME = "boxes"


def question(item: int) -> str:
    """The question of an item."""
    return f"Which colour is box {item}?"


def accepted(item: int) -> str:
    """Its right letter."""
    return LETTERS[item].accepted if item < len(LETTERS) else "B"


def draw(folder: Path) -> list[Path]:
    """Draw the pictures, each another; returns them by item."""
    from PIL import Image, ImageDraw

    (folder / "images").mkdir(parents=True, exist_ok=True)
    paths = []
    for item in range(ITEMS):
        picture = Image.new("RGB", SIZE, (230, 230, 230))
        ImageDraw.Draw(picture).rectangle((40 + 8 * item, 60, 240 + 8 * item, 300), fill=(20, 160, 60))
        paths.append(folder / "images" / f"{item}.png")
        picture.save(paths[-1])
    return paths


def for_evalscope(folder: Path) -> Path:
    """JSONL in MMMU's style, for evalscope's general_vmcq."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"question": f"<image 1> {question(item)}", "options": list(OPTIONS), "image_1": str(path), "answer": accepted(item)}
        for item, path in enumerate(draw(folder))
    ]
    return _lines(folder / f"{NAME}_val.jsonl", rows)


def for_vlmevalkit(folder: Path) -> Path:
    """VLMEvalKit's table: pictures in base64, options in columns A to D; it is found by name in $LMUData."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{NAME}.tsv"
    with path.open("w", newline="") as out:
        table = csv.writer(out, delimiter="\t")
        table.writerow(["index", "image", "question", *"ABCD", "answer"])
        for item, picture in enumerate(draw(folder)):
            table.writerow([item, base64.b64encode(picture.read_bytes()).decode(), question(item), *OPTIONS, accepted(item)])
    return path


def for_lmms_eval(folder: Path) -> Path:
    """lmms-eval: rows for `datasets`, and the task's own YAML and Python (`bench/compare/lmms_task`)."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"id": item, "question": question(item), "options": list(OPTIONS), "image": str(path), "answer": accepted(item)}
        for item, path in enumerate(draw(folder))
    ]
    return _lines(folder / f"{NAME}.jsonl", rows)


def for_vldata(folder: Path) -> Path:
    """The same rows as `vldata convert` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"id": str(item), "question": question(item), "options": list(OPTIONS), "image": f"images/{path.name}", "answer": accepted(item)}
        for item, path in enumerate(draw(folder))
    ]
    return _lines(folder / f"{NAME}.jsonl", rows)


def _lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
