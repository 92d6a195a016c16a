"""Compare the benchmarks with the code they equal: `python -m tools.goldens.benchmarks DIR`, where DIR holds check-outs as README.md says.

Needs pandas beside the project. Every definition is cut out of its file and runs as it stands; generated questions and answers go
through both.
"""

from __future__ import annotations

import io
import json
import random
import sys
import tempfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from upstream import cut

from vleval import MetricOptions, Row
from vleval.benchmarks.base import Benchmark
from vleval.benchmarks.choices import DURATIONS
from vleval.benchmarks.table import BENCHMARKS
from vleval.metric import Scores
from vleval.profiles import read_as

Check = tuple[str, int, int]  # name, values compared, values that differ
CHOICE_TEXTS = ("cat", "dog", "a red car", "3", "none of them", "Yes", "No", "left", "right", "on the table", "12.5")
ANSWERS = (
    *("A", "B", "C", "D", "(B)", "B.", "b", "The answer is C", "The answer is **D**.", "correct answer is a", "I think A or B", "Z"),
    *(
        "Answer: C",
        "Best answer: C",
        "The best option is D",
        "It is {0}",
        "{1}",
        "{0} and {1}",
        "A {0}",
        "It looks like a {2} to me, I would say",
    ),
    *("", " ", "I can't process this file.", "Both (A) and (C) are wrong; (B)", "Because A is not right, C it is. So C", "D: {3}", "A\nB"),
    *(
        "The correct answer is **B**. Here is why: the {0} stands there and the {1} does not",
        "Option: A",
        "选B",
        "E",
        "答案是 C 。",
        "C, because of {2}",
    ),
)
YES_NO = (
    *(
        "yes",
        "Yes",
        "No",
        "no.",
        "Yes, it is.",
        "No, there is not.",
        "yes and no",
        "There is a dog.",
        "not really",
        "I do not know",
        "YES!",
    ),
    *(
        "",
        "No",
        "no,way",
        "yes/no",
        "(yes)",
        "It is no dog. Yes",
        "Yes. No",
        "noyes",
        "yes-no",
        "Maybe",
        "no?",
        "'yes'",
        "no\nyes",
        "3,4 no",
    ),
)
WORDS = (
    "the",
    "answer",
    "is",
    "so",
    "=",
    "42",
    "3.5",
    "1,234",
    "-7",
    "1e3",
    "2.50",
    "cat",
    "red",
    "x",
    "therefore",
    "could be",
    "final",
    ".",
    "\n",
    "%",
    "$5",
)


def scores_of(benchmark: Benchmark, rows: list[Row]) -> tuple[Scores, float]:
    """What we say of the rows, and the value."""
    scores = benchmark.build(MetricOptions()).score(read_as(benchmark.profile, rows))
    if scores.corpus is not None:
        return scores, float(scores.corpus.value(scores.corpus.rows.sum(axis=0, keepdims=True))[0])
    return scores, float(scores.values.mean())


def differing(ours: Iterable[float], theirs: Iterable[float]) -> int:
    """How many values differ."""
    return sum(not abs(a - b) < 1e-9 for a, b in zip(ours, theirs, strict=True))


def frames() -> tuple[Any, dict[str, Any]]:
    """Pandas, and what upstream's ratings need of its package."""
    import pandas as pd

    return pd, {"pd": pd, "np": np, "defaultdict": defaultdict, "load": lambda frame: frame.copy(), "d2df": lambda found: found}


def yes_no(root: Path, dice: random.Random) -> list[Check]:
    """POPE and HallusionBench by VLMEvalKit: each answer, and the ratings of 100 files."""
    pd, space = frames()
    space["process_punctuation"] = cut(root / "VLMEvalKit/vlmeval/smp/misc.py", ["process_punctuation"])["process_punctuation"]
    code = cut(root / "VLMEvalKit/vlmeval/dataset/utils/yorn.py", ["YOrN_Extraction", "POPE_rating", "Hallusion_rating"], space)
    checks, counted = {"pope": [0, 0], "hallusionbench": [0, 0]}, 0
    for number in range(100):
        n = 20 + number
        answers = [" ".join(dice.sample(YES_NO, dice.choice((1, 1, 1, 2)))) for _ in range(n)]
        truths = [dice.choice(("Yes", "No")) for _ in range(n)]
        categories = [dice.choice(("random", "popular,adversarial", "adversarial,popular,random")) for _ in range(n)]
        ids = [
            f"V{dice.choice('SD')}_{dice.choice(('chart', 'map'))}_1_{dice.randrange(3)}_{dice.randrange(3)}_{dice.randrange(3)}"
            for _ in range(n)
        ]
        extracted = [code["YOrN_Extraction"](text) for text in answers]
        hits = [truth == said for truth, said in zip(truths, extracted, strict=True)]
        data = pd.DataFrame({"index": ids, "answer": truths, "extracted": extracted, "score": hits, "category": categories})
        rows = [Row(id=i, prediction=p, references=(r,), category=c) for i, p, r, c in zip(ids, answers, truths, categories, strict=True)]
        scores, value = scores_of(BENCHMARKS["pope"], rows)
        table = code["POPE_rating"](data).set_index("split")
        whole = table.loc["Overall"]
        theirs = [whole["Overall"], whole["acc"], whole["precision"], whole["recall"]]
        ours = [value, *(scores.parts[name] for name in ("accuracy", "precision", "recall"))]
        for name in table.index[1:]:
            theirs += [table.loc[name, "Overall"], table.loc[name, "acc"]]
            ours += [scores.parts[f"{name} F1"], scores.parts[f"{name} accuracy"]]
        add(checks["pope"], [*ours, *scores.values], [*theirs, *(100.0 * np.array(hits))])
        data["category"] = [i[:2] for i in ids]
        data["l2-category"] = [i.split("_")[1] for i in ids]
        rows = [Row(id=i, prediction=p, references=(r,), category=i[:2]) for i, p, r in zip(ids, answers, truths, strict=True)]
        scores, value = scores_of(BENCHMARKS["hallusionbench"], rows)
        table = code["Hallusion_rating"](data).set_index("split")
        ours, theirs = [value], [table.loc["Overall", "aAcc"]]
        for name in ("Overall", "VS", "VD"):
            for part in ("aAcc", "fAcc", "qAcc"):
                ours.append(scores.parts[part if name == "Overall" else f"{name} {part}"])
                theirs.append(table.loc[name, part])
        add(checks["hallusionbench"], [*ours, *scores.values], [*theirs, *(100.0 * np.array(hits))])
        counted += n
    return [(name, *found) for name, found in checks.items()]


def add(check: list[int], ours: list[float], theirs: list[float]) -> None:
    """Count what was compared and what differs."""
    check[0] += len(ours)
    check[1] += differing(ours, theirs)


def pope_official(root: Path, dice: random.Random) -> list[Check]:
    """POPE's own script, run on files that are written for it."""
    source = (root / "POPE/evaluate.py").read_text(encoding="utf-8")
    check = [0, 0]
    for number in range(100):
        n = 20 + number
        answers = ["yes", *(dice.choice(YES_NO) for _ in range(n))]
        labels = ["yes", *(dice.choice(("yes", "no")) for _ in range(n))]
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder, "answers"), Path(folder, "labels")
            files[0].write_text("\n".join(json.dumps({"answer": text}) for text in answers))
            files[1].write_text("\n".join(json.dumps({"label": text}) for text in labels))
            script = source.replace("ans_file = ''", f"ans_file = {str(files[0])!r}").replace(
                "label_file = ''", f"label_file = {str(files[1])!r}"
            )
            told: dict[str, Any] = {}
            with redirect_stdout(io.StringIO()):
                exec(compile(script, "POPE/evaluate.py", "exec"), told)
        rows = [Row(id=str(i), prediction=p, references=(r,)) for i, (p, r) in enumerate(zip(answers, labels, strict=True))]
        scores, value = scores_of(BENCHMARKS["pope:official"], rows)
        ours = [value, *(scores.parts[name] for name in ("accuracy", "precision", "recall", "yes ratio")), *scores.values]
        theirs = [100 * told[name] for name in ("f1", "acc", "precision", "recall", "yes_ratio")]
        add(check, ours, [*theirs, *(100.0 * (p == t) for p, t in zip(told["pred_list"], told["label_list"], strict=True))])
    return [("pope:official", *check)]


def asked(dice: random.Random) -> tuple[str, list[str]]:
    """An answer and the options of its question."""
    options = dice.sample(CHOICE_TEXTS, 4)
    text = " ".join(dice.sample(ANSWERS, dice.choice((1, 1, 1, 2))))
    return text.format(*options), options


def choices(root: Path, dice: random.Random) -> list[Check]:
    """Single questions, circular groups and Video-MME by VLMEvalKit without a judge."""
    import string

    pd, space = frames()
    infer = cut(
        root / "VLMEvalKit/vlmeval/utils/matching_util.py",
        ["_VERBOSE_ANSWER_RE", "can_infer_option", "can_infer_text", "can_infer"],
        {"cp": __import__("copy"), "os": __import__("os")},
    )
    names = ["build_choices", "prefetch_answer", "extract_answer_from_item", "prefetch_circular_group", "eval_vanilla"]
    space |= {"can_infer": infer["can_infer"], "string": string, "build_option_str": str, "cn_string": lambda text: False}
    space |= {name: (lambda *given: "") for name in ("build_prompt", "build_prompt_cn", "build_prompt_blink", "build_prompt_wemath")}
    code = cut(root / "VLMEvalKit/vlmeval/dataset/utils/multiple_choice.py", names, space)
    film = cut(
        root / "VLMEvalKit/vlmeval/dataset/utils/videomme.py",
        ["extract_characters_regex", "extract_option"],
        {"extract_answer_from_item": code["extract_answer_from_item"]},
    )
    single, circle, video = [0, 0], [0, 0], [0, 0]
    for _ in range(60):
        rows, theirs = [], []
        for number in range(50):
            text, options = asked(dice)
            truth = dice.choice("ABCD")
            item = pd.Series({"question": "q", "prediction": text, "GT": truth, **dict(zip("ABCD", options, strict=True))})
            theirs.append(100.0 * code["eval_vanilla"](None, item)["hit"])
            rows.append(Row(id=str(number), prediction=text, references=(truth,), choices=tuple(options)))
        add(single, list(scores_of(BENCHMARKS["mmstar"], rows)[0].values), theirs)
        rows, theirs = [], []
        for number in range(1, 51):
            group = []
            for turn in range(dice.choice((2, 4))):
                text, options = asked(dice)
                truth = dice.choice("ABCD")
                text = truth if dice.random() < 0.7 else text
                group.append({"index": number + turn * 10**6, "prediction": text, "GT": truth, **dict(zip("ABCD", options, strict=True))})
                circle_of = {"circle": str(number)}
                rows.append(Row(id=str(group[-1]["index"]), prediction=text, references=(truth,), choices=tuple(options), groups=circle_of))
            found = code["prefetch_circular_group"](pd.DataFrame(group))
            theirs.append(0.0 if found is None else float(found["hit"]))
        scores, value = scores_of(BENCHMARKS["mmbench"], rows)
        assert scores.corpus is not None
        add(circle, [*scores.corpus.rows[scores.corpus.rows[:, 1] == 1][:, 0], value], [*theirs, 100 * float(np.mean(theirs))])
        rows, theirs = [], []
        for number in range(50):
            text, options = asked(dice)
            truth, duration = dice.choice("ABCD"), dice.choice(DURATIONS)
            question = "\n".join(["What?", *(f"{letter}. {option}" for letter, option in zip("ABCD", options, strict=True))])
            said = film["extract_characters_regex"](text)
            said = said or film["extract_option"](None, {"question": question, "prediction": text, "answer": truth}, "Video-MME")
            theirs.append(100.0 * (said == truth))
            rows.append(Row(id=str(number), prediction=text, references=(truth,), question=question, extra={"duration": duration}))
        scores, _ = scores_of(BENCHMARKS["video-mme"], rows)
        known = [(row.extra["duration"], hit) for row, hit in zip(rows, theirs, strict=True)]
        means = {name: float(np.mean([hit for duration, hit in known if duration == name])) for name in scores.parts}
        add(video, [*scores.values, *scores.parts.values()], [*theirs, *means.values()])
    return [("mmstar, ai2d, realworldqa", *single), ("mmbench", *circle), ("video-mme", *video)]


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


def mmmu(root: Path, dice: random.Random) -> list[Check]:
    """The authors' parsers; answers on which upstream draws a letter at random are left out and counted."""
    names = ["parse_multi_choice_response", "check_is_number", "normalize_str", "extract_numbers", "parse_open_response", "eval_open"]

    class Drawn(Exception):
        pass

    class NoDice:
        @staticmethod
        def choice(letters: Any) -> Any:
            raise Drawn

    code = cut(root / "MMMU/mmmu/utils/eval_utils.py", names, {"np": np, "random": NoDice})
    check, drawn = [0, 0], 0
    for number in range(4_000):
        if number % 2:
            text, options = asked(dice)
            truth, kind = dice.choice("ABCD"), "multiple-choice"
            try:
                said = code["parse_multi_choice_response"](text, list("ABCD"), dict(zip("ABCD", options, strict=True)))
            except Drawn:
                said = ""
                drawn += 1
            theirs, known = 100.0 * (said == truth), (truth,)
        else:
            text, options, kind = " ".join(dice.choices(WORDS, k=dice.randint(0, 9))), [], "open"
            known = tuple(dice.choices(WORDS, k=dice.choice((1, 1, 2))))
            theirs = 100.0 * code["eval_open"](list(known) if len(known) > 1 else known[0], code["parse_open_response"](text))
        row = Row(id=str(number), prediction=text, references=known, choices=tuple(options), extra={"question_type": kind})
        add(check, list(scores_of(BENCHMARKS["mmmu"], [row])[0].values), [theirs])
    return [(f"mmmu ({drawn} random draws taken as wrong)", *check)]


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


def erqa(root: Path, dice: random.Random) -> list[Check]:
    """The body of `ERQADataset.evaluate` on files of 50 answers."""
    import ast as syntax

    pd, space = frames()
    tree = syntax.parse((root / "VLMEvalKit/vlmeval/dataset/erqa.py").read_text(encoding="utf-8"))
    node = next(node for node in tree.body if isinstance(node, syntax.ClassDef) and node.name == "ERQADataset")
    node.bases, node.body = [], [part for part in node.body if getattr(part, "name", "") == "evaluate"]
    kept: list[Any] = []
    space |= {"logger": type("L", (), {"info": lambda *given: None}), "get_intermediate_file_path": lambda *given: ""}
    space["dump"] = lambda frame, path: kept.append(frame)
    exec(compile(syntax.Module([node], []), "ERQADataset", "exec"), space)
    check = [0, 0]
    for _ in range(30):
        texts = [dice.choice(("A", "a", " B", "B.", "C\n", "D", "The answer is A", "(A)", "", "İ")) for _ in range(50)]
        truths = [dice.choice("ABCDİ") for _ in texts]
        kept.clear()
        data = pd.DataFrame({"index": range(50), "prediction": texts, "answer": truths, "category": ["x"] * 50})
        table = space["ERQADataset"].evaluate(space["ERQADataset"](), data)
        rows = [Row(id=str(i), prediction=p, references=(r,)) for i, (p, r) in enumerate(zip(texts, truths, strict=True))]
        scores, value = scores_of(BENCHMARKS["erqa"], rows)
        add(check, [*scores.values, value], [*(100.0 * kept[0]["correct"]), float(table["Accuracy (%)"][0])])
    return [("erqa", *check)]


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


COMPARISONS = (yes_no, pope_official, choices, ocrbench, mmmu, vsibench, texts, refcoco, erqa, marks, chart_pro)


def main() -> int:
    """Compare all, print a line each, and exit 1 where anything differs; what is not there is said to be unchecked."""
    root, different = Path(sys.argv[1]), 0
    for compare in COMPARISONS:
        try:
            checks = compare(root, random.Random(0))
        except (FileNotFoundError, LookupError, ImportError) as error:
            print(f"{compare.__name__}: NOT CHECKED ({type(error).__name__}: {error})")
            continue
        for name, compared, differs in checks:
            print(f"{name}: {compared:,} values compared, {differs:,} differ")
            different += differs
    return int(different > 0)


if __name__ == "__main__":
    raise SystemExit(main())
