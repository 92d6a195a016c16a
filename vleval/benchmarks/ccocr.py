"""CC-OCR by VLMEvalKit: text in scenes and languages, fields of forms, and documents, tables and formulas; the mean of four tracks.

VLMEvalKit, vlmeval/dataset/image_ccocr.py `CCOCRDataset.evaluate` and vlmeval/dataset/utils/ccocr_evaluator/, commit e8e78f05.
A track is the mean over its sub-datasets, which are told by category, l2-category and split. The epsilons are upstream's.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from vldata.errors import DataError
from vleval.benchmarks.base import field_of, only_reference
from vleval.metric import CorpusStats, Floats, Scorer, Scores
from vleval.metrics.base import answer
from vleval.metrics.json_f1 import ccocr_tree, read_ccocr
from vleval.metrics.json_tree import distance, tree_of
from vleval.metrics.options import MetricOptions
from vleval.metrics.teds import TableTooLargeError, teds
from vleval.rows import Row

TRACKS = {"multi_lan_ocr": "lan_ocr", "multi_scene_ocr": "scene_ocr", "kie": "kie", "doc_parsing": "doc_parsing"}
# What a sub-dataset's sum is divided by, next to its rows (common.py, kie_evaluator.py, ocr_evaluator.py).
_EPSILON = {"multi_lan_ocr": 1e-9, "multi_scene_ocr": 1e-9, "kie": 1e-6, "doc_parsing": 0.0}
_TINY = 1e-9
_BY_CHARACTERS = ("Arabic", "Japanese", "Korean")
_BLANKS = re.compile(r"\s+")
_LATIN = re.compile(r"[^A-Za-z0-9]+")
# LaTeX that documents may begin with: what opens it, and what must follow on its line, one after the other.
_PREAMBLE = (
    ("\\documentclass{", ("}",)),
    ("\\usepackage[", ("]{", "}")),
    ("\\usepackage{", ("}",)),
    ("\\geometry{", ("}",)),
    ("\\begin{document}", ()),
    ("\\noindent", ()),
)
_MOST_NODES = 4_000_000  # of nodes of the answer times nodes of the truth: larger forms take minutes


def text_tokens(text: str, *, words: bool, latin: bool) -> list[str]:
    """The words or characters of a text in lower case; `latin` keeps A to Z and digits alone."""
    text = text.strip().replace("\t", " ").replace("\n", " ").replace("###", "").replace("***", "")
    text = _BLANKS.sub(" ", text)
    pieces = text.split(" ") if words else list(text.replace(" ", ""))
    lowered = (piece.lower() for piece in pieces)
    return [token for piece in lowered if (token := _LATIN.sub("", piece) if latin else piece)]


def token_f1(given: Sequence[str], truth: Sequence[str]) -> float:
    """F1 of two multisets of tokens."""
    right = (Counter(given) & Counter(truth)).total()
    recall, precision = right / (len(truth) + _TINY), right / (len(given) + _TINY)
    return 2 * recall * precision / (recall + precision + _TINY)


def _read_text(row: Row, text: str, truth: str) -> float:
    split = field_of(row, "split")
    words = split not in _BY_CHARACTERS and "zh" not in split
    latin = words and row.category == "multi_scene_ocr"
    return token_f1(text_tokens(text, words=words, latin=latin), text_tokens(truth, words=words, latin=latin))


def _object(text: str, row: Row) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, (dict, list)):
            return found
    raise DataError(f"the reference {text[:60]!r} is no JSON object.", where=row.id, cure="Give the benchmark's own file as --references.")


def _read_form(row: Row, text: str, truth: str) -> float:
    right = tree_of(ccocr_tree(_object(truth, row)))
    data = read_ccocr(text)
    given = tree_of(ccocr_tree({} if data is None else data))
    if len(given.labels) * len(right.labels) > _MOST_NODES:
        raise TableTooLargeError
    whole = distance(tree_of({}), right)
    return max(0.0, 1.0 - distance(given, right) / whole) if whole else 0.0  # upstream divides by numpy's 0


def _similarity(text: str, truth: str) -> float:
    longest = max(len(text), len(truth))
    return 1.0 - Levenshtein.distance(text, truth) / longest if longest else 1.0


def _bare(text: str) -> str:
    return text.replace(" ", "").replace("\n", "")


def _fenced(text: str, fence: str) -> str:
    pieces = text.split(fence)
    return pieces[1] if len(pieces) > 1 else text


def without_preamble(text: str) -> str:
    """The text without LaTeX's preamble, in time linear in it."""
    for head, tails in _PREAMBLE:
        if head in text:
            text = "\n".join(_without(line, head, tails) for line in text.split("\n"))
    return text


def _without(line: str, head: str, tails: Sequence[str]) -> str:
    kept: list[str] = []
    at = 0
    while (start := line.find(head, at)) >= 0:
        end = start + len(head)
        for tail in tails:
            found = line.find(tail, end)
            if found < 0:
                return "".join(kept) + line[at:]
            end = found + len(tail)
        kept.append(line[at:start])
        at = end
    return "".join(kept) + line[at:]


def _document(text: str, truth: str) -> float:
    text = _fenced(without_preamble(text), "```").replace("```latex", "").replace("```", "")
    return _similarity(_bare(text), _bare(truth))


def _table(text: str, truth: str) -> float:
    text = _fenced(without_preamble(text), "```html").replace("```", "")
    page = "<html><body>{}</body></html>"
    try:
        return teds(page.format(_bare(text).replace("，", ",")), page.format(_bare(truth)))
    except TableTooLargeError:
        raise
    except ValueError:  # a span that is no number: upstream ends there
        return 0.0


def _formula(text: str, truth: str) -> float:
    text = text.replace("\n", " ").replace("```latex", "").replace("```", "").replace("\t", " ").replace(" ", "")
    return _similarity(text, truth.replace(" ", ""))


def _molecule(text: str, truth: str) -> float:
    return _similarity(_bare(text).replace("<smiles>", "").replace("</smiles>", ""), truth.replace(" ", ""))


_PARSERS: dict[str, Callable[[str, str], float]] = {"doc": _document, "table": _table, "formula": _formula, "molecular": _molecule}


def _read_document(row: Row, text: str, truth: str) -> float:
    kind = field_of(row, "l2-category")
    if kind not in _PARSERS:
        raise DataError(f"{kind!r} is no kind of document of CC-OCR ({', '.join(_PARSERS)}).", where=row.id)
    return _PARSERS[kind](text, truth)


_READ: dict[str, Callable[[Row, str, str], float]] = {
    "multi_lan_ocr": _read_text,
    "multi_scene_ocr": _read_text,
    "kie": _read_form,
    "doc_parsing": _read_document,
}


def _part(row: Row) -> tuple[str, str, str]:
    """Category, l2-category and split of a row: the sub-dataset that it is in."""
    if row.category not in TRACKS:
        known = ", ".join(TRACKS)
        raise DataError(f"{row.category!r} is no category of CC-OCR ({known}).", where=row.id, cure="Give the benchmark's own file.")
    return row.category, field_of(row, "l2-category"), field_of(row, "split")


def _means(parts: Sequence[tuple[str, str, str]]) -> Callable[[Floats], Floats]:
    """Values of (sum, count) a part, on the last axis: the mean over tracks of the mean over their parts."""
    epsilon = np.array([_EPSILON[category] for category, _, _ in parts])
    tracks = [np.array([category == track for category, _, _ in parts]) for track in TRACKS]

    def value(sums: Floats) -> Floats:
        pairs = sums.reshape(len(sums), len(parts), 2)
        there = pairs[..., 1] > 0
        means = np.divide(pairs[..., 0], pairs[..., 1] + epsilon, out=np.zeros(there.shape), where=there)
        numbers = np.stack([there[:, track].sum(axis=1) for track in tracks], axis=1)
        totals = np.stack([means[:, track].sum(axis=1) for track in tracks], axis=1)
        of_track = np.divide(totals, numbers, out=np.zeros(numbers.shape), where=numbers > 0)
        overall: Floats = 100 * of_track.sum(axis=1) / np.maximum((numbers > 0).sum(axis=1), 1)
        return overall

    return value


def ccocr(options: MetricOptions) -> Scorer:
    """The mean of the tracks that are there, in percent; tracks and sub-datasets are its parts."""

    def score(rows: Sequence[Row]) -> Scores:
        where = [_part(row) for row in rows]
        parts = list(dict.fromkeys(where))
        places = {part: place for place, part in enumerate(parts)}
        values, large = np.zeros(len(rows)), 0
        stats = np.zeros((len(rows), len(parts), 2))
        for index, row in enumerate(rows):
            text, truth = answer(row), only_reference(row)
            if text is not None:
                try:
                    values[index] = _READ[row.category](row, text, truth)
                except TableTooLargeError:
                    large += 1
            stats[index, places[where[index]]] = (values[index], 1.0)
        flat = stats.reshape(len(rows), 2 * len(parts))
        told = {" ".join(part): float(_means([part])(stats[:, place].sum(axis=0)[None])[0]) for part, place in places.items()}
        for track, name in TRACKS.items():
            inside = [place for part, place in places.items() if part[0] == track]
            if inside:
                sums = stats[:, inside].sum(axis=0).reshape(1, -1)
                told[name] = float(_means([parts[place] for place in inside])(sums)[0])
        absent = [name for track, name in TRACKS.items() if all(part[0] != track for part in parts)]
        notes = [f"No question of the tracks {', '.join(absent)}: the number is the mean of the others."] if absent else []
        if large:
            notes.append(f"{large:,} of {len(rows):,} answers are too large to be compared as trees and count as 0.")
        return Scores(values=100 * values, corpus=CorpusStats(flat, _means(parts)), parts=told, notes=tuple(notes))

    return Scorer(score=score, signature="ccocr mean:tracks", scale=100.0, kind="corpus", styled=False)
