"""The metrics of our own behaviour (profile vlkit), by the names that `--metric` takes."""

from __future__ import annotations

from vleval.metrics import (
    anls,
    anls_star,
    cider,
    coco_ap,
    detection,
    exact,
    json_f1,
    llm_match,
    multiple_choice,
    numeric,
    relaxed,
    rouge_score,
    sacre,
    token_f1,
    vqa,
)
from vleval.metrics.base import Builder

METRICS: dict[str, Builder] = {
    "exact_match": exact.vlkit,
    "token_f1": token_f1.vlkit,
    "relaxed_accuracy": relaxed.vlkit,
    "anls": anls.vlkit,
    "anls:pip": anls.pip,
    "anls:mp-docvqa": anls.mp_docvqa,
    "anls:slidevqa": anls.slidevqa,
    "anls_star": anls_star.vlkit,
    "vqa_accuracy": vqa.vlkit_builder,
    "multiple_choice": multiple_choice.vlkit,
    "numeric_match": numeric.vlkit,
    "numeric_match:begin": numeric.inspect_begin,
    "numeric_match:end": numeric.inspect_end,
    "numeric_match:any": numeric.inspect_any,
    "numeric_match:exact": numeric.inspect_exact,
    "json_f1": json_f1.vlkit,
    "json_f1:donut": json_f1.donut,
    "json_f1:ccocr": json_f1.ccocr,
    "sacrebleu": sacre.sacrebleu,
    "chrf": sacre.chrf,
    "ter": sacre.ter,
    "rouge1": rouge_score.rouge1,
    "rouge2": rouge_score.rouge2,
    "rougeL": rouge_score.rougel,
    "cider": cider.cider,
    "cider:ptb": cider.cider_ptb,
    "detection_f1": detection.detection_f1,
    "coco_ap": coco_ap.coco_ap,
    "llm_match": llm_match.llm_match,
}
