"""ChartQAPro's relaxed accuracy (vis-nlp/ChartQAPro, evaluate_predictions.py).

Lists are aligned, flagged years must match exactly, text falls back to ANLS, and percent signs are ignored on both sides. The last
reference counts. Year flags come from the row's `Year` field ("YES", or a list of them), and a conversation uses the last flag. Where
upstream stops for want of a flag, we take "NO". Upstream works out that fact checking and multiple choice want exact matches, and then
does not pass it on; neither do we.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import replace
from typing import Any

from vleval.metric import Scorer
from vleval.metrics.anls import pip_anls
from vleval.metrics.base import answer, mean_metric, mean_of, references
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

_LIST = re.compile(r"^\[(.*)\]$")
_BARE_ITEM = re.compile(r"(?<!['\w])(\w[^,]*?)(?!['\w])")
_MAX_LIST_CHARS = 100_000


def relaxed_accuracy(options: MetricOptions) -> Scorer:
    """The score of one row is the mean over its aligned items."""
    tolerance = 0.05 if options.tolerance is None else options.tolerance

    def per_row(row: Row) -> float:
        target = references(row)[-1].strip(".").strip("\n")
        text = answer(row)
        return 0.0 if text is None else match(target, text.strip(".").strip("\n"), year_flags(row), tolerance=tolerance)

    signature = f"lists:aligned percent:ignored tol:{tolerance:g} text:anls-pip refs:last"
    return replace(mean_metric(mean_of(per_row), signature=signature), counts_reference="last")


def match(target: str, prediction: str, flags: list[str], *, tolerance: float = 0.05) -> float:
    """Mean over the items of target and prediction, aligned by position; an item without a partner is 0."""
    wanted = _as_list(str(_quote_items(target))) or [target]
    given = _as_list(prediction) or [prediction]
    if len(flags) < len(wanted):
        flags = flags * len(wanted)
    total = 0.0
    for index in range(min(len(wanted), len(given))):
        flag = flags[index] if index < len(flags) else "NO"
        if flag.upper() == "YES":
            total += float(wanted[index].strip().lower() == given[index].strip().lower())
        else:
            total += single(wanted[index], given[index], tolerance=tolerance)
    return total / max(len(wanted), len(given))


def single(target: str, prediction: str, *, tolerance: float = 0.05) -> float:
    """One item: numbers within `tolerance` (a zero wants a zero), other text by ANLS."""
    wanted = target.strip().strip("%").strip()
    given = prediction.strip().strip("%").strip()
    number, guess = _to_float(wanted), _to_float(given)
    if number is not None and guess is not None:
        if number == 0.0:
            return 1.0 if guess == 0.0 else 0.0
        return 1.0 if abs(guess - number) / abs(number) <= tolerance else 0.0
    return pip_anls(given.lower(), (wanted.lower(),))


def year_flags(row: Row) -> list[str]:
    """The row's year flags; ["NO"] where it has none."""
    raw = row.extra.get("Year", row.extra.get("year", ""))
    flags = _as_list(raw) or ([raw] if raw else ["NO"])
    kind = row.extra.get("Question Type", row.extra.get("question_type", row.category))
    return flags[-1:] if kind == "Conversational" else flags


def _quote_items(item: str) -> Any:
    matched = _LIST.match(item.strip())
    if not matched:
        return item
    try:
        return _literal("[" + _BARE_ITEM.sub(r"'\1'", matched[1]) + "]")
    except (SyntaxError, ValueError):
        return item


def _as_list(text: str) -> list[str] | None:
    if "[" not in text or len(text) > _MAX_LIST_CHARS:
        return None
    try:
        parsed = _literal(text)
    except Exception:  # whatever Python's parser finds wrong with a model's text, it is not a list
        return None
    return [str(item).strip(" '") for item in parsed] if isinstance(parsed, list) else None


def _literal(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in what a model wrote
        return ast.literal_eval(text)


def _to_float(text: str) -> float | None:
    try:
        return float(text.strip().strip("%"))
    except ValueError:
        return None
