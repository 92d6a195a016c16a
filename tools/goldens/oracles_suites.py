"""Oracles of the evaluation suites: text answers."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

from upstream import Pair, Values, cut, guarded, site


def lmms_eval(pairs: list[Pair], repos: Path) -> list[Values]:
    """Functions of lmms-eval, and sacrebleu as its api/metrics.py calls it, per sentence."""
    import numpy as np
    import sacrebleu

    root = repos / "lmms-eval" / "lmms_eval"
    chart = cut(root / "tasks/chartqa/utils.py", ["relaxed_correctness"])
    api = cut(root / "api/metrics.py", ["anls", "levenshtein_distance", "exact_match_hf_evaluate"], {"np": np})
    slide = cut(root / "tasks/slidevqa/utils.py", ["normalize_answer", "anls_score"], {"levenshtein_distance": api["levenshtein_distance"]})
    processor = cut(root / "tasks/_task_utils/vqa_eval_metric.py", ["EvalAIAnswerProcessor"])["EvalAIAnswerProcessor"]
    vqav2 = cut(root / "tasks/vqav2/utils.py", ["vqav2_process_results"], {"EvalAIAnswerProcessor": processor})

    def one(pair: Pair) -> Values:
        pred, known = pair["p"], pair["r"]
        doc = {"answers": [{"answer": text, "id": i} for i, text in enumerate(known)], "question_id": 0}
        exact = {"predictions": [pred], "references": [known[0]], "ignore_case": True, "ignore_punctuation": True}
        return {
            "relaxed_accuracy": guarded(lambda: float(chart["relaxed_correctness"](pred, known[0]))),
            "anls": guarded(lambda: float(api["anls"](known, [pred])["anls"])),
            "anls:slidevqa": guarded(lambda: slide["anls_score"](slide["normalize_answer"](known[0]), pred.lower())),
            "exact_match": guarded(lambda: float(api["exact_match_hf_evaluate"](**exact)["exact_match"])),
            "vqa_accuracy": guarded(lambda: float(vqav2["vqav2_process_results"](doc, [pred])["exact_match"])),
            "sacrebleu": sacrebleu.sentence_bleu(pred, known, use_effective_order=True).score,
            "chrf": sacrebleu.sentence_chrf(pred, known).score,
            "ter": sacrebleu.sentence_ter(pred, known).score if len(pred) + len(known[0]) < 400 else "crash",
        }

    return [one(pair) for pair in pairs]


def vlmevalkit(pairs: list[Pair], repos: Path) -> list[Values]:
    """`process_line` and `hit_calculate` of VLMEvalKit; its `eval` of answers is replaced by the list itself."""
    import numpy as np

    root = repos / "VLMEvalKit" / "vlmeval"
    punctuation = cut(root / "smp/misc.py", ["process_punctuation"])["process_punctuation"]
    space = {"np": np, "process_punctuation": punctuation, "istype": lambda text, kind: isinstance(text, kind), "eval": lambda known: known}
    space["listinstr"] = lambda names, text: any(name in text for name in names)
    wanted = ["_process_digit_article", "relaxed_correctness", "levenshtein_distance", "anls_compute", "process_answer", "process_line"]
    vqa = cut(root / "dataset/utils/vqa_eval.py", [*wanted, "hit_calculate"], space)
    slide = cut(root / "dataset/mmlongbenchdoc.py", ["anls_compute"], {"levenshtein_distance": vqa["levenshtein_distance"]})

    def hit(pair: Pair, method: str, dataset: str) -> float:
        line = {"answer": list(pair["r"]), "prediction": pair["p"]}
        return float(vqa["hit_calculate"]([vqa["process_line"](line, method=method)], dataset)[0])

    def one(pair: Pair) -> Values:
        target = re.sub("\n", "", pair["r"][0]).lower()
        return {
            "relaxed_accuracy": guarded(lambda: hit(pair, "relaxed_accuracy", "ChartQA")),
            "anls": guarded(lambda: hit(pair, "anls", "DocVQA")),
            "exact_match": guarded(lambda: hit(pair, "accuracy", "OCRVQA")),
            "vqa_accuracy": guarded(lambda: hit(pair, "vqa_score", "TextVQA")),
            "anls:slidevqa": guarded(lambda: slide["anls_compute"](target, pair["p"].lower())),
        }

    return [one(pair) for pair in pairs]


def pix2struct(pairs: list[Pair], repos: Path) -> list[Values]:
    """`aggregate_metrics` over one pair at a time."""
    import editdistance

    names = ["aggregate_metrics", "anls_metric", "relaxed_correctness"]
    metrics = cut(repos / "pix2struct/pix2struct/metrics.py", names, {"editdistance": editdistance, "Sequence": list})

    def best(pair: Pair, metric: Any, normalize: Any) -> float:
        return metrics["aggregate_metrics"]([pair["r"]], [pair["p"]], metric, normalize) / 100.0

    def one(pair: Pair) -> Values:
        return {
            "exact_match": best(pair, lambda x, y: x == y, lambda v: v),
            "relaxed_accuracy": guarded(lambda: best(pair, metrics["relaxed_correctness"], lambda v: v)),
            "anls": guarded(lambda: best(pair, metrics["anls_metric"], lambda v: v.lower())),
        }

    return [one(pair) for pair in pairs]


def qwen_vl(pairs: list[Pair], repos: Path) -> list[Values]:
    """Functions of eval_mm; ANLS through its file interface."""
    root = repos / "Qwen-VL" / "eval_mm"
    names = ["relaxed_correctness", "evaluate_relaxed_accuracy", "evaluate_exact_match_accuracy"]
    vqa = cut(root / "evaluate_vqa.py", names)
    info = cut(root / "infographicsvqa_eval.py", ["levenshtein_distance", "evaluate_method", "question_ids_to_exclude", "answer_types"])
    scorer = cut(root / "vqa_eval.py", ["VQAEval"], {"sys": sys})["VQAEval"]
    with tempfile.TemporaryDirectory() as folder:
        truth, given = Path(folder) / "gt.json", Path(folder) / "det.json"
        data = [{"questionId": i, "question": "", "answers": pair["r"]} for i, pair in enumerate(pairs)]
        truth.write_text(json.dumps({"data": data, "dataset_name": "x"}))
        given.write_text(json.dumps([{"questionId": i, "answer": pair["p"]} for i, pair in enumerate(pairs)]))
        settings = types.SimpleNamespace(answer_types=False, anls_threshold=0.5)
        anls = info["evaluate_method"](str(truth), str(given), settings)["per_sample_result"]
    accuracy = official_scores(scorer, pairs)

    def one(index: int, pair: Pair) -> Values:
        entry = [{"answer": pair["p"], "annotation": list(pair["r"])}]
        return {
            "relaxed_accuracy": guarded(lambda: float(vqa["evaluate_relaxed_accuracy"](entry))),
            "exact_match": guarded(lambda: float(vqa["evaluate_exact_match_accuracy"](entry))),
            "anls": float(anls[str(index)]["score"]),
            "vqa_accuracy": accuracy[index],
        }

    return [one(index, pair) for index, pair in enumerate(pairs)]


def official_scores(scorer: Any, pairs: list[Pair]) -> list[float]:
    """Per-question accuracies of a `VQAEval` class, unrounded (it keeps them rounded to n places of percent)."""
    truth = types.SimpleNamespace(qa={}, getQuesIds=lambda: list(range(len(pairs))))
    given = types.SimpleNamespace(qa={})
    for index, pair in enumerate(pairs):
        answers = [{"answer": text, "answer_id": i} for i, text in enumerate(pair["r"])]
        truth.qa[index] = {"answers": answers, "question_type": "x", "answer_type": "y"}
        given.qa[index] = {"answer": pair["p"]}
    evaluation = scorer(truth, given, n=12)
    evaluation.updateProgress = lambda progress: None
    stdout, sys.stdout = sys.stdout, open("/dev/null", "w")  # noqa: SIM115, PTH123
    try:
        evaluation.evaluate()
    finally:
        sys.stdout = stdout
    return [evaluation.evalQA[index] / 100 for index in range(len(pairs))]


def vqa_official(pairs: list[Pair], repos: Path) -> list[Values]:
    """The script is Python 2, where digits are ASCII unless told otherwise: its print lines are rewritten and its `re` is ASCII."""
    ascii_re = types.SimpleNamespace(compile=lambda pattern: re.compile(pattern, re.ASCII), search=re.search, UNICODE=re.UNICODE)

    def rewrite(source: str) -> str:
        return re.sub(r'print "([^"]*)"', r'print("\1")', source)

    path = repos / "VQA/PythonEvaluationTools/vqaEvaluation/vqaEval.py"
    scorer = cut(path, ["VQAEval"], {"re": ascii_re, "sys": sys}, rewrite)["VQAEval"]
    return [{"vqa_accuracy": value} for value in official_scores(scorer, pairs)]


def vqa_2016(pairs: list[Pair], repos: Path) -> list[Values]:
    """The copy of the official script of before 2021 that Qwen-VL keeps."""
    scorer = cut(repos / "Qwen-VL/eval_mm/vqa_eval.py", ["VQAEval"], {"sys": sys})["VQAEval"]
    return [{"vqa_accuracy:2016": value} for value in official_scores(scorer, pairs)]


def evalscope(pairs: list[Pair], repos: Path) -> list[Values]:
    """The installed evalscope."""
    import editdistance

    root = site("evalscope")
    chart = cut(root / "benchmarks/chartqa/utils.py", ["relaxed_correctness"])
    marker = cut(root / "utils/multi_choices.py", ["_ANSWER_MARKER_RE", "extract_answer_line"])
    names = ["_normalize_vqa_answer", "_vqa_soft_accuracy", "_ANSWER_PATTERN", "_ARTICLES", "_NUMBER_MAP"]
    vqa = cut(root / "benchmarks/vqav2/vqav2_adapter.py", names)
    functions = types.ModuleType("functions")
    functions.levenshtein_distance = editdistance.eval  # type: ignore[attr-defined]
    for name in ("evalscope", "evalscope.metrics", "evalscope.metrics.utils"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["evalscope.metrics.utils.functions"] = functions
    anls = cut(root / "metrics/nlp/metrics.py", ["ANLS"], {"Metric": object})["ANLS"]()
    normal = cut(root / "metrics/utils/functions.py", ["normalize_text"])["normalize_text"]

    def one(pair: Pair) -> Values:
        pred, known = pair["p"], pair["r"]
        line = marker["extract_answer_line"](pred)
        found = vqa["_ANSWER_PATTERN"].findall(pred)
        text = (found[-1] if found else pred).strip().strip("\"'")
        return {
            "relaxed_accuracy": guarded(lambda: float(chart["relaxed_correctness"](pred if line is None else line, known[0]))),
            "anls": guarded(lambda: float(anls.apply([pred], [json.dumps(known)])[0])),
            "exact_match": max(float(normal(pred) == normal(text)) for text in known),
            "vqa_accuracy": guarded(lambda: float(vqa["_vqa_soft_accuracy"](text, known))),
            "numeric_match": float(pred == known[0]),
        }

    return [one(pair) for pair in pairs]


def chartqapro(pairs: list[Pair], repos: Path) -> list[Values]:
    """`evaluate_predictions_chartqapro` over one row at a time."""
    from anls import anls_score

    names = ["fix_list_format", "parse_to_list", "to_float", "evaluate_single_answer", "relaxed_correctness_chartqapro"]
    path = repos / "ChartQAPro/evaluate_predictions.py"
    space = cut(path, [*names, "evaluate_predictions_chartqapro"], {"anls_score": anls_score})

    def one(pair: Pair) -> Values:
        row = {"Answer": pair["r"], "prediction": pair["p"], "Question Type": "Factoid", "Year": pair.get("year", ["NO"] * 8)}
        return {"relaxed_accuracy": guarded(lambda: float(space["evaluate_predictions_chartqapro"]([row])["Overall"]))}

    return [one(pair) for pair in pairs]


def inspect(pairs: list[Pair], repos: Path) -> list[Values]:
    """The installed inspect_ai."""
    root = site("inspect_ai")
    text = cut(root / "_util/text.py", ["is_finite_number", "strip_punctuation", "strip_numeric_punctuation"])
    numbers: dict[str, Any] = {}
    source = (root / "scorer/_unicode.py").read_text(encoding="utf-8")
    exec(compile(source, "unicode", "exec"), numbers)
    space = {"strip_numeric_punctuation": text["strip_numeric_punctuation"], "strip_punctuation": text["strip_punctuation"]}
    space["unicode_number_to_float"] = numbers["unicode_number_to_float"]
    names = [
        "_NUMERIC_PUNCTUATION_TRIM",
        "_clean_numeric_word",
        "match_str",
        "_parse_number",
        "_is_number",
        "first_number_normalized",
        "all_numbers_normalized",
        "normalize_number",
    ]
    common = cut(root / "scorer/_common.py", names, space)
    names = ["max_f1_score", "max_exact_score", "compute_f1", "_to_word_counts", "_f1", "_remove_articles", "_remove_punc"]
    names += ["_normalize_whitespace", "_normalize_number", "_tokenize", "_normalize", "_normalize_token"]
    from collections import Counter

    exact = cut(root / "scorer/_classification.py", names, text | {"Counter": Counter})

    def match(pair: Pair, location: str) -> float:
        return float(any(common["match_str"](pair["p"], target, location, numeric=True)[1] for target in pair["r"]))

    def one(pair: Pair) -> Values:
        result = {f"numeric_match:{place}": guarded(lambda place=place: match(pair, place)) for place in ("begin", "end", "any", "exact")}
        result["exact_match"] = guarded(lambda: float(exact["max_exact_score"](pair["p"], pair["r"])))
        result["token_f1"] = guarded(lambda: float(exact["max_f1_score"](pair["p"], pair["r"])))
        return result

    return [one(pair) for pair in pairs]
