"""Comparisons of benchmarks of few answers: yes or no, and letters."""

from __future__ import annotations

import io
import json
import random
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks_shared import WORDS, YES_NO, Check, add, asked, frames, scores_of
from upstream import cut

from vleval import Row
from vleval.benchmarks.choices import DURATIONS
from vleval.benchmarks.table import BENCHMARKS


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
