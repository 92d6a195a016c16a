"""How OCRBench v2 compares texts, counts and boxes (OCRBench_v2/eval_scripts: vqa_metric.py, page_ocr_metric.py, IoUscore_metric.py)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from rapidfuzz.distance import Levenshtein

from vldata.errors import DataError
from vleval.metrics.bleu import clipped
from vleval.metrics.segment import words_and_blanks

_HALF = 0.5  # a similarity below it is 0
_FEW_WORDS, _FEW_ITEMS = 5, 4  # shorter truths are searched for in the answer
_TAG = re.compile(r"\\text\{([^{}]*)\}")
_NUMBER = re.compile(r"\d+")
_CHINESE = re.compile(r"[\u4e00-\u9fa5]")
_JOINTS = ("", ".", ". ", ",", ", ", "、", ";", "; ", " ", "和")


def bare(text: str) -> str:
    """A value without case, line ends and blanks."""
    return text.lower().strip().replace("\n", " ").replace(" ", "")


def contains(text: str, truths: Sequence[str], *, lower: bool = True) -> float:
    """1 where the answer holds a short truth; else its similarity to a long one, if that is half or more."""

    def plain(item: str) -> str:
        return (item.lower() if lower else item).strip().replace("\n", " ")

    given = plain(text)
    return max((_nearness(given, truth, len(truth.split()) < _FEW_WORDS) for truth in map(plain, truths)), default=0.0)


def contains_cn(text: str, truths: Sequence[str]) -> float:
    """The same for Chinese: without blanks, and a truth is short that has few commas."""
    given = bare(text)
    return max((_nearness(given, truth, len(truth.split(",")) < _FEW_ITEMS) for truth in map(bare, truths)), default=0.0)


def _nearness(given: str, truth: str, short: bool) -> float:
    if short:
        return float(truth in given)
    longest = max(len(given), len(truth))
    near = 1 - (Levenshtein.distance(given, truth) / longest if longest else 0.0)
    return near if near >= _HALF else 0.0


def counts_exactly(text: str, truth: str) -> float:
    """Whether the answer holds the count as written."""
    return float(truth.lower().strip().replace("\n", " ") in text)


def counts_nearly(text: str, truth: str) -> float:
    """1 less the relative error of the first number, if it is above a half.

    Raises:
        ValueError: the truth is no whole number.
    """
    right, found = int(truth.strip()), _NUMBER.search(text.lower().strip().replace("\n", " "))
    if found is None or len(found[0]) > 1_000:
        return 0.0
    said = int(found[0])
    if said <= 0 or said >= 2 * right:
        return 0.0
    near = 1 - abs(said - right) / right
    return near if near > _HALF else 0.0


def holds_formula(text: str, truths: Sequence[str]) -> float:
    """Whether the answer holds a truth, both without blanks."""
    given = _solid(text)
    return float(any(_solid(truth) in given for truth in truths))


def _solid(text: str) -> str:
    return text.strip().replace("\n", " ").replace(" ", "")


def without_text_tags(text: str) -> str:
    r"""LaTeX without `\text{}` around its words."""
    return _TAG.sub(r"\1", text)


def holds_letters(text: str, truth: str) -> float:
    """Whether the answer holds the characters of the truth in one of the ways that people list them."""
    return float(any(joint.join(truth) in text for joint in (_JOINTS if len(truth) > 1 else ("",))))


def page_similarity(text: str, truth: str) -> float:
    """The mean of BLEU, METEOR, F1 of the set of words, and edit similarity.

    Raises:
        DataError: nltk's WordNet, which METEOR reads, is not here.
    """
    if _CHINESE.search(truth) or _CHINESE.search(text):
        given, right = words_and_blanks(text), words_and_blanks(truth)
    else:
        given, right = text.split(), truth.split()
    longest = max(len(text), len(truth))
    edits = Levenshtein.distance(text, truth) / longest if longest else 0.0
    return (_bleu(given, right) + _meteor(given, right) + _f_measure(set(right), set(given)) + (1 - edits)) / 4


def _bleu(given: Sequence[str], right: Sequence[str]) -> float:
    """Sentence BLEU-4 of nltk without smoothing: 0 as soon as an order has no match."""
    logs = 0.0
    for order in range(1, 5):
        common = clipped(_ngrams(given, order), _ngrams(right, order))
        if not common:
            return 0.0
        logs += 0.25 * math.log(common / max(1, len(given) - order + 1))
    penalty = 1.0 if len(given) > len(right) else math.exp(1 - len(right) / len(given))
    return penalty * math.exp(logs)


def _ngrams(words: Sequence[str], order: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(order)), strict=False))


def _meteor(given: Sequence[str], right: Sequence[str]) -> float:
    from nltk.translate.meteor_score import meteor_score

    try:
        return float(meteor_score([right], given))
    except LookupError:
        raise DataError(
            "OCRBench v2 compares pages and translations by METEOR, which reads WordNet, and nltk does not find it here.",
            cure="Run once: python -m nltk.downloader wordnet",
        ) from None


def _f_measure(right: set[str], given: set[str]) -> float:
    if not right or not given:
        return 0.0
    common = len(right & given)
    precision, recall = common / len(given), common / len(right)
    return 1 / (0.5 / precision + 0.5 / recall) if common else 0.0


def box_iou(one: Any, other: Any) -> float:
    """The IoU of two boxes of whole numbers; 0 where either is none."""
    try:
        x1, y1, x2, y2 = (int(side) for side in one[:4])
        a1, b1, a2, b2 = (int(side) for side in other[:4])
    except (TypeError, ValueError, OverflowError):
        return 0.0
    common = max(0, min(x2, a2) - max(x1, a1)) * max(0, min(y2, b2) - max(y1, b1))
    whole = (x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - common
    return common / whole if whole else 0.0
