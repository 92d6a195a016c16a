"""ChartQA relaxed accuracy (Masry et al. 2022, end of section 5.1), in the variants that are in use."""

from __future__ import annotations

from vleval.metric import Metric
from vleval.metrics.base import pair_metric
from vleval.metrics.options import MetricOptions


def to_float(text: str) -> float | None:
    """A number as pix2struct reads it: Python's `float`, after a trailing % (all of them) has divided by 100."""
    try:
        if text.endswith("%"):
            return float(text.rstrip("%")) / 100.0
        return float(text)
    except ValueError:
        return None


def relaxed_match(prediction: str, reference: str, *, tolerance: float = 0.05) -> float:
    """The core rule of pix2struct and lmms-eval, on the raw strings.

    Numbers may miss by `tolerance` of the reference; other answers must be equal, ignoring case. A zero reference is compared as text.
    An infinite or NaN reference never matches a number, as upstream's arithmetic gives.
    """
    predicted = to_float(prediction)
    if predicted is not None and (target := to_float(reference)):
        return 1.0 if abs(predicted - target) / abs(target) <= tolerance else 0.0
    return 1.0 if prediction.lower() == reference.lower() else 0.0


def _build(compare_tolerance: float, *, signature: str, strip: bool = False, swap: bool = False, pick: str = "max") -> Metric:
    def compare(prediction: str, reference: str) -> float:
        if strip:
            prediction = prediction.strip()
        if swap:
            prediction, reference = reference, prediction
        return relaxed_match(prediction, reference, tolerance=compare_tolerance)

    return pair_metric(compare, pick="first" if pick == "first" else "max", signature=f"{signature} tol:{compare_tolerance:g}", binary=True)


def _tolerance(options: MetricOptions) -> float:
    return 0.05 if options.tolerance is None else options.tolerance


def pix2struct(options: MetricOptions) -> Metric:
    """google-research/pix2struct, pix2struct/metrics.py: raw strings, best over the references."""
    return _build(_tolerance(options), signature="strip:no")


def lmms_eval(options: MetricOptions) -> Metric:
    """lmms-eval, tasks/chartqa/utils.py: raw strings, one reference (the data have one; of several we take the first)."""
    return _build(_tolerance(options), signature="strip:no", pick="first")


def vlmevalkit(options: MetricOptions) -> Metric:
    """VLMEvalKit, dataset/utils/vqa_eval.py: the prediction is stripped, best over the references."""
    return _build(_tolerance(options), signature="strip:prediction")
