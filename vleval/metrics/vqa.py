"""VQA accuracy (Antol et al. 2015): an answer counts min(1, matches / 3), averaged over the sets that leave one annotator out.

The variants differ in who is normalised when. All count upstream slips that change numbers: the full-stop expression looks behind for the
literal text `<=` and a digit, and its `re.UNICODE` is taken for a count, so that only the first 32 full stops go.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence

import numpy as np

from vleval.metric import Scorer, Scores
from vleval.metrics.base import answer, mean_metric, references
from vleval.metrics.caching import cached
from vleval.metrics.options import MetricOptions
from vleval.metrics.pieces import rejoined
from vleval.metrics.text import vlkit_normal
from vleval.rows import Row

_NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_DIGITS = {"none": "0"} | {word: str(number) for number, word in enumerate(_NUMBER_WORDS)}
_ARTICLES = frozenset({"a", "an", "the"})
_APOSTROPHES = (
    "ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's how'd "
    "how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've o'clock oughtn't 'ow's'at "
    "shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll someone's "
    "something'd something'd've something'll that's there'd there'd've there're there's they'd they'd've they'll they're they've 'twas "
    "wasn't we'd've we've weren't what'll what're what's what've when's where'd where's where've who'd who'd've who'll who's who've "
    "why'll why're why's won't would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've"
)
_CONTRACTIONS = {word[:at] + word[at + 1 :]: word for word in _APOSTROPHES.split() for at, mark in enumerate(word) if mark == "'"}
_CONTRACTIONS["somebody'd"] = "somebodyd"

_PUNCTUATION = (";", "/", "[", "]", '"', "{", "}", "(", ")", "=", "+", "\\", "_", "-", ">", "<", "@", "`", ",", "?", "!")
_PERIOD = re.compile(r"(?!<=\d)(\.)(?!\d)")
_PERIOD_LONE = re.compile(r"(?<!\d)\.(?!\d)")
_COMMA = re.compile(r"(\d)(,)(\d)")
_COMMAS = re.compile(r"(?<=\d),+(?=\d)")
_ASCII_PERIOD = re.compile(r"(?!<=\d)(\.)(?!\d)", re.ASCII)
_ASCII_COMMA = re.compile(r"(\d)(,)(\d)", re.ASCII)
_PERIODS_REMOVED = 32
_EVALSCOPE_COMMA = re.compile(r"(?<=\d),(?=\d)")
_EVALSCOPE_PUNCTUATION = str.maketrans(dict.fromkeys(string.punctuation.replace(":", ""), " "))
_EVALSCOPE_MARKER = re.compile(r"ANSWER:\s*(.*)", re.IGNORECASE)


def without_punctuation(text: str, period: re.Pattern[str] = _PERIOD, comma: re.Pattern[str] = _COMMA) -> str:
    """Punctuation removed where a blank stands next to that mark (or digits stand around a comma), else turned into a blank."""
    result = text
    digits = comma.search(text) is not None
    for mark in _PUNCTUATION:
        if mark in result:
            result = result.replace(mark, "" if digits or mark + " " in text or " " + mark in text else " ")
    return period.sub("", result, count=_PERIODS_REMOVED)


def without_punctuation_lone(text: str) -> str:
    """As VLMEvalKit's `process_punctuation`: a full stop stays that stands next to a digit."""
    return without_punctuation(text, _PERIOD_LONE)


def without_articles(text: str) -> str:
    """Lower case, number words as digits, no articles, apostrophes put back into contractions."""
    return rejoined(text.lower(), _plain_words)


def _plain_words(text: str) -> str:
    words = [_DIGITS.get(word, word) for word in text.split()]
    return " ".join([_CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES])


@cached(1 << 16)
def _normal(text: str) -> str:
    return without_articles(without_punctuation(_flat(text)))


@cached(1 << 16)
def _normal_ascii(text: str) -> str:
    return without_articles(without_punctuation(_flat(text), _ASCII_PERIOD, _ASCII_COMMA))


@cached(1 << 16)
def _normal_lmms(text: str) -> str:
    return without_articles(without_punctuation(_flat(text), _PERIOD, _COMMAS))


@cached(1 << 16)
def _normal_lone(text: str) -> str:
    return without_articles(without_punctuation_lone(_flat(text)))


@cached(1 << 16)
def _normal_evalscope(text: str) -> str:
    flat = _EVALSCOPE_COMMA.sub("", text.lower().strip().replace("\n", " ").replace("\t", " "))
    return rejoined(flat.translate(_EVALSCOPE_PUNCTUATION), _digits_and_words)


def _digits_and_words(text: str) -> str:
    words = [_DIGITS.get(word, word) for word in text.split()]
    return " ".join([word for word in words if word not in _ARTICLES])


def _flat(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()


def leave_one_out(matches: Sequence[bool]) -> float:
    """Mean over annotators of min(1, matches of the others / 3)."""
    total = sum(matches)
    hits = sum(min(1.0, (total - hit) / 3) for hit in matches)
    return hits / len(matches)


def official(prediction: str, known: Sequence[str]) -> float:
    """GT-Vision-Lab/VQA, vqaEval.py as of 2021: both sides are normalised, but only when the answers are not all the same string."""
    flat = [_flat(reference) for reference in known]
    if len(set(flat)) > 1:
        text = _normal_ascii(prediction)
        return leave_one_out([_normal_ascii(reference) == text for reference in flat])
    text = _flat(prediction)
    return leave_one_out([reference == text for reference in flat])


def before_2021(prediction: str, known: Sequence[str]) -> float:
    """The official script before 2021, which Qwen-VL and LAVIS keep.

    The prediction is always normalised; of the ground truth only the punctuation, only when there is more than one distinct answer, and
    never the case.
    """
    text = _normal(prediction)
    if len(set(known)) > 1:
        return leave_one_out([without_punctuation(reference) == text for reference in known])
    return leave_one_out([reference == text for reference in known])


def lmms_eval(prediction: str, known: Sequence[str]) -> float:
    """lmms-eval, tasks/vqav2/utils.py: both sides are always normalised."""
    text = _normal_lmms(prediction)
    return leave_one_out([_normal_lmms(reference) == text for reference in known])


def vlmevalkit(prediction: str, known: Sequence[str]) -> float:
    """VLMEvalKit, `vqa_score`: both sides are always normalised; a full stop behind a digit stays."""
    text = _normal_lone(prediction)
    return leave_one_out([_normal_lone(reference) == text for reference in known])


def evalscope(prediction: str, known: Sequence[str]) -> float:
    """As in evalscope 1.14, benchmarks/vqav2: its own normalisation; an empty answer is 0, a single reference gives 1/3."""
    found = _EVALSCOPE_MARKER.findall(prediction)
    text = _normal_evalscope((found[-1] if found else prediction).strip().strip("\"'"))
    if not text:
        return 0.0
    matches = [_normal_evalscope(reference) == text for reference in known]
    return sum(matches) / 3.0 if len(matches) == 1 else leave_one_out(matches)


def vlkit(prediction: str, known: Sequence[str]) -> float:
    """Ours: lmms-eval's normalisation after NFKC; with fewer than four references one match among the others is worth more.

    The divisor is min(3, references - 1), and 1 for a single reference, so that a perfect answer can reach 1.
    """
    text = _normal(vlkit_normal(prediction))
    matches = [_normal(vlkit_normal(reference)) == text for reference in known]
    if len(matches) == 1:
        return float(matches[0])
    total, needed = sum(matches), min(3, len(matches) - 1)
    return sum(min(1.0, (total - hit) / needed) for hit in matches) / len(matches)


def _build(
    compare: Callable[[str, Sequence[str]], float], signature: str, *, single_is_zero: bool = True
) -> Callable[[MetricOptions], Scorer]:
    def score(rows: Sequence[Row]) -> Scores:
        values = np.zeros(len(rows))
        single = 0
        for index, row in enumerate(rows):
            known = references(row)
            single += len(known) == 1
            text = answer(row)
            values[index] = 0.0 if text is None else compare(text, known)
        note = f"{single} of {len(rows)} rows have one reference only, where VQA accuracy leaves nobody to agree with and is 0."
        return Scores(values=values, notes=(note,) if single and single_is_zero else ())

    def build(options: MetricOptions) -> Scorer:
        return mean_metric(score, signature=signature)

    build.__doc__ = compare.__doc__
    return build


vlkit_builder = _build(vlkit, "norm:nfkc+vqa leave-one-out:min(3,n-1)", single_is_zero=False)
official_builder = _build(official, "norm:vqa-2021 leave-one-out:3")
before_2021_builder = _build(before_2021, "norm:vqa-2016 leave-one-out:3")
lmms_eval_builder = _build(lmms_eval, "norm:vqa-both leave-one-out:3")
vlmevalkit_builder = _build(vlmevalkit, "norm:vqa-both-keep-digit-stop leave-one-out:3")
evalscope_builder = _build(evalscope, "norm:evalscope leave-one-out:3", single_is_zero=False)
