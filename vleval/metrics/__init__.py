"""Metrics: what each name means, and where it is made.

`METRICS` lists the names of our own behaviour (profile vlkit) and their builders; `vleval.profiles.PROFILES` lists what every other
profile defines. A builder takes `MetricOptions` and returns a `Metric`; it is imported when first asked for.
"""

from __future__ import annotations

METRICS: dict[str, str] = {
    "exact_match": "vleval.metrics.exact:vlkit",
    "token_f1": "vleval.metrics.token_f1:vlkit",
    "relaxed_accuracy": "vleval.metrics.relaxed:vlkit",
    "anls": "vleval.metrics.anls:vlkit",
    "anls:pip": "vleval.metrics.anls:pip",
    "anls:mp-docvqa": "vleval.metrics.anls:mp_docvqa",
    "anls:slidevqa": "vleval.metrics.anls:slidevqa",
    "anls_star": "vleval.metrics.anls_star:vlkit",
    "vqa_accuracy": "vleval.metrics.vqa:vlkit_builder",
    "multiple_choice": "vleval.metrics.multiple_choice:vlkit",
    "numeric_match": "vleval.metrics.numeric:vlkit",
    "numeric_match:begin": "vleval.metrics.numeric:inspect_begin",
    "numeric_match:end": "vleval.metrics.numeric:inspect_end",
    "numeric_match:any": "vleval.metrics.numeric:inspect_any",
    "numeric_match:exact": "vleval.metrics.numeric:inspect_exact",
    "json_f1": "vleval.metrics.json_f1:vlkit",
    "json_f1:donut": "vleval.metrics.json_f1:donut",
    "json_f1:ccocr": "vleval.metrics.json_f1:ccocr",
    "sacrebleu": "vleval.metrics.sacre:sacrebleu",
    "chrf": "vleval.metrics.sacre:chrf",
    "ter": "vleval.metrics.sacre:ter",
    "rouge1": "vleval.metrics.rouge_score:rouge1",
    "rouge2": "vleval.metrics.rouge_score:rouge2",
    "rougeL": "vleval.metrics.rouge_score:rougel",
    "cider": "vleval.metrics.cider:cider",
    "cider:ptb": "vleval.metrics.cider:cider_ptb",
    "detection_f1": "vleval.metrics.detection:detection_f1",
    "coco_ap": "vleval.metrics.coco_ap:coco_ap",
    "llm_match": "vleval.metrics.llm_match:llm_match",
}
