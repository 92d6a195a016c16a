"""Upstream's own values for a file of pairs. Runs in the environment of the real packages, knows nothing of vleval.

    python oracles.py ORACLE pairs.jsonl out.jsonl [--repos DIR]

Each line out is {"metric": value, ...}; null is a row that upstream drops, "crash" one where it raises.
Functions of repositories are cut out of their files by name and run alone, since importing the packages would pull in half the world.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import logging
import math
import re
import statistics
import string
import sys
import tempfile
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

Pair = dict[str, Any]
Values = dict[str, Any]

warnings.simplefilter("ignore")


def cut(path: Path, names: list[str], namespace: dict[str, Any] | None = None, rewrite: Callable[[str], str] = str) -> dict[str, Any]:
    """Run the named top-level definitions of a file, and nothing else of it."""
    tree = ast.parse(rewrite(path.read_text(encoding="utf-8")))
    chosen = []
    for node in tree.body:
        found = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
        if isinstance(node, ast.Assign):
            found = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if set(found) & set(names):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                node.decorator_list = []
            chosen.append(node)
    space: dict[str, Any] = {"re": re, "math": math, "string": string, "json": json, "ast": ast, "statistics": statistics}
    space |= {"Any": Any, "Optional": Any, "List": list, "Dict": dict, "Tuple": tuple, "Union": Any, "Callable": Callable}
    space |= namespace or {}
    future = ast.ImportFrom(module="__future__", names=[ast.alias(name="annotations")], level=0)
    module = ast.fix_missing_locations(ast.Module(body=[future, *chosen], type_ignores=[]))
    exec(compile(module, str(path), "exec"), space)
    missing = [name for name in names if name not in space]
    if missing:
        raise LookupError(f"{path} has no {missing}")
    return space


def site(package: str) -> Path:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"{package} is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def guarded(compute: Callable[[], Any]) -> Any:
    """A value, or "crash" where upstream raises."""
    try:
        return compute()
    except (Exception, RecursionError):
        return "crash"


def jieba_words() -> Callable[[str], list[str]]:
    """The real jieba."""
    import jieba

    jieba.setLogLevel(logging.ERROR)
    return lambda text: list(jieba.cut(text))


def llamafactory(pairs: list[Pair], repos: Path) -> list[Values]:
    """The packages that train/sft/metric.py and scripts/eval_bleu_rouge.py call, and what they do with them."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
    from rouge_chinese import Rouge

    words = jieba_words()

    def one(pair: Pair) -> Values:
        pred, label = pair["p"], pair["r"][0]
        hypothesis, reference = " ".join(words(pred)), " ".join(words(label))
        if not hypothesis.split() or not reference.split():
            rouge = {key: {"f": 0.0} for key in ("rouge-1", "rouge-2", "rouge-l")}
        else:
            rouge = Rouge().get_scores(hypothesis, reference)[0]
        bleu = sentence_bleu([list(label)], list(pred), smoothing_function=SmoothingFunction().method3)
        return {key: round(value["f"] * 100, 4) for key, value in rouge.items()} | {"bleu-4": round(bleu * 100, 4)}

    return [guarded(lambda pair=pair: one(pair)) for pair in pairs]


def msswift(pairs: list[Pair], repos: Path) -> list[Values]:
    """The packages that swift/metrics/nlg.py calls, per row."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
    from rouge.rouge import Rouge

    words = jieba_words()

    def one(pair: Pair) -> Values:
        pred, label = pair["p"], pair["r"][0]
        hypothesis = [word.strip(" ") for word in words(pred) if word.strip(" ")]
        reference = [word.strip(" ") for word in words(label) if word.strip(" ")]
        result: Values = {"exact_match": float(pred == label)}
        if not hypothesis or not reference:
            return result | dict.fromkeys(("bleu-4", "rouge-1", "rouge-2", "rouge-l"))
        rouge = guarded(lambda: Rouge().get_scores(" ".join(hypothesis), " ".join(reference))[0])
        for key in ("rouge-1", "rouge-2", "rouge-l"):
            result[key] = rouge if rouge == "crash" else rouge[key]["f"] * 100
        result["bleu-4"] = sentence_bleu([reference], hypothesis, smoothing_function=SmoothingFunction().method3) * 100
        return result

    return [one(pair) for pair in pairs]


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


def vlmevalkit_choice(pairs: list[Pair], repos: Path) -> list[Values]:
    """`can_infer`, without a judge."""
    import copy
    import os
    from collections import Counter

    names = ["_VERBOSE_ANSWER_RE", "can_infer_option", "can_infer_text", "can_infer"]
    space = {"cp": copy, "os": os, "Counter": Counter, "logger": logging.getLogger("vlmeval")}
    matching = cut(repos / "VLMEvalKit/vlmeval/utils/matching_util.py", names, space)

    def one(pair: Pair) -> Values:
        choices = dict(zip(string.ascii_uppercase, pair["choices"], strict=False))
        return {"multiple_choice": guarded(lambda: float((matching["can_infer"](pair["p"], choices) or "Z") == pair["r"][0]))}

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


def inspect_choice(pairs: list[Pair], repos: Path) -> list[Values]:
    """`parse_answers` of the installed inspect_ai."""
    root = site("inspect_ai")
    helpers = cut(root / "_util/answer.py", ["answer_character", "answer_index"])
    parse = cut(root / "solver/_multiple_choice.py", ["parse_answers"], helpers)["parse_answers"]

    def one(pair: Pair) -> Values:
        state = types.SimpleNamespace(output=types.SimpleNamespace(completion=pair["p"]), choices=pair["choices"])
        return {"multiple_choice": guarded(lambda: float(parse(state, False) == {pair["r"][0]}))}

    return [one(pair) for pair in pairs]


def packages(pairs: list[Pair], repos: Path) -> list[Values]:
    """What vlkit's variants reproduce: the anls, anls_star and rouge-score packages."""
    from anls import anls_score as pip_anls
    from anls_star import anls_score
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    results = []
    for pair in pairs:
        structured = any(text.lstrip()[:1] in ("{", "[") for text in pair["r"])  # our rows read such references as JSON
        rouge = scorer.score_multi(pair["r"], pair["p"])
        results.append(
            {
                "anls:pip": pip_anls(prediction=pair["p"], gold_labels=pair["r"]),
                "anls_star": "crash" if structured else float(anls_score(tuple(pair["r"]), pair["p"])),
            }
            | {name: float(value.fmeasure) for name, value in rouge.items()}
        )
    return results


def cider(pairs: list[Pair], repos: Path) -> list[Values]:
    """The scorer of pycocoevalcap over texts that are lower-cased and split at blanks."""
    from pycocoevalcap.cider.cider import Cider

    truth = {i: [" ".join(text.lower().split()) for text in pair["r"]] for i, pair in enumerate(pairs)}
    scores = Cider().compute_score(truth, {i: [" ".join(pair["p"].lower().split())] for i, pair in enumerate(pairs)})[1]
    return [{"cider": float(score)} for score in scores]


def json_packages(pairs: list[Pair], repos: Path) -> list[Values]:
    """The anls_star package over JSON values."""
    from anls_star import anls_score

    return [{"anls_star": guarded(lambda pair=pair: float(anls_score(pair["wanted"], pair["given"])))} for pair in pairs]


def donut(pairs: list[Pair], repos: Path) -> list[Values]:
    """Donut's `JSONParseEvaluator`."""
    scorer = cut(repos / "donut/donut/util.py", ["JSONParseEvaluator"], {"Node": object})["JSONParseEvaluator"]()
    return [{"json_f1:donut": guarded(lambda pair=pair: scorer.cal_f1([pair["given"]], [pair["wanted"]]))} for pair in pairs]


def ccocr(pairs: list[Pair], repos: Path) -> list[Values]:
    """CC-OCR's field F1, as VLMEvalKit carries it."""
    from collections import Counter

    names = ["flatten", "normalize_dict", "cal_f1_all", "normalize_values_of_nested_dict", "post_process_to_json", "fullwidth_to_halfwidth"]
    path = repos / "VLMEvalKit/vlmeval/dataset/utils/ccocr_evaluator/kie_evaluator.py"
    space = cut(path, [*names, "remove_unnecessary_spaces"], {"Counter": Counter, "print": lambda *words: None})

    def normal(text: str) -> str:
        return space["remove_unnecessary_spaces"](space["fullwidth_to_halfwidth"](str(text)))

    def one(pair: Pair) -> float:
        data = space["post_process_to_json"](pair["p"])
        given = {} if data is None else {"x": data}
        wanted = {"x": json.loads(pair["r"][0])}
        tidy = space["normalize_values_of_nested_dict"]
        return float(space["cal_f1_all"](tidy(given, normal), tidy(wanted, normal))[0])

    return [{"json_f1:ccocr": guarded(lambda pair=pair: one(pair))} for pair in pairs]


def mp_docvqa(pairs: list[Pair], repos: Path) -> list[Values]:
    """The evaluator of the MP-DocVQA framework."""
    import editdistance

    evaluator = cut(repos / "MP-DocVQA-Framework/metrics.py", ["Evaluator"], {"editdistance": editdistance})["Evaluator"]()
    return [
        {"anls:mp-docvqa": guarded(lambda pair=pair: float(evaluator.get_metrics([pair["r"]], [pair["p"]])["anls"][0]))} for pair in pairs
    ]


def openeqa(pairs: list[Pair], repos: Path) -> list[Values]:
    """OpenEQA's parser of marks, in percent."""
    import numpy as np

    parse = cut(repos / "open-eqa/openeqa/evaluation/llm_match.py", ["parse_score"])["parse_score"]
    return [{"llm_match": guarded(lambda pair=pair: float(100.0 * (np.clip(parse(pair["p"]), 1, 5) - 1) / 4))} for pair in pairs]


ORACLES: dict[str, Callable[[list[Pair], Path], list[Values]]] = {
    "llamafactory": llamafactory,
    "msswift": msswift,
    "lmms_eval": lmms_eval,
    "vlmevalkit": vlmevalkit,
    "vlmevalkit_choice": vlmevalkit_choice,
    "pix2struct": pix2struct,
    "qwen_vl": qwen_vl,
    "evalscope": evalscope,
    "chartqapro": chartqapro,
    "vqa_official": vqa_official,
    "inspect": inspect,
    "inspect_choice": inspect_choice,
    "packages": packages,
    "cider": cider,
    "json_packages": json_packages,
    "donut": donut,
    "ccocr": ccocr,
    "mp_docvqa": mp_docvqa,
    "openeqa": openeqa,
}


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("oracle", choices=ORACLES)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--repos", type=Path, default=Path("/nonexistent"))
    args = parser.parse_args()
    pairs = [json.loads(line) for line in args.pairs.read_text(encoding="utf-8").split("\n") if line]
    try:
        values = ORACLES[args.oracle](pairs, args.repos)
    except (FileNotFoundError, LookupError, ImportError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 3
    args.out.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
