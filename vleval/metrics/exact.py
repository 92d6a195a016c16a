"""Exact match, as each tool compares."""

from __future__ import annotations

import string

from vleval.metric import Scorer
from vleval.metrics.base import pair_metric
from vleval.metrics.options import MetricOptions
from vleval.metrics.text import vlkit_normal

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def exact_match(prediction: str, reference: str) -> float:
    """1 when the texts are equal after NFKC, without case, outer blanks and a final full stop."""
    return 1.0 if prediction == reference or vlkit_normal(prediction) == vlkit_normal(reference) else 0.0


def vlkit(options: MetricOptions) -> Scorer:
    """Best over the references; see `exact_match`."""
    return pair_metric(exact_match, pick="max", signature="norm:nfkc+case+blanks+stop", binary=True)


def pix2struct(options: MetricOptions) -> Scorer:
    """google-research/pix2struct, metrics.py: the strings are the same; best over the references."""
    return pair_metric(lambda prediction, reference: float(prediction == reference), pick="max", signature="norm:none", binary=True)


def lmms_eval(options: MetricOptions) -> Scorer:
    """lmms-eval, api/metrics.py `exact_match`, with the settings of its GQA and AI2D tasks: case and ASCII punctuation ignored.

    Blanks count. Upstream compares in numpy's fixed-width strings, which lose trailing NUL characters, and cut what lower case makes
    longer ("İ"); so here.
    """

    def compare(prediction: str, reference: str) -> float:
        return float(_lmms_normal(prediction) == _lmms_normal(reference))

    return pair_metric(compare, pick="first", signature="norm:case+punct", binary=True)


def _lmms_normal(text: str) -> str:
    text = text.rstrip("\0")
    return text.lower()[: len(text)].translate(_NO_PUNCTUATION).rstrip("\0")


def stripped_lower(options: MetricOptions) -> Scorer:
    """Stripped and in lower case: VLMEvalKit (`accuracy` of OCRVQA and GQA), Qwen-VL (evaluate_vqa.py) and evalscope (`exact_match`).

    VLMEvalKit and Qwen-VL take the best of the references, evalscope has one.
    """

    def compare(prediction: str, reference: str) -> float:
        return float(prediction.strip().lower() == reference.strip().lower())

    return pair_metric(compare, pick="max", signature="norm:strip+lower", binary=True)
