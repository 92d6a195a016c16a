"""Comparisons of benchmarks of texts, numbers and boxes."""

from __future__ import annotations

import io
import random
from collections import OrderedDict
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks_shared import WORDS, Check, add, frames, scores_of
from upstream import cut

from vleval import Row
from vleval.benchmarks.table import BENCHMARKS


def ocrbench(root: Path, dice: random.Random) -> list[Check]:
    """`OCRBench.evaluate` on files of 40 questions."""
    import ast as syntax

    pd, space = frames()
    tree = syntax.parse((root / "VLMEvalKit/vlmeval/dataset/image_vqa.py").read_text(encoding="utf-8"))
    node = next(node for node in tree.body if isinstance(node, syntax.ClassDef) and node.name == "OCRBench")
    node.bases = []
    space |= {"tqdm": lambda lines: lines, "get_intermediate_file_path": lambda *given: "", "dump": lambda *given: None}
    exec(compile(syntax.Module([node], []), "OCRBench", "exec"), space)
    from vleval.benchmarks.ocrbench import _CATEGORIES

    check = [0, 0]
    bits = (
        "Open",
        "open",
        "x ^ 2",
        "x^2",
        "\\frac {1} {2}",
        "1.50",
        "中国",
        "EXIT 12",
        "a\nb",
        "a b",
        "İstanbul",
        "",
        "the",
        " Coca Cola ",
    )
    for _ in range(60):
        data = [
            {
                "prediction": " ".join(dice.choices(bits, k=dice.randint(0, 4))),
                "answer": repr([dice.choice(bits) for _ in range(dice.randint(1, 3))]),
                "category": dice.choice(list(_CATEGORIES)),
            }
            for _ in range(40)
        ]
        theirs = space["OCRBench"].evaluate(pd.DataFrame(data))
        rows = [
            Row(id=str(i), prediction=item["prediction"], references=tuple(syntax.literal_eval(item["answer"])), category=item["category"])
            for i, item in enumerate(data)
        ]
        scores, value = scores_of(BENCHMARKS["ocrbench"], rows)
        single = [float(space["OCRBench"].evaluate(pd.DataFrame([item]))["Final Score"]) for item in data]
        final = float(theirs["Final Score"])
        points = [theirs[name] for name in dict.fromkeys(_CATEGORIES.values())]
        ours = [*scores.values / 100, value, *(scores.parts[name] for name in [*dict.fromkeys(_CATEGORIES.values()), "final score"])]
        add(check, ours, [*single, 100 * final / len(rows), *points, final])
    return [("ocrbench", *check)]


def vsibench(root: Path, dice: random.Random) -> list[Check]:
    """Each answer and the aggregate of 60 files."""
    pd, _ = frames()
    names = ["MCA_QUESTION_TYPES", "NA_QUESTION_TYPES", "METRICS_FOR_MCA", "METRICS_FOR_NA", "fuzzy_matching", "exact_match"]
    names += [
        "abs_dist_norm",
        "mean_relative_accuracy",
        "WORST_CASE_FOR_METRICS",
        "to_float",
        "vsibench_process_results",
        "vsibench_aggregate_results",
    ]
    space = {
        "np": np,
        "pd": pd,
        "OrderedDict": OrderedDict,
        "partial": __import__("functools").partial,
        "eval_logger": type("L", (), {"info": print}),
    }
    code = cut(root / "thinking-in-space/lmms_eval/tasks/vsibench/utils.py", names, space)
    kinds = [*code["MCA_QUESTION_TYPES"], *code["NA_QUESTION_TYPES"]]
    check = [0, 0]
    for _ in range(60):
        docs, rows, theirs = [], [], []
        for number in range(60):
            kind = kinds[number % len(kinds)]
            numeric = kind in code["NA_QUESTION_TYPES"]
            truth = f"{dice.uniform(0.5, 20):.{dice.randint(0, 2)}f}" if numeric else dice.choice("ABCD")
            truth = "3" if numeric and not float(truth) else truth
            near = f"{float(truth) * dice.choice((1, 0.95, 1.05, 0.9, 1.1, 0.5, 1.5, 0.6, 1.2)):.2f}" if numeric else truth
            text = dice.choice(
                (near, near, f"{near}.", f"{near} meters", f" {near}", f"about {near}", near.lower(), "", "nan", "inf", f"{near}\n")
            )
            doc = code["vsibench_process_results"]({"question_type": kind, "ground_truth": truth}, [text])["vsibench_score"]
            docs.append(doc)
            theirs.append(100 * float(doc["MRA:.5:.95:.05" if numeric else "accuracy"]))
            rows.append(Row(id=str(number), prediction=text, references=(truth,), extra={"question_type": kind}))
        with redirect_stdout(io.StringIO()):
            table = code["vsibench_aggregate_results"](docs)
        scores, value = scores_of(BENCHMARKS["vsi-bench"], rows)
        parts = {name.rsplit("_MRA", 1)[0].removesuffix("_accuracy"): found for name, found in table.items() if not isinstance(found, str)}
        parts.pop("overall")
        add(check, [*scores.values, value, *(scores.parts[name] for name in parts)], [*theirs, table["overall"], *parts.values()])
    return [("vsi-bench", *check)]


def texts(root: Path, dice: random.Random) -> list[Check]:
    """ChartQA, DocVQA, InfoVQA and TextVQA by VLMEvalKit and lmms-eval, each answer."""
    kit, lmms = root / "VLMEvalKit/vlmeval", root / "lmms-eval/lmms_eval/tasks"
    punctuation = cut(kit / "smp/misc.py", ["process_punctuation"])["process_punctuation"]
    space = {"np": np, "process_punctuation": punctuation, "istype": isinstance, "eval": lambda known: known}
    space["listinstr"] = lambda names, text: any(name in text for name in names)
    wanted = ["_process_digit_article", "relaxed_correctness", "levenshtein_distance", "anls_compute", "process_answer", "process_line"]
    vqa = cut(kit / "dataset/utils/vqa_eval.py", [*wanted, "hit_calculate"], space)
    processor = cut(lmms / "_task_utils/vqa_eval_metric.py", ["EvalAIAnswerProcessor"])["EvalAIAnswerProcessor"]
    text_vqa = cut(lmms / "textvqa/utils.py", ["textvqa_process_results"], {"EvalAIAnswerProcessor": processor})["textvqa_process_results"]
    chart = cut(lmms / "chartqa/utils.py", ["relaxed_correctness"])["relaxed_correctness"]

    def kit_score(method: str, dataset: str) -> Callable[[str, tuple[str, ...]], float]:
        def score(text: str, known: tuple[str, ...]) -> float:
            return float(
                vqa["hit_calculate"]([vqa["process_line"]({"answer": list(known), "prediction": text}, method=method)], dataset)[0]
            )

        return score

    oracles: dict[str, tuple[Callable[[str, tuple[str, ...]], float], int]] = {
        "chartqa": (kit_score("relaxed_accuracy", "ChartQA"), 2),
        "chartqa:lmms-eval": (lambda text, known: float(chart(text, known[0])), 1),
        "docvqa": (kit_score("anls", "DocVQA"), 3),
        "infovqa": (kit_score("anls", "InfoVQA"), 3),
        "textvqa": (kit_score("vqa_score", "TextVQA"), 10),
        "textvqa:lmms-eval": (lambda text, known: float(text_vqa({"answers": list(known), "question_id": 0}, [text])["exact_match"]), 10),
    }
    bits = (
        *WORDS,
        "45%",
        "0.45",
        "44",
        "Coca Cola",
        "coca cola.",
        "a dog",
        "two",
        "don't",
        "dont",
        "12:30",
        "2010",
        "it's",
        "3,000",
        "yes!",
    )
    found = []
    for name, (oracle, most) in oracles.items():
        check = [0, 0]
        for number in range(1_500):
            pool = [" ".join(dice.choices(bits, k=dice.choice((1, 1, 2)))) for _ in range(3)]
            known = tuple(dice.choice(pool) for _ in range(most if most == 10 else dice.randint(1, most)))
            text = dice.choice(
                (*pool, *pool, dice.choice(bits), dice.choice(pool) + ".", dice.choice(pool).upper(), f"the {dice.choice(pool)}")
            )
            row = Row(id=str(number), prediction=text, references=known)
            add(check, list(scores_of(BENCHMARKS[name], [row])[0].values), [100 * oracle(text, known)])
        found.append((name, *check))
    return found


def refcoco(root: Path, dice: random.Random) -> list[Check]:
    """Boxes read, brought to pixels and laid over the right one, by `RefCOCODataset`."""
    import ast as syntax
    from typing import Optional

    tree = syntax.parse((root / "VLMEvalKit/vlmeval/dataset/refcoco.py").read_text(encoding="utf-8"))
    node = next(node for node in tree.body if isinstance(node, syntax.ClassDef) and node.name == "RefCOCODataset")
    node.bases = []
    node.body = [part for part in node.body if getattr(part, "name", "") in ("_parse_prediction", "_to_absolute", "_compute_iou")]
    space: dict[str, Any] = {"np": np, "re": __import__("re"), "Optional": Optional}
    exec(compile(syntax.Module([node], []), "RefCOCODataset", "exec"), space)
    code = space["RefCOCODataset"]
    frames = (
        "[{}, {}, {}, {}]",
        "<box>({},{}),({},{})</box>",
        "{} {} {} {}",
        '{{"bbox_2d": [{}, {}, {}, {}]}}',
        "[ {} {},{} ,{}]",
        "2 boxes: [{}, {}, {}, {}]",
    )
    check = [0, 0]
    for _ in range(60):
        pixels, rows, theirs = dice.random() < 0.5, [], []
        for number in range(50):
            width, height = dice.randint(200, 1800), dice.randint(200, 1800)
            left, top = dice.uniform(0, 0.6), dice.uniform(0, 0.6)
            box = [left, top, left + dice.uniform(0.05, 0.4), top + dice.uniform(0.05, 0.4)]
            off = [value + dice.uniform(-0.06, 0.06) for value in box]
            truth = [value * size for value, size in zip(box, (width, height) * 2, strict=True)]
            written = [f"{value:.2f}" if pixels else f"{value:.4f}" for value in (truth if pixels else box)]
            kind = dice.choice((1, 1000, 0))
            values = [value * kind if kind else value * size for value, size in zip(off, (width, height) * 2, strict=True)]
            shown = [dice.choice(("{:.3f}", "{:.0f}", "{:.2e}") if kind != 1 else ("{:.3f}", "{:.4f}")).format(value) for value in values]
            text = (
                dice.choice(frames).format(*shown)
                if dice.random() < 0.95
                else dice.choice(("no box", "", "[1, 2, 3]", "[[0.1,0.2,0.3,0.4]]"))
            )
            read = code._parse_prediction(text)
            right = np.array([float(value) for value in written]) * (np.ones(4) if pixels else np.array([width, height] * 2))
            theirs.append(0.0 if read is None else float(code._compute_iou(code._to_absolute(read, width, height), right)))
            reference = "[" + ", ".join(written) + "]"
            rows.append(Row(id=str(number), prediction=text, references=(reference,), width=width, height=height))
        scores, _ = scores_of(BENCHMARKS["refcoco"], rows)
        add(check, [*scores.values, scores.parts["IoU"]], [*(100.0 * (np.array(theirs) >= 0.5)), 100 * float(np.mean(theirs))])
    return [("refcoco", *check)]


def marks(root: Path, dice: random.Random) -> list[Check]:
    """OpenEQA's parser of marks and its percent; replies on which it stops are left out."""
    parse = cut(root / "open-eqa/openeqa/evaluation/llm_match.py", ["parse_score"])["parse_score"]
    check = [0, 0]
    while check[0] < 1_000:
        reply = dice.choice(("{}", "Your mark: {}", "Your mark:{}", "{}\nbecause it is so", "It is near.\nYour mark: {}"))
        reply = reply.format(dice.choice(("1", "2", "3", "4", "5", "0", "6")))
        try:
            mark = parse(reply)
        except ValueError:
            continue
        row = Row(id="1", prediction="x", references=("y",), extra={"mark": reply})
        add(check, list(scores_of(BENCHMARKS["openeqa"], [row])[0].values), [float(100.0 * (np.clip(mark, 1, 5) - 1) / 4)])
    return [("openeqa", *check)]


def chart_pro(root: Path, dice: random.Random) -> list[Check]:
    """ChartQAPro's own script, one row at a time; its rows hold one answer."""
    from oracles_suites import chartqapro

    bits = (*WORDS, "45%", "0.45", "44", "Coca Cola", "coca cola.", "[a, b]", "['2010', '12']", "[2010, 12.4]", "2010", "2011", "true")
    pairs = [{"p": dice.choice(bits), "r": [dice.choice(bits)]} for _ in range(1_500)]
    for pair in pairs:
        pair["p"] = pair["r"][0] if dice.random() < 0.3 else pair["p"]
    check = [0, 0]
    for number, (pair, value) in enumerate(zip(pairs, chartqapro(pairs, root), strict=True)):
        if value["relaxed_accuracy"] == "crash":
            continue
        row = Row(id=str(number), prediction=pair["p"], references=tuple(pair["r"]), extra={"year_flags": str(["NO"] * 8)})
        add(check, list(scores_of(BENCHMARKS["chartqapro"], [row])[0].values), [100 * value["relaxed_accuracy"]])
    return [("chartqapro", *check)]
