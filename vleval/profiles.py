"""Profiles: whose behaviour a metric reproduces, to the last digit.

`PROFILES[profile][metric]` names the builder. A pair that is not listed is not defined, and asking for it is a usage error. Every profile
but vlkit scores the raw string.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec

from vldata.errors import UsageError
from vleval.framing import bare_answer
from vleval.kept import changed
from vleval.metric import Metric, Scorer, named
from vleval.metrics import (
    anls,
    chartqapro,
    cider,
    exact,
    hf_evaluate,
    json_f1,
    llamafactory,
    llm_match,
    msswift,
    multiple_choice,
    numeric,
    relaxed,
    sacre,
    token_f1,
    vqa,
)
from vleval.metrics.base import Builder
from vleval.metrics.options import MetricOptions
from vleval.metrics.table import METRICS
from vleval.readers.fields import listed
from vleval.rows import Row

PROFILES: dict[str, dict[str, Builder]] = {
    "vlkit": METRICS,
    "llamafactory": {
        "bleu-4": llamafactory.bleu_4,
        "rouge-1": llamafactory.rouge_1,
        "rouge-2": llamafactory.rouge_2,
        "rouge-l": llamafactory.rouge_l,
    },
    "ms-swift": {
        "bleu-4": msswift.bleu_4,
        "rouge-1": msswift.rouge_1,
        "rouge-2": msswift.rouge_2,
        "rouge-l": msswift.rouge_l,
        "exact_match": msswift.exact_match,
    },
    "lmms-eval": {
        "exact_match": exact.lmms_eval,
        "relaxed_accuracy": relaxed.lmms_eval,
        "anls": anls.raw_length,
        "anls:slidevqa": anls.slidevqa_lmms,
        "vqa_accuracy": vqa.lmms_eval_builder,
        "sacrebleu": sacre.sacrebleu_13a,
        "chrf": sacre.chrf,
        "ter": sacre.ter_plain,
        "cider:ptb": cider.cider_ptb,
    },
    "vlmevalkit": {
        "exact_match": exact.stripped_lower,
        "relaxed_accuracy": relaxed.vlmevalkit,
        "anls": anls.raw_length,
        "anls:slidevqa": anls.slidevqa,
        "vqa_accuracy": vqa.vlmevalkit_builder,
        "multiple_choice": multiple_choice.vlmevalkit,
        "json_f1:ccocr": json_f1.ccocr,
    },
    "pix2struct": {
        "exact_match": exact.pix2struct,
        "relaxed_accuracy": relaxed.pix2struct,
        "anls": anls.pix2struct,
        "cider:ptb": cider.cider_ptb,
    },
    "qwen-vl": {
        "exact_match": exact.stripped_lower,
        "relaxed_accuracy": relaxed.qwen_vl,
        "anls": anls.raw_length,
        "vqa_accuracy": vqa.before_2021_builder,
        "cider:ptb": cider.cider_ptb,
    },
    "evalscope": {
        "exact_match": exact.stripped_lower,
        "relaxed_accuracy": relaxed.evalscope,
        "anls": anls.evalscope,
        "vqa_accuracy": vqa.evalscope_builder,
        "multiple_choice": multiple_choice.evalscope,
        "numeric_match": numeric.evalscope,
    },
    "chartqapro": {
        "relaxed_accuracy": chartqapro.relaxed_accuracy,
    },
    "vqa-official": {
        "vqa_accuracy": vqa.official_builder,
        "vqa_accuracy:2016": vqa.before_2021_builder,
    },
    "inspect": {
        "exact_match": token_f1.inspect_exact,
        "token_f1": token_f1.inspect,
        "multiple_choice": multiple_choice.inspect,
        "numeric_match": numeric.inspect_end,
        "numeric_match:begin": numeric.inspect_begin,
        "numeric_match:end": numeric.inspect_end,
        "numeric_match:any": numeric.inspect_any,
        "numeric_match:exact": numeric.inspect_exact,
    },
    "openeqa": {
        "llm_match": llm_match.llm_match,
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
"""Keys under which a profile's own tool prints a metric, written next to ours in JSON."""

DEFAULTS: dict[str, dict[str, tuple[str, ...]]] = {
    "vlkit": {
        "": ("exact_match", "token_f1", "anls"),
        "vqa": ("exact_match", "token_f1", "anls"),
        "chart": ("relaxed_accuracy", "exact_match"),
        "ocr": ("anls", "exact_match", "chrf"),
        "doc": ("anls", "exact_match"),
        "caption": ("cider", "chrf", "rougeL"),
        "multiple_choice": ("multiple_choice",),
        "extraction": ("anls_star", "json_f1"),
        "detection": ("detection_f1",),
        "numeric": ("numeric_match", "exact_match"),
        "solution": ("solution_match",),
    },
    "llamafactory": {"": ("bleu-4", "rouge-1", "rouge-2", "rouge-l")},
    "ms-swift": {"": ("bleu-4", "rouge-1", "rouge-2", "rouge-l")},
    "lmms-eval": {
        "": ("exact_match",),
        "chart": ("relaxed_accuracy",),
        "doc": ("anls",),
        "ocr": ("anls",),
        "caption": ("cider:ptb",),
    },
    "vlmevalkit": {
        "": ("exact_match",),
        "chart": ("relaxed_accuracy",),
        "doc": ("anls",),
        "ocr": ("anls",),
        "multiple_choice": ("multiple_choice",),
        "extraction": ("json_f1:ccocr",),
    },
    "pix2struct": {"": ("exact_match",), "chart": ("relaxed_accuracy",), "doc": ("anls",), "ocr": ("anls",), "caption": ("cider:ptb",)},
    "qwen-vl": {"": ("exact_match",), "chart": ("relaxed_accuracy",), "doc": ("anls",), "ocr": ("anls",), "caption": ("cider:ptb",)},
    "evalscope": {
        "": ("exact_match",),
        "chart": ("relaxed_accuracy",),
        "doc": ("anls",),
        "ocr": ("anls",),
        "multiple_choice": ("multiple_choice",),
    },
    "chartqapro": {"": ("relaxed_accuracy",)},
    "vqa-official": {"": ("vqa_accuracy",)},
    "inspect": {"": ("exact_match", "token_f1"), "multiple_choice": ("multiple_choice",), "numeric": ("numeric_match",)},
    "openeqa": {"": ("llm_match",)},
}
"""profile -> task -> the metrics scored when none is named; "" stands for any other task."""

TASK_ALIASES: dict[str, str] = {
    "chartqa": "chart",
    "chart_qa": "chart",
    "docvqa": "doc",
    "document": "doc",
    "infovqa": "doc",
    "text": "ocr",
    "captioning": "caption",
    "mcq": "multiple_choice",
    "choices": "multiple_choice",
    "choice": "multiple_choice",
    "multi_choice": "multiple_choice",
    "multichoice": "multiple_choice",
    "mcqa": "multiple_choice",
    "vmcq": "multiple_choice",
    "kie": "extraction",
    "json": "extraction",
    "grounding": "detection",
    "openeqa": "vqa",
    "counting": "numeric",
}
"""Other words for the tasks of `DEFAULTS`."""

ENTRY_POINTS = "vlkit.metrics"


def resolve(profile: str, metric: str, options: MetricOptions | None = None) -> Metric:
    """The metric under the profile.

    Raises:
        UsageError: no such profile or metric, or the profile does not define it; the message names what does.
    """
    options = options or MetricOptions()
    if profile not in PROFILES:
        raise UsageError(f"no profile {profile!r}{_nearest(profile, PROFILES)}.", cure="Profiles: " + ", ".join(PROFILES) + ".")
    return finished(_builder(profile, metric)(options), metric, profile, options)


def finished(scorer: Scorer, metric: str, profile: str, options: MetricOptions) -> Metric:
    """A scorer under its name and profile, which takes thoughts off first where the profile does."""
    strip = strips_thoughts(profile, options)
    if not strip:
        return named(scorer, metric, profile)
    score, gold, signature = scorer.score, scorer.gold, f"{scorer.signature} think:strip"
    return named(
        replace(
            scorer,
            score=lambda rows: score(_answers_only(rows)),
            gold=None if gold is None else lambda rows: gold(_answers_only(rows)),
            signature=signature,
        ),
        metric,
        profile,
    )


def strips_thoughts(profile: str, options: MetricOptions) -> bool:
    """Whether thoughts come off before scoring: in vlkit, unless the user says otherwise."""
    return profile == "vlkit" if options.strip_think is None else options.strip_think


def read_as(profile: str, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows as the profile's tool reads its own files: VLMEvalKit evaluates an answer cell, so `[2014, 2016]` is two answers there."""
    if profile != "vlmevalkit":
        return rows
    return changed(rows, _with_list)


def _with_list(row: Row) -> Row:
    found = listed(row.references[0]) if len(row.references) == 1 and row.references[0].startswith("[") else None
    return row if found is None else msgspec.structs.replace(row, references=found)


def default_metrics(profile: str, task: str) -> tuple[str, ...]:
    """The metrics a profile scores when none is named, by the task in the record's meta."""
    by_task = DEFAULTS[profile]
    return by_task.get(known_task(task), by_task[""])


def known_task(task: str) -> str:
    """The task under the name that `DEFAULTS` has for it; "" for one that no profile knows."""
    name = task.strip().lower().replace("-", "_").replace(" ", "_")
    name = TASK_ALIASES.get(name, name)
    return name if any(name in by_task for by_task in DEFAULTS.values()) else ""


def table() -> list[tuple[str, tuple[str, ...]]]:
    """Every metric and the profiles that define it, in the order printed."""
    names = list(dict.fromkeys(name for metrics in [METRICS, *PROFILES.values()] for name in metrics))
    return [(name, tuple(profile for profile, metrics in PROFILES.items() if name in metrics)) for name in names]


def _builder(profile: str, metric: str) -> Builder:
    if metric.startswith("evaluate:"):
        return hf_evaluate.builder(metric.removeprefix("evaluate:"))
    if builder := PROFILES[profile].get(metric):
        return builder
    if found := entry_points(group=ENTRY_POINTS, name=metric):
        return _from_package(next(iter(found)))
    defining = [name for name, metrics in PROFILES.items() if metric in metrics]
    if defining:
        raise UsageError(f"profile {profile!r} does not define {metric!r}.", cure=f"Defined by: {', '.join(defining)}.")
    known = list(dict.fromkeys(name for metrics in PROFILES.values() for name in metrics))
    raise UsageError(f"no metric {metric!r}{_nearest(metric, known)}.", cure=f"Profile {profile!r} has: {', '.join(PROFILES[profile])}.")


def _from_package(point: EntryPoint) -> Builder:
    try:
        builder: Builder = point.load()
    except Exception as error:  # a foreign package may fail in any way; it costs itself alone
        fault = f"the metric {point.name!r} of {point.value} cannot be imported: {error}."
        raise UsageError(fault, cure="Repair its package, or remove it.") from None
    return builder


def _nearest(name: str, known: Sequence[str] | dict[str, Any]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def _answers_only(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows with thoughts, tokens of the end and frames taken off their predictions and their references alike."""
    return changed(rows, _answer_only)


def _answer_only(row: Row) -> Row:
    prediction = None if row.prediction is None else bare_answer(row.prediction)
    references = tuple(bare_answer(text) for text in row.references)
    same = prediction is row.prediction and all(new is old for new, old in zip(references, row.references, strict=True))
    return row if same else msgspec.structs.replace(row, prediction=prediction, references=references)


__all__ = ["ALIASES", "DEFAULTS", "PROFILES", "TASK_ALIASES", "MetricOptions", "default_metrics", "known_task", "resolve", "table"]
