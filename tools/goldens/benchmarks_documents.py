"""Comparisons of benchmarks whose answers are documents, forms, tables, or sentences that an answer is read from."""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import json
import logging
import os
import random
import re
import string
import sys
import warnings
from pathlib import Path
from typing import Any

from benchmarks_shared import ANSWERS, CHOICE_TEXTS, WORDS, Check, add, frames, scores_of
from upstream import cut

from vleval import Row
from vleval.benchmarks.mathvista import by_letters, by_rules, normal
from vleval.benchmarks.table import BENCHMARKS

_NUMBERS = ("7", "14", " 12 ", "1_000", "3.50", "-2", "1e3", "nan", "inf", "seven", "", "0.1", "2.675", "7.0", "1,000")


def mathvista(root: Path, dice: random.Random) -> list[Check]:
    """`extract_answer` with its rules, `normalize_extracted_answer` and `safe_equal`; what asks a model says so."""
    from Levenshtein import distance

    evaluation = root / "MathVista/evaluation"
    asked = object()

    class Model:
        def get_response(self, user_prompt: str) -> Any:
            return asked

    space = cut(evaluation / "extract_answer.py", ["extract_answer", "create_test_prompt"], {"demo_prompt": "", "logging": logging})
    judged = cut(
        evaluation / "calculate_score.py",
        ["get_most_similar", "normalize_extracted_answer", "safe_equal"],
        {"distance": distance, "logging": logging},
    )
    logging.disable(logging.CRITICAL)
    read, scored = [0, 0], [0, 0]
    for number in range(4000):
        kind = dice.choice(("text", "integer", "float", "list"))
        choices = dice.sample(CHOICE_TEXTS, 4) if kind == "text" else []
        said = dice.choice((*_NUMBERS, "[1, 2]", *choices, *WORDS))
        text = dice.choice(
            ("{}", "The answer is {}.", 'The answer is "{}".', "({})", "A", "(b) {}", "I say\n{}", 'So. The answer is "{}". Right.')
        )
        text = text.format(said)
        truth = dice.choice(choices) if choices else {"integer": "7", "float": "3.5", "list": "[1, 2]"}[kind]
        precision = dice.choice((1.0, 2.0))
        problem = {
            "question_type": "multi_choice" if choices else "free_form",
            "answer_type": kind,
            "choices": choices,
            "query": "q",
            "pid": "1",
        }
        row = Row(
            id=str(number),
            prediction=text,
            references=(truth,),
            choices=tuple(choices),
            extra={"question_type": problem["question_type"], "answer_type": kind, "precision": str(precision)},
        )
        theirs = space["extract_answer"](Model(), text, problem, quick_extract=True)
        ours = by_rules(row)
        read[0] += 1
        read[1] += (None if theirs is asked else theirs) != ours
        for extraction in (text if ours is None else ours, said):
            wanted = judged["normalize_extracted_answer"](extraction, choices, problem["question_type"], kind, precision)
            scored[0] += 2
            scored[1] += wanted != normal(extraction, row)
            told = Row(**{**{key: getattr(row, key) for key in row.__struct_fields__}, "extra": {**row.extra, "extraction": extraction}})
            right = judged["safe_equal"](wanted, truth)
            scored[1] += bool(extraction) and scores_of(BENCHMARKS["mathvista"], [told])[1] != 100.0 * right
    logging.disable(logging.NOTSET)
    return [("mathvista: read by rules", *read), ("mathvista: normalised and compared", *scored)]


def mathvista_vlmevalkit(root: Path, dice: random.Random) -> list[Check]:
    """`post_check`, before its model is asked and of what the model said."""
    utils = root / "VLMEvalKit/vlmeval"
    space = cut(
        utils / "utils/matching_util.py",
        ["can_infer", "can_infer_option", "can_infer_text", "_VERBOSE_ANSWER_RE"],
        {"os": os, "cp": copy, "string": string, "logger": logging.getLogger("matching")},
    )
    space = cut(utils / "dataset/utils/mathvista.py", ["post_check", "list_to_dict"], {"can_infer": space["can_infer"]})
    read, scored = [0, 0], [0, 0]
    for number in range(4000):
        kind = dice.choice(("text", "integer", "float", "list"))
        choices = dice.sample(CHOICE_TEXTS, 4) if kind == "text" and dice.random() < 0.9 else []
        said = dice.choice((*_NUMBERS, "[1, 2]", *choices, *WORDS, *ANSWERS))
        said = said.format(*(choices or ["x"] * 4))
        right = dice.randrange(4)
        truth = choices[right] if choices else {"integer": "7", "float": "3.5", "list": "[1, 2]", "text": "red"}[kind]
        line = {"question_type": "multi_choice" if choices else "free_form", "answer_type": kind, "choices": repr(choices), "answer": truth}
        line |= {"answer_option": "ABCD"[right], "prediction": said, "res": said}
        row = Row(
            id=str(number),
            prediction=said,
            references=(truth,),
            choices=tuple(choices),
            extra={"question_type": line["question_type"], "answer_type": kind, "extraction": said},
        )
        before = space["post_check"](dict(line), prefetch=True)
        ours = by_letters(row)
        read[0] += 1
        read[1] += bool(before) != bool(ours) or (bool(choices) and (before or "") != (ours or ""))
        if said:
            add(scored, [scores_of(BENCHMARKS["mathvista:vlmevalkit"], [row])[1]], [100.0 * space["post_check"](dict(line))])
    return [("mathvista:vlmevalkit: read by rules", *read), ("mathvista:vlmevalkit: compared", *scored)]


def _package(root: Path) -> Any:
    """Upstream's evaluators, which are a package of their own."""
    sys.path.insert(0, str(root / "VLMEvalKit/vlmeval/dataset/utils"))
    try:
        return importlib.import_module("ccocr_evaluator")
    finally:
        sys.path.pop(0)


def page_of(dice: random.Random) -> str:
    """Some lines of words in several scripts."""
    lines = [
        " ".join(dice.choices([*WORDS, "中国", "北京 烤鸭", "12", "3.5kg", "###", "***x"], k=dice.randint(0, 6)))
        for _ in range(dice.randint(1, 4))
    ]
    return "\n".join(lines)


def _form(dice: random.Random, depth: int = 0) -> Any:
    def leaf() -> Any:
        return dice.choice((*WORDS, "", "１２，３", "价 格 12kg", 7, 0, 2.5, None, True, "中 国", "a . b"))

    if depth == 2:
        return leaf()
    return {
        key: dice.choice((leaf, lambda: [leaf() for _ in range(dice.randint(0, 3))], lambda: _form(dice, depth + 1)))()
        if dice.random() < 0.8
        else [_form(dice, depth + 1) for _ in range(dice.randint(1, 2))]
        for key in dice.sample(("total", "name", "items", "a", "date"), dice.randint(1, 4))
    }


def html_table(dice: random.Random) -> str:
    """A small table with spans and mark-up."""

    def cell() -> str:
        span = dice.choice(("", "", "", ' colspan="2"', ' rowspan="2"'))
        return f"<td{span}>{dice.choice((*WORDS, '', '<b>x</b> y', '1，2', 'a<br>b', '<i>q</i>'))}</td>"

    rows = "".join(f"<tr>{''.join(cell() for _ in range(dice.randint(1, 4)))}</tr>" for _ in range(dice.randint(1, 4)))
    rows = f"<thead>{rows}</thead><tbody>{rows}</tbody>" if dice.random() < 0.3 else rows
    return f"<table>{rows}</table>"


def _around(dice: random.Random, text: str, fence: str) -> str:
    frames_ = (
        "{}",
        "```{f}\n{}\n```",
        "Here it is:\n```{f}\n{}```\nDone",
        "```{f}\n{}",
        "\\documentclass{{article}}\\begin{{document}}\n{}\\noindent x",
    )
    return dice.choice(frames_).format(text, f=fence)


def _question(dice: random.Random, category: str, kind: str) -> tuple[str, str]:
    """A truth and an answer that is often near it."""
    if category == "kie":
        truth = _form(dice)
        given = truth if dice.random() < 0.3 else _form(dice)
        text = json.dumps(given, ensure_ascii=False)
        return json.dumps(truth, ensure_ascii=False), dice.choice(
            (text, f"```json\n{text}\n```", f"```json {text}", f"Sure: {text}", "3", '"x"', "[]")
        )
    if kind == "table":
        truth = html_table(dice)
        return truth, _around(dice, dice.choice((truth, html_table(dice), page_of(dice), "")), "html")
    if category == "doc_parsing":
        truth = page_of(dice) or "x"
        text = dice.choice((truth, page_of(dice), f"<smiles>{truth}</smiles>"))
        return truth if truth.strip() else "x", _around(dice, text, "latex")
    truth = page_of(dice)
    return truth, dice.choice((truth, page_of(dice), truth.upper(), f"{truth} {page_of(dice)}"))


def ccocr(root: Path, dice: random.Random) -> list[Check]:
    """`CCOCR.evaluate` over files of all tracks: sub-datasets, tracks, total, and each answer as a file of its own."""
    import ast as syntax

    pd, space = frames()
    evaluators = _package(root)
    tree = syntax.parse((root / "VLMEvalKit/vlmeval/dataset/image_ccocr.py").read_text(encoding="utf-8"))
    node = next(node for node in tree.body if isinstance(node, syntax.ClassDef) and node.name == "CCOCRDataset")
    node.bases = []
    source = re.sub(r"from \.utils\.ccocr_evaluator import", "from ccocr_evaluator import", syntax.unparse(node))
    space |= {"tqdm": lambda lines, **_: lines, "get_intermediate_file_path": lambda *given: "", "dump": lambda *given: None}
    space |= {"FAIL_MSG": "Failed to obtain answer via API.", "d2df": dict}
    exec(source, space)
    assert evaluators.evaluator_map_info
    kinds = [
        ("multi_lan_ocr", "Arabic", "Arabic"),
        ("multi_lan_ocr", "French", "French"),
        ("multi_scene_ocr", "document_text", "CORD"),
        ("multi_scene_ocr", "scene_text", "zh_scene"),
        ("kie", "constrained_category", "CORD"),
        ("kie", "open_category", "COLD_CELL"),
        ("doc_parsing", "doc", "doc_photo_eng"),
        ("doc_parsing", "table", "table_scan_chn"),
        ("doc_parsing", "formula", "formula_handwriting"),
        ("doc_parsing", "molecular", "molecular_handwriting"),
    ]
    check = [0, 0]
    for _ in range(40):
        data = []
        for number in range(60):
            category, kind, split = dice.choice(kinds)
            truth, text = _question(dice, category, kind)
            text = "Failed to obtain answer via API." if dice.random() < 0.03 else text
            data.append(
                {"image_name": str(number), "answer": truth, "prediction": text, "category": category, "l2-category": kind, "split": split}
            )
        rows = [
            Row(
                id=item["image_name"],
                prediction=None if item["prediction"].startswith("Failed") else item["prediction"],
                references=(item["answer"],),
                category=item["category"],
                extra={"l2-category": item["l2-category"], "split": item["split"]},
            )
            for item in data
        ]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = space["CCOCRDataset"]().evaluate(pd.DataFrame(data))
            single = [space["CCOCRDataset"]().evaluate(pd.DataFrame([item]))["total"] for item in data]
        scores, value = scores_of(BENCHMARKS["cc-ocr"], rows)
        ours = [scores_of(BENCHMARKS["cc-ocr"], [row])[1] / 100 for row in rows]
        add(check, ours, single)
        tracks = [name for name in theirs if name != "total"]
        add(check, [value / 100, *(scores.parts[name] / 100 for name in tracks)], [theirs["total"], *(theirs[name] for name in tracks)])
    return [("cc-ocr", *check)]
