"""Comparison of OCRBench v2 with its authors' scripts, which run as they stand on files of questions of every kind."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import random
import shutil
import sys
import tempfile
import types
import warnings
from pathlib import Path
from typing import Any

from benchmarks_documents import html_table, page_of
from benchmarks_shared import WORDS, Check, add, scores_of

from vleval import Row
from vleval.benchmarks.ocrbench_v2 import KINDS, LANGUAGES
from vleval.benchmarks.table import BENCHMARKS


class _Rectangle:
    """What the spotting script uses of the package Polygon, for upright rectangles."""

    def __init__(self, points: Any) -> None:
        xs, ys = [int(x) for x, _ in points], [int(y) for _, y in points]
        self.box = (min(xs), min(ys), max(xs), max(ys))

    def area(self) -> float:
        x1, y1, x2, y2 = self.box
        return float(max(0, x2 - x1) * max(0, y2 - y1))

    def __and__(self, other: _Rectangle) -> _Rectangle:
        a, b = self.box, other.box
        x1, y1, x2, y2 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
        return _Rectangle([(x1, y1), (max(x1, x2), max(y1, y2))])

    def __len__(self) -> int:
        return int(self.area() > 0)


class _NoSynonyms:
    """A WordNet without words: METEOR then matches words and stems, in both."""

    def synsets(self, *given: Any) -> list[Any]:
        return []


def _scripts(root: Path, work: Path) -> tuple[Any, Any]:
    """Upstream's `process_predictions` and a function that gives the means of get_score.py."""
    shutil.copytree(root / "MultimodalOCR/OCRBench_v2/eval_scripts", work / "eval_scripts")
    sys.path.insert(0, str(work / "eval_scripts"))
    sys.modules["ipdb"] = types.SimpleNamespace(set_trace=lambda: 1 / 0)  # type: ignore[assignment]
    sys.modules["Polygon"] = types.SimpleNamespace(Polygon=_Rectangle)  # type: ignore[assignment]
    import nltk.translate.meteor_score as meteor

    if not hasattr(meteor, "_real"):
        meteor._real = meteor.meteor_score
        meteor.meteor_score = lambda references, hypothesis: meteor._real(references, hypothesis, wordnet=_NoSynonyms())
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return importlib.import_module("eval"), importlib.import_module("get_score")
    finally:
        sys.path.pop(0)


def _fields(dice: random.Random) -> dict[str, list[str]]:
    return {
        key: dice.sample(("12", "a b", "Red", "北京", "x"), dice.randint(1, 2)) for key in dice.sample(("total", "name", "date", "to"), 2)
    }


def _text_of_fields(dice: random.Random, truth: dict[str, list[str]]) -> str:
    given = {key: dice.choice([*values, "other"]) for key, values in truth.items()}
    if dice.random() < 0.3:
        given["more"] = "1"
    return dice.choice(
        (
            json.dumps(given, ensure_ascii=False),
            f"```json\n{json.dumps(given)}\n```",
            repr(given),
            "\n".join(f"{key}: {value}" for key, value in given.items()),
            ", ".join(f"'{key}' = '{value}'" for key, value in given.items()),
            "no idea",
            "[1, 2]",
            "Here: " + json.dumps(given),
        )
    )


def _question(dice: random.Random, kind: str) -> dict[str, Any]:
    """A question of a kind, its truth and an answer that is often near it."""
    word = dice.choice((*WORDS, "a long truth of more than five words", "中国, 北京, 上海, 广州, 深圳", "7", "B", "A\nB"))
    item: dict[str, Any] = {
        "type": kind,
        "question": "What is it?",
        "answers": [word],
        "predict": dice.choice((word, page_of(dice), f"It is {word}.")),
    }
    if kind == "text counting en":
        item |= {"answers": [dice.choice(("7", "12", "1"))], "eval": dice.choice(("exact match", "regression"))}
        item["predict"] = dice.choice(("7", "There are 12.", "0", "none", "8 of 11", "SEVEN 7"))
    elif kind == "table parsing en":
        html = dice.random() < 0.5
        table = html_table(dice) if html else "| a | b |\n|---|---|\n| 1 |  |\n| x | 中 |"
        item |= {"question": "Give HTML" if html else "as Markdown please", "answers": [table]}
        other = html_table(dice) if html else "```markdown\n| a | c |\n|---|---|\n| 1 | 2 |\n```"
        item["predict"] = dice.choice((table, other, f"<html><body>{table}</body></html>", "no table"))
    elif kind == "table parsing cn":
        table = html_table(dice)
        item |= {
            "answers": [table],
            "predict": dice.choice((table, html_table(dice), f"Sure\n{table}", "no table", table.replace("</table>", ""))),
        }
    elif kind == "chart parsing en":
        truth = {"a": {"x": 1, "y": "2"}, "b": 3.5}
        said = dice.choice((truth, {"a": {"x": 1}}, {"c": 1}))
        item |= {"answers": [truth], "predict": dice.choice((repr(said), f"```python\nd = {said}  # it\n```", "none", "[1]", ""))}
    elif kind.startswith("key information"):
        truth = _fields(dice)
        item |= {
            "answers": [repr(truth) if kind.endswith("cn") or dice.random() < 0.5 else json.dumps(truth)],
            "predict": _text_of_fields(dice, truth),
        }
    elif kind.startswith("document parsing"):
        lines = ["# One", "text * here", "", "## Two", "more \\begin {x}", "One", "# ", "TITLE", "# TITLE"]
        item |= {"answers": ["\n".join(dice.choices(lines, k=6))], "predict": "\n".join(dice.choices(lines, k=dice.randint(0, 9)))}
    elif kind == "VQA with position en":
        box = [10, 10, 50, 60]
        item |= {
            "bbox": box,
            "predict": dice.choice(
                (json.dumps({"answer": word, "bbox": str(box)}), json.dumps({"answer": "x", "bbox": [10, 10, 40, 60]}), "x")
            ),
        }
    elif kind == "text grounding en":
        item |= {
            "answers": [10, 10, 50, 60],
            "predict": dice.choice(
                ("(10, 10, 50, 60)", "[12,10,50,61] or (1,2,3,4)", "(1, 2, 3000, 4)", "none", "[10, 10, 50, 60] (10,10,50,60)")
            ),
        }
    elif kind == "text spotting en":
        item |= {
            "bbox": [[10, 10, 50, 10, 50, 60, 10, 60], [100, 10, 200, 90], [300, 300, 400, 400]],
            "content": ["Open!", dice.choice(("B", "###")), '"q"'],
        }
        spots = (
            "(10, 10, 50, 60, open)",
            "[100, 10, 200, 90, B]",
            "(110, 10, 200, 90, 'B')",
            "(300,300,400,400,q)",
            "(5, 5, 1, 1, x)",
            "(10, 10, 50, 60, OPEN!)",
        )
        chosen = dice.sample(spots, dice.randint(0, 4))
        item["predict"] = dice.choice(
            (" ".join(chosen), "[" + ", ".join(chosen) + "]", repr([(10, 10, 50, 60, "Open"), (1, 2, 3), (100, 10, 200, 90, "b")]))
        )
    elif kind == "handwritten answer extraction cn":
        truth = dice.choice(("ABD", "C", "中国文学"))
        item |= {
            "question": dice.choice(("简答题", "选择题")),
            "answers": [truth],
            "predict": dice.choice((truth, "、".join(truth), "答案 " + ", ".join(truth), "不知道")),
        }
    elif kind.startswith("formula"):
        item |= {"answers": [dice.choice(("x ^ 2", "\\text{a}+1"))], "predict": dice.choice(("x^2", "so a + 1", "\\text{a} + 1", "y"))}
    elif kind.startswith(("full-page", "fine-grained", "text translation")):
        item["answers"] = [dice.choice((page_of(dice) or "x", "中国 北京 很 好", "the cat sat on the mat today"))]
        item["predict"] = dice.choice((item["answers"][0], item["answers"][0] + " more", page_of(dice), "the cat sat"))
        item["answers"][0] = item["answers"][0] if item["answers"][0].strip() else "x"
    elif dice.random() < 0.3:
        item["eval"] = dice.choice(("multiple choice", "case sensitive"))
    else:
        item["answers"] = [word, dice.choice(WORDS)]
    return item


def _row(number: int, item: dict[str, Any]) -> Row:
    extra = {key: str(item[key]) for key in ("type", "eval", "bbox", "content") if key in item}
    truths = tuple(json.dumps(truth) if isinstance(truth, dict) else str(truth) for truth in item["answers"])
    return Row(id=str(number), prediction=item["predict"], references=truths, question=item["question"], extra=extra)


def ocrbench_v2(root: Path, dice: random.Random) -> list[Check]:
    """`process_predictions` question by question, and get_score.py's means over files."""
    here, single, files = Path.cwd(), [0, 0], [0, 0]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work = Path(folder)
        os.chdir(work)
        try:
            process, scores_script = _scripts(root, work)
            for _ in range(5):
                data = [_question(dice, kind) for kind in KINDS for _ in range(12)]
                rows = [_row(number, item) for number, item in enumerate(data)]
                Path("in.json").write_text(json.dumps(data), encoding="utf-8")
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    process.process_predictions("in.json", "out.json")
                    sys.argv = ["get_score.py", "--json_file", "out.json"]
                    said = io.StringIO()
                    with contextlib.redirect_stdout(said):
                        scores_script.main()
                theirs = json.loads(Path("out.json").read_text(encoding="utf-8"))
                scores, value = scores_of(BENCHMARKS["ocrbench-v2"], rows)
                add(single, [100 * item["score"] for item in theirs], list(scores.values))
                told = {
                    line.split(":")[0]: float(line.split(":")[1].split("(")[0]) for line in said.getvalue().splitlines() if ": " in line
                }
                overall = [told["English Overall Score"], told["Chinese Overall Score"]]
                ours = [round(scores.parts[title] / 100, 3) for title in LANGUAGES.values()]
                add(files, [*ours, round(value / 100, 2)], [*overall, round(sum(overall) / 2, 2)])
        finally:
            os.chdir(here)
    return [("ocrbench-v2: each answer", *single), ("ocrbench-v2: both scores", *files)]
