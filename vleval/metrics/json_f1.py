"""F1 over the fields of JSON answers: Donut (Kim et al. 2022) and CC-OCR's normalisation of it.

Both sides are flattened to (path, text) pairs, lists without their order, and matched as multisets over the whole file:
tp / (tp + (fp + fn) / 2). An answer that is not JSON is no prediction and is counted as unparsed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vldata.errors import DataError
from vleval.metric import CorpusStats, Floats, Scorer, Scores
from vleval.metrics.base import answer, references
from vleval.metrics.looseparse import LooseError, parse_object
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

Fields = list[tuple[str, str]]

_FENCE = re.compile(r"```(?:json)?(.*?)(?:```|$)", re.DOTALL)
_CCOCR_FENCE = re.compile(r"```json(.*?)```", re.DOTALL)
_HALF_WIDTH: dict[int, int] = {0x3000: 0x20, ord("、"): ord(",")} | {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_PIECES = re.compile(r"\s+|[,.!?:;]|[^\s,.!?:;]+")
_JOINING = (
    (re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])"), ""),
    (re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[a-zA-Z0-9])"), ""),
    (re.compile(r"(?<=[a-zA-Z0-9])\s+(?=[\u4e00-\u9fff])"), ""),
)
_PARTING = (
    (re.compile(r"(?<=[0-9])(?=[a-zA-Z])"), " "),
    (re.compile(r"(?<=[a-zA-Z])(?=[0-9])"), " "),
    (re.compile(r"\s+"), " "),
)


def read_json(text: str) -> Any:
    """The JSON of an answer, with prose, fences and single quotes forgiven; None when there is none."""
    fenced = _FENCE.search(text)
    body = (fenced[1] if fenced else text).strip()
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        pass
    start = body.find("{")
    if start < 0:
        return None
    try:
        return parse_object(body, start)[0]
    except LooseError:
        return None


def read_ccocr(text: str) -> Any:
    """CC-OCR's reading: the first ```json fence, else the whole text; newlines removed; None when it is not JSON."""
    fenced = _CCOCR_FENCE.search(text)
    if "```json" in text and fenced is None:
        return None
    try:
        return json.loads((fenced[1] if fenced else text).strip().replace("\n", ""))
    except (ValueError, RecursionError):
        return None


def donut_fields(data: Any) -> Fields:
    """Donut's `normalize_dict` and `flatten` (donut/util.py): empty values vanish, everything else becomes stripped text."""
    return _flatten(_donut(data))


def donut_tree(data: Any) -> Any:
    """Donut's `normalize_dict`: objects of lists, whose items are objects or stripped texts."""
    return _donut(data)


def _donut(data: Any) -> Any:
    if not data:
        return {}
    return _normal(data, _donut)


def ccocr_fields(data: Any) -> Fields:
    """CC-OCR's variant (kie_evaluator.py): texts in half width and respaced first; null becomes the text "None", 0 and false stay.

    Strings inside lists are not respaced, as upstream.
    """
    return _flatten(ccocr_tree(data))


def ccocr_tree(data: Any) -> Any:
    """CC-OCR's variant of `donut_tree`."""
    return _ccocr(_respaced(data))


def _ccocr(data: Any) -> Any:
    return _normal(data, _ccocr)


def _normal(data: Any, again: Callable[[Any], Any]) -> Any:
    if isinstance(data, dict):
        result: dict[str, Any] = {}
        for key, raw in data.items():
            if value := again(raw):
                result[key] = value if isinstance(value, list) else [value]
        return result
    if isinstance(data, list):
        if all(isinstance(item, dict) for item in data):
            return [value for item in data if (value := again(item))]
        return [str(item).strip() for item in data if type(item) in (str, int, float) and str(item).strip()]
    return [str(data).strip()]


def _flatten(data: Any, path: str = "") -> Fields:
    if isinstance(data, dict):
        return [field for key, value in data.items() for field in _flatten(value, f"{path}.{key}" if path else key)]
    if isinstance(data, list):
        return [field for item in data for field in _flatten(item, path)]
    return [(path, data)]


def _respaced(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _respaced(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_respaced(item) if isinstance(item, dict) else item for item in data]
    return respace(data) if isinstance(data, str) else data


def respace(text: str) -> str:
    """Half width; no blanks between CJK and other text, one behind punctuation, one between digits and letters."""
    text = text.translate(_HALF_WIDTH)
    for pattern, replacement in _JOINING:
        text = pattern.sub(replacement, text)
    text = _one_blank_behind_marks(text)
    for pattern, replacement in _PARTING:
        text = pattern.sub(replacement, text)
    return text


def _one_blank_behind_marks(text: str) -> str:
    r"""What `(?<![0-9])\s*([,.!?:;])\s*` with `\1 ` does, in one pass: upstream's expression looks at every blank of a run again."""
    out: list[str] = []
    run, before, eaten = "", "", False  # blanks that are held back, the character before them, whether a mark has taken them
    for piece in _PIECES.findall(text):
        if piece.isspace():
            run, eaten = ("", True) if eaten else (piece, False)
            continue
        if piece in ",.!?:;":
            digit = before.isascii() and before.isdigit()
            if run and digit:
                out.append(run[0])
            if not run and digit and not eaten:
                out.append(piece)
                before, run, eaten = piece, "", False
                continue
            out.append(f"{piece} ")
            before, run, eaten = piece, "", True
            continue
        out.append(run + piece)
        before, run, eaten = piece[-1], "", False
    return "".join(out) + run


def _counts(given: Fields, wanted: Fields) -> tuple[int, int, int]:
    common = sum((Counter(given) & Counter(wanted)).values())
    return common, len(given) - common, len(wanted) - common


def _build(
    read: Callable[[str], Any], fields: Callable[[Any], Fields], *, epsilon: float, signature: str
) -> Callable[[MetricOptions], Scorer]:
    def f1(sums: Floats) -> Floats:
        tp, fp, fn = sums[:, 0], sums[:, 1], sums[:, 2]
        below = tp + (fp + fn) / 2 + epsilon
        return np.divide(tp, below, out=np.zeros_like(tp), where=below > 0)

    def score(rows: Sequence[Row]) -> Scores:
        stats = np.zeros((len(rows), 3))
        unparsed = 0
        for index, row in enumerate(rows):
            try:
                wanted = json.loads(references(row)[0])
            except (ValueError, RecursionError):
                raise DataError(f"the reference {references(row)[0][:60]!r} is not JSON.", where=row.id) from None
            text = answer(row)
            data = None if text is None else read(text)
            unparsed += text is not None and data is None
            stats[index] = _counts([] if data is None else fields(data), fields(wanted))
        note = f"{unparsed} of {len(rows)} answers are not JSON and count as no prediction."
        return Scores(
            values=f1(stats),
            corpus=CorpusStats(stats, f1),
            unparsed=unparsed,
            notes=(note,) if unparsed else (),
            details=tuple({"tp": tp, "fp": fp, "fn": fn} for tp, fp, fn in stats.tolist()),
        )

    def build(options: MetricOptions) -> Scorer:
        return Scorer(score=score, signature=signature, kind="corpus", styled=False)

    return build


vlkit = _build(read_json, donut_fields, epsilon=0.0, signature="read:tolerant norm:donut refs:first")
donut = vlkit
ccocr = _build(read_ccocr, ccocr_fields, epsilon=1e-6, signature="read:cc-ocr norm:cc-ocr eps:1e-6 refs:first")
