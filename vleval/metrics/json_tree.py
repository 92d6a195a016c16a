"""Donut's tree edit accuracy of JSON answers (clovaai/donut, donut/util.py `cal_acc`): max(0, 1 - TED(answer, truth) / TED({}, truth)).

Objects and lists are nodes that cost 1, texts are leaves that cost their characters, and a changed leaf costs its edit distance. The tree
edit distance is Zhang and Shasha's (1989), on ordered trees; keys are ordered by length and name, as Donut orders them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from rapidfuzz.distance import Levenshtein

from vldata.errors import DataError
from vleval.metric import Scorer, Scores
from vleval.metrics.base import answer, mean_metric, references
from vleval.metrics.json_f1 import donut_tree, read_json
from vleval.metrics.options import MetricOptions
from vleval.metrics.tree_distance import tree_distance
from vleval.rows import Row

_MOST_CELLS = 4_000_000  # of nodes of the answer times nodes of the truth: larger answers take minutes


class Tree(NamedTuple):
    """An ordered tree in postorder: labels, whether each is a leaf's text, and the place of each node's leftmost leaf."""

    labels: tuple[str, ...]
    texts: tuple[bool, ...]
    leftmost: tuple[int, ...]


def nted(options: MetricOptions) -> Scorer:
    """The mean over rows; an answer that is not JSON is an empty one, as Donut reads it."""

    def score(rows: Sequence[Row]) -> Scores:
        values = np.zeros(len(rows))
        unparsed = large = 0
        for index, row in enumerate(rows):
            try:
                truth = make_tree(json.loads(references(row)[0]))
            except (ValueError, RecursionError):
                raise DataError(f"the reference {references(row)[0][:60]!r} is not JSON.", where=row.id) from None
            text = answer(row)
            data = None if text is None else read_json(text)
            unparsed += text is not None and data is None
            given = make_tree(data)
            if len(given.labels) * len(truth.labels) > _MOST_CELLS:
                large += 1
                continue
            whole = distance(make_tree({}), truth)
            values[index] = max(0.0, 1.0 - distance(given, truth) / whole) if whole else float(len(given.labels) == 1)
        notes = [f"{unparsed} of {len(rows)} answers are not JSON and count as an empty object."] if unparsed else []
        if large:
            notes.append(f"{large} of {len(rows)} answers have too many fields to be compared as trees and count as 0.")
        return Scores(values=values, unparsed=unparsed, notes=tuple(notes))

    return mean_metric(score, signature="norm:donut tree:zhang-shasha refs:first", styled=False)


def make_tree(data: Any) -> Tree:
    """The tree of a JSON value after Donut's normalisation."""
    return tree_of(donut_tree(data))


def tree_of(normal: Any) -> Tree:
    """The tree of a normalised JSON value: objects of lists, whose items are objects or texts."""
    labels: list[str] = []
    texts: list[bool] = []
    leftmost: list[int] = []

    def add(node: Any, label: str) -> None:
        first = len(labels)
        if isinstance(node, dict):
            for key in sorted(node, key=lambda name: (len(name), name)):
                add(node[key], key)
        else:
            for item in node:
                if isinstance(item, dict):
                    add(item, "<subtree>")
                else:
                    labels.append(item)
                    texts.append(True)
                    leftmost.append(len(labels) - 1)
        labels.append(label)
        texts.append(False)
        leftmost.append(first)

    add(normal, "<root>")
    return Tree(tuple(labels), tuple(texts), tuple(leftmost))


def distance(one: Tree, other: Tree) -> int:
    """The tree edit distance under Donut's costs."""
    drop = [len(label) if text else 1 for label, text in zip(one.labels, one.texts, strict=True)]
    add = [len(label) if text else 1 for label, text in zip(other.labels, other.texts, strict=True)]
    return int(tree_distance(one.leftmost, other.leftmost, drop, add, lambda a, b: _change(one, a, other, b)))


def _change(one: Tree, a: int, other: Tree, b: int) -> int:
    """What it costs to make one node of another: the edit distance of leaves, a leaf and 1 across kinds, 1 for another name."""
    label, wanted = one.labels[a], other.labels[b]
    if one.texts[a] and other.texts[b]:
        return int(Levenshtein.distance(label, wanted))
    if one.texts[a] or other.texts[b]:
        return 1 + len(label if one.texts[a] else wanted)
    return int(label != wanted)
