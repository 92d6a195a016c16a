"""ChartQA relaxed accuracy (Masry et al. 2022, end of section 5.1), in the variants that are in use."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from vleval.metric import Scorer, Scores
from vleval.metrics.base import Pick, answer, mean_metric, mean_of, over_pairs
from vleval.metrics.options import MetricOptions
from vleval.metrics.years import year_notes
from vleval.rows import Row

_MARKER = re.compile(r"(?i)ANSWER\s*:\s*\**\s*")
_DECORATION = re.compile(r"[\s$€£¥,%]")


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
    "45%" against "45" is wrong, "1,234" and "$5" are text, 2008 for 2010 is right, and 1.05 against 1.0 fails by float error.
    """
    predicted = to_float(prediction)
    if predicted is not None and (target := to_float(reference)):
        return 1.0 if abs(predicted - target) / abs(target) <= tolerance else 0.0
    return 1.0 if prediction.lower() == reference.lower() else 0.0


def evalscope_match(prediction: str, reference: str, *, tolerance: float = 0.05) -> float:
    """As in evalscope 1.14, benchmarks/chartqa/utils.py: like `relaxed_match`, but a zero reference wants a zero."""
    predicted = to_float(prediction)
    if predicted is not None and (target := to_float(reference)) is not None:
        if target == 0:
            return 1.0 if predicted == 0 else 0.0
        return 1.0 if abs(predicted - target) / abs(target) <= tolerance else 0.0
    return 1.0 if prediction.lower() == reference.lower() else 0.0


def answer_line(text: str) -> str | None:
    """How evalscope reads an answer: behind the last "ANSWER:" to the end of its line, without bold marks; None without a marker."""
    end = -1
    for marker in _MARKER.finditer(text):
        end = marker.end()
    return None if end < 0 else text[end:].split("\n", 1)[0].strip().strip("*").strip()


def pix2struct(options: MetricOptions) -> Scorer:
    """google-research/pix2struct, metrics.py: raw strings, best over the references."""
    return _core(options, lambda prediction, reference, tolerance: relaxed_match(prediction, reference, tolerance=tolerance), "no")


def lmms_eval(options: MetricOptions) -> Scorer:
    """lmms-eval, tasks/chartqa/utils.py: raw strings; its data have one reference, of several we take the first."""
    return _core(options, lambda prediction, reference, tolerance: relaxed_match(prediction, reference, tolerance=tolerance), "no", "first")


def vlmevalkit(options: MetricOptions) -> Scorer:
    """VLMEvalKit, dataset/utils/vqa_eval.py: the prediction is stripped, best over the references (no answer is run as code here)."""
    return _core(
        options,
        lambda prediction, reference, tolerance: relaxed_match(prediction.strip(), reference, tolerance=tolerance),
        "prediction",
    )


def qwen_vl(options: MetricOptions) -> Scorer:
    """Qwen-VL, eval_mm/evaluate_vqa.py: the prediction is stripped and handed over as the target.

    So 5 % of the *prediction* are forgiven, and it is a zero prediction that is compared as text.
    """
    return _core(
        options,
        lambda prediction, reference, tolerance: relaxed_match(reference, prediction.strip(), tolerance=tolerance),
        "prediction swapped:yes",
    )


def evalscope(options: MetricOptions) -> Scorer:
    """As in evalscope 1.14, benchmarks/chartqa: the text behind the last "ANSWER:"; a zero reference wants a zero.

    Upstream takes an answer without the marker for empty. We score such an answer as it stands, and say how many there are.
    """
    tolerance = _tolerance(options)

    def compare(prediction: str, reference: str) -> float:
        line = answer_line(prediction)
        return evalscope_match(prediction if line is None else line, reference, tolerance=tolerance)

    per_row = over_pairs(compare, "first")

    def score(rows: Sequence[Row]) -> Scores:
        unmarked = sum(1 for row in rows if (text := answer(row)) is not None and answer_line(text) is None)
        note = f"{unmarked} of {len(rows)} answers have no 'ANSWER:' line, which evalscope's own adapter would take for empty."
        return Scores(values=mean_of(per_row)(rows).values, notes=(note,) if unmarked else ())

    return mean_metric(score, signature=f"extract:answer-line zero:number tol:{tolerance:g} refs:first", binary=True)


def vlkit(options: MetricOptions) -> Scorer:
    """Our recommendation: the core rule on stripped texts, best over the references, so that numbers stay comparable with published ones.

    How many answers fail by a percent sign, currency sign or thousands comma alone is said next to the score.
    """
    tolerance = _tolerance(options)

    def compare(prediction: str, reference: str) -> float:
        return relaxed_match(prediction.strip(), reference.strip(), tolerance=tolerance)

    per_row = over_pairs(compare, "max")

    def score(rows: Sequence[Row]) -> Scores:
        scores = mean_of(per_row)(rows)
        losses = sum(1 for row, value in zip(rows, scores.values, strict=True) if not value and _decorated(row, tolerance))
        note = f"{losses} of {len(rows)} answers are wrong only by a percent sign, a currency sign or thousands commas."
        years = year_notes(rows, scores.values, tolerance)
        return Scores(values=scores.values, notes=((note,) if losses else ()) + years)

    return mean_metric(score, signature=f"strip:both tol:{tolerance:g} refs:max", binary=True)


def _decorated(row: Row, tolerance: float) -> bool:
    text = answer(row)
    if text is None or len(text) > 1_000 or not any(character.isdigit() for character in text):
        return False
    bare = _DECORATION.sub("", text)
    return any(
        (to_float(bare) is not None and relaxed_match(bare, _DECORATION.sub("", reference), tolerance=tolerance))
        for reference in row.references
    )


def _core(options: MetricOptions, match: Callable[[str, str, float], float], strip: str, pick: Pick = "max") -> Scorer:
    tolerance = _tolerance(options)

    def compare(prediction: str, reference: str) -> float:
        return match(prediction, reference, tolerance)

    per_row = over_pairs(compare, pick)

    def score(rows: Sequence[Row]) -> Scores:
        values = mean_of(per_row)(rows).values
        return Scores(values=values, notes=year_notes(rows, values, tolerance))

    return mean_metric(score, signature=f"strip:{strip} tol:{tolerance:g} refs:{pick}", binary=True)


def _tolerance(options: MetricOptions) -> float:
    return 0.05 if options.tolerance is None else options.tolerance
