"""The table of prediction formats. A new one is a module with `row`, a line here and a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from vleval.readers import (
    coco,
    eval_mm,
    evalscope,
    inspect_ai,
    llamafactory,
    lmms_eval,
    ms_swift,
    openai_batch,
    opencompass,
    openeqa,
    plain,
    videomme,
    vlmevalkit,
)
from vleval.readers.containers import Container, Record
from vleval.readers.taken import NOTHING, Taken
from vleval.rows import Row

RowMaker = Callable[[Record, str, str], Row]
"""(record, where for messages, name of the group field) -> row; a record without an id gives a row without one"""


@dataclass(frozen=True)
class Format:
    """How one tool writes predictions.

    Attributes:
        title: what is said aloud.
        containers: in which it comes.
        recognise: whether a first record is of this format.
        row: makes the row; raises DataError for a record that is not of the format.
        explode: for documents and samples that hold more than one record.
        taken: the fields of the format; None where they are chosen by their names.
        gather: makes one record of several that belong to one answer (the boxes of a picture).
    """

    title: str
    containers: frozenset[Container]
    recognise: Callable[[Record], bool]
    row: RowMaker
    explode: Callable[[Record, str], list[tuple[str, Record]]] | None = None
    taken: Taken | None = NOTHING
    gather: Callable[[Iterator[tuple[str, Record]]], Iterator[tuple[str, Record]]] | None = None


def _keys(*names: str) -> Callable[[Record], bool]:
    wanted = frozenset(names)
    return lambda record: wanted <= record.keys()


_LINES: frozenset[Container] = frozenset({"jsonl", "json-list", "unfolded"})
_TABLES: frozenset[Container] = frozenset({"xlsx", "tsv", "csv", "json-list", "json-object", "unfolded", "jsonl"})


def _any_of(*tests: Callable[[Record], bool]) -> Callable[[Record], bool]:
    return lambda record: any(test(record) for test in tests)


# The first that recognises the first record is taken: special before plain.
FORMATS: dict[str, Format] = {
    "openai-batch": Format(
        "vLLM or OpenAI batch output (custom_id, response, error)",
        _LINES,
        _keys("custom_id", "response"),
        openai_batch.row,
        taken=Taken(id="custom_id", prediction="response.body"),
    ),
    "lmms-eval": Format(
        "lmms-eval samples (doc_id, target, filtered_resps)",
        _LINES,
        _keys("doc_id", "filtered_resps"),
        lmms_eval.row,
        taken=Taken(id="doc_id", prediction="filtered_resps", reference="target"),
    ),
    "inspect-ai": Format(
        "inspect_ai log (samples with target and output)",
        frozenset({"eval", "json-object"}),
        _any_of(_keys("samples", "eval"), _keys("epoch", "target")),
        inspect_ai.row,
        inspect_ai.samples,
        taken=Taken(id="id", prediction="output.completion", reference="target"),
    ),
    "evalscope": Format(
        "evalscope predictions (index, model_output)",
        _LINES,
        evalscope.recognise,
        evalscope.row,
        taken=Taken(id="index", prediction="model_output.completion"),
    ),
    "evalscope-reviews": Format(
        "evalscope reviews (index, target, sample_score)",
        _LINES,
        _keys("index", "target", "sample_score"),
        evalscope.review_row,
        taken=Taken(id="index", prediction="sample_score.score.prediction", reference="target"),
    ),
    "llamafactory": Format(
        "LLaMA-Factory generated predictions (prompt, predict, label)",
        _LINES,
        _keys("predict", "label"),
        llamafactory.row,
        taken=Taken(prediction="predict", reference="label"),
    ),
    "ms-swift": Format(
        "ms-swift infer results (response, labels)",
        _LINES,
        _keys("response", "labels"),
        ms_swift.row,
        taken=Taken(id="id", prediction="response", reference="labels"),
    ),
    "vlmevalkit": Format(
        "VLMEvalKit results (index, question, answer, prediction)",
        _TABLES,
        vlmevalkit.recognise,
        vlmevalkit.row,
        vlmevalkit.records,
        taken=Taken(id="index", prediction="prediction", reference="answer"),
    ),
    "opencompass": Format(
        "OpenCompass predictions (origin_prompt, prediction, gold)",
        _LINES,
        _keys("origin_prompt", "prediction"),
        opencompass.row,
        taken=Taken(id="id", prediction="prediction", reference="gold"),
    ),
    "qwen-vl": Format(
        "Qwen-VL or InternVL evaluation output (question_id, answer, annotation)",
        _LINES,
        eval_mm.recognise,
        eval_mm.row,
        taken=Taken(id="question_id", prediction="answer", reference="annotation"),
    ),
    "video-mme": Format(
        "Video-MME results (questions nested in videos)",
        _LINES,
        videomme.recognise,
        videomme.row,
        videomme.records,
        taken=Taken(id="question_id", prediction="response", reference="answer"),
    ),
    "coco-results": Format(
        "COCO detection results (image_id, category_id, bbox)",
        frozenset({"json-list", "jsonl"}),
        coco.recognise,
        coco.row,
        taken=Taken(id="image_id", prediction="bbox"),
        gather=coco.gather,
    ),
    "openeqa": Format(
        "OpenEQA results (question_id, answer)",
        _LINES,
        openeqa.recognise_results,
        openeqa.row,
        taken=Taken(id="question_id", prediction="answer"),
    ),
    "openeqa-marks": Format(
        "OpenEQA judge marks (question_id: 1 to 5)", frozenset({"json-object"}), openeqa.recognise_marks, openeqa.mark_row, openeqa.marks
    ),
    "plain": Format(
        "plain predictions (id, prediction)",
        frozenset({"jsonl", "json-list", "unfolded", "csv", "tsv", "xlsx"}),
        plain.recognise,
        plain.row,
        taken=None,
    ),
}


def describe(record: Any) -> str:
    """The field names of a record, for messages."""
    names = [repr(str(key)) for key in list(record)[:8]]
    return ", ".join(names) + (", ..." if len(record) > 8 else "")
