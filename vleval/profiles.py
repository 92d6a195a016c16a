"""Profiles: whose behaviour a metric reproduces, to the last digit.

`PROFILES[profile][metric]` names the builder. A pair that is not listed is not defined, and asking for it is a usage error. Every profile
but vlkit scores the raw string.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

import msgspec

from vldata.errors import UsageError
from vleval.metric import Metric, Scores
from vleval.metrics import METRICS
from vleval.metrics.options import MetricOptions
from vleval.metrics.text import strip_think
from vleval.rows import Row

PROFILES: dict[str, dict[str, str]] = {
    "vlkit": METRICS,
    "llamafactory": {
        "bleu-4": "vleval.metrics.llamafactory:bleu_4",
        "rouge-1": "vleval.metrics.llamafactory:rouge_1",
        "rouge-2": "vleval.metrics.llamafactory:rouge_2",
        "rouge-l": "vleval.metrics.llamafactory:rouge_l",
    },
    "lmms-eval": {
        "relaxed_accuracy": "vleval.metrics.relaxed:lmms_eval",
    },
    "vlmevalkit": {
        "relaxed_accuracy": "vleval.metrics.relaxed:vlmevalkit",
    },
    "pix2struct": {
        "relaxed_accuracy": "vleval.metrics.relaxed:pix2struct",
    },
}

ALIASES: dict[str, dict[str, str]] = {
    "llamafactory": {
        "bleu-4": "predict_bleu-4",
        "rouge-1": "predict_rouge-1",
        "rouge-2": "predict_rouge-2",
        "rouge-l": "predict_rouge-l",
    },
}
"""Keys under which a profile's own tool prints a metric, written beside ours in JSON."""

DEFAULTS: dict[str, dict[str, tuple[str, ...]]] = {
    "vlkit": {"": ("exact_match",), "chart": ("relaxed_accuracy",)},
}
"""profile -> task -> the metrics scored when none is named; "" stands for any other task. A profile not listed scores all
it defines."""

TASK_ALIASES: dict[str, str] = {"chartqa": "chart", "chart_qa": "chart"}

ENTRY_POINTS = "vlkit.metrics"


def resolve(profile: str, metric: str, options: MetricOptions | None = None) -> Metric:
    """The metric under the profile.

    Raises:
        UsageError: no such profile or metric, or the profile does not define it; the message names what does.
    """
    options = options or MetricOptions()
    if profile not in PROFILES:
        raise UsageError(f"no profile {profile!r}{_nearest(profile, PROFILES)}.", cure="Profiles: " + ", ".join(PROFILES) + ".")
    built: Metric = _builder(profile, metric)(options)
    strip = profile == "vlkit" if options.strip_think is None else options.strip_think
    if not strip:
        return replace(built, name=metric, profile=profile)
    score = built.score
    signature = f"{built.signature} think:strip"
    return replace(built, name=metric, profile=profile, score=lambda rows: score(_answers_only(rows)), signature=signature)


def default_metrics(profile: str, task: str) -> tuple[str, ...]:
    """The metrics a profile scores when none is named, by the task in the record's meta."""
    by_task = DEFAULTS.get(profile)
    if by_task is None:
        return tuple(PROFILES[profile])
    name = task.strip().lower().replace("-", "_")
    return by_task.get(TASK_ALIASES.get(name, name), by_task[""])


def table() -> list[tuple[str, tuple[str, ...]]]:
    """Every metric and the profiles that define it, in the order printed."""
    names = list(dict.fromkeys(name for metrics in [METRICS, *PROFILES.values()] for name in metrics))
    return [(name, tuple(profile for profile, metrics in PROFILES.items() if name in metrics)) for name in names]


def _builder(profile: str, metric: str) -> Any:
    if metric.startswith("evaluate:"):
        return _load("vleval.metrics.hf_evaluate:builder")(metric.removeprefix("evaluate:"))
    if target := PROFILES[profile].get(metric):
        return _load(target)
    if found := entry_points(group=ENTRY_POINTS, name=metric):
        return next(iter(found)).load()
    defining = [name for name, metrics in PROFILES.items() if metric in metrics]
    if defining:
        raise UsageError(f"profile {profile!r} does not define {metric!r}.", cure=f"Defined by: {', '.join(defining)}.")
    known = list(dict.fromkeys(name for metrics in PROFILES.values() for name in metrics))
    raise UsageError(f"no metric {metric!r}{_nearest(metric, known)}.", cure=f"Profile {profile!r} has: {', '.join(PROFILES[profile])}.")


def _load(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _nearest(name: str, known: Sequence[str] | dict[str, Any]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def _answers_only(rows: Sequence[Row]) -> list[Row]:
    return [
        row if (text := row.prediction) is None or (kept := strip_think(text)) is text else msgspec.structs.replace(row, prediction=kept)
        for row in rows
    ]


__all__ = ["ALIASES", "DEFAULTS", "PROFILES", "MetricOptions", "Scores", "default_metrics", "resolve", "table"]
