"""Oracles that are packages: what LLaMA-Factory and ms-swift call, and the packages behind vlkit's variants."""

from __future__ import annotations

from pathlib import Path

from upstream import Pair, Values, cut, guarded, jieba_words


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
