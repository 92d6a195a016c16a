"""TEDS: how alike two HTML tables are as trees (Zhong et al. 2020, "Image-based table recognition", section 5).

1 less the tree edit distance over the larger number of nodes. A node costs 1 to add, to remove, and to change where its tag or spans
differ; a cell of the same spans costs the edit distance of its contents over the longer one. Contents are characters and tags.
ibm-aur-nlp/PubTabNet, src/metric.py, which VLMEvalKit and OCRBench v2 carry.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from rapidfuzz.distance import Levenshtein

from vleval.metrics.tree_distance import tree_distance

MOST_CELLS = 4_000_000
"""Nodes of one table times nodes of the other: larger pairs take minutes and are not compared."""

_SPANS = ("colspan", "rowspan")


class TableTooLargeError(ValueError):
    """Two tables have too many cells to be compared."""


class TableTree(NamedTuple):
    """A table as an ordered tree in postorder: tag and spans of each node, the contents of cells, and the place of its leftmost leaf.

    `elements` counts the elements below the table in its HTML, those inside cells included: what the distance is divided by.
    """

    names: tuple[tuple[str, int, int], ...]
    contents: tuple[tuple[str, ...], ...]
    leftmost: tuple[int, ...]
    elements: int


def read_table(html: str) -> TableTree | None:
    """The first table directly in the body of a document; None where there is none.

    Raises:
        ValueError: a span is no number, or the document cannot be parsed.
    """
    from lxml import etree
    from lxml.html import HTMLParser, fromstring

    if not html:
        return None
    try:
        found = fromstring(html, parser=HTMLParser(remove_comments=True, encoding="utf-8")).xpath("body/table")
    except (etree.LxmlError, AssertionError) as error:
        raise ValueError(f"the document cannot be parsed: {error}") from None
    return _tree(found[0]) if found else None


def teds(answer: str, truth: str) -> float:
    """The similarity of two documents' first tables, 0 where either has none.

    Raises:
        ValueError: a span is no number, or a document cannot be parsed.
        TableTooLargeError: they are too large to be compared.
    """
    given, right = read_table(answer), read_table(truth)
    if given is None or right is None:
        return 0.0
    if len(given.names) * len(right.names) > MOST_CELLS:
        raise TableTooLargeError(f"tables of {len(given.names):,} and {len(right.names):,} nodes are too large to be compared.")
    ones = [1.0] * max(len(given.names), len(right.names))
    cost = tree_distance(given.leftmost, right.leftmost, ones, ones, lambda a, b: _change(given, a, right, b))
    most = max(given.elements, right.elements)
    return 1.0 - cost / most if most else 1.0


def _change(one: TableTree, a: int, other: TableTree, b: int) -> float:
    if one.names[a] != other.names[b]:
        return 1.0
    content, wanted = one.contents[a], other.contents[b]
    longest = max(len(content), len(wanted))
    return Levenshtein.distance(content, wanted) / longest if longest else 0.0


def _tree(table: Any) -> TableTree:
    names: list[tuple[str, int, int]] = []
    contents: list[tuple[str, ...]] = []
    leftmost: list[int] = []
    # In postorder without recursion: a hostile document nests deeper than Python's stack.
    stack: list[tuple[Any, int]] = [(table, -1)]
    while stack:
        node, first = stack.pop()
        if first < 0:
            stack.append((node, len(names)))
            if node.tag != "td":
                stack.extend((child, -1) for child in reversed(list(node)))
            continue
        cell = node.tag == "td"
        spans = [int(node.attrib.get(span, "1")) if cell else 0 for span in _SPANS]
        names.append((str(node.tag), spans[0], spans[1]))
        contents.append(_content(node) if cell else ())
        leftmost.append(first)
    return TableTree(tuple(names), tuple(contents), tuple(leftmost), len(table.xpath(".//*")))


def _content(cell: Any) -> tuple[str, ...]:
    """The characters and tags inside a cell."""
    tokens: list[str] = list(cell.text or "")
    stack: list[tuple[Any, bool]] = [(child, True) for child in reversed(list(cell))]
    while stack:
        node, opens = stack.pop()
        if opens:
            tokens.append(f"<{node.tag}>")
            tokens += node.text or ""
            stack.append((node, False))
            stack.extend((child, True) for child in reversed(list(node)))
            continue
        if node.tag != "unk":
            tokens.append(f"</{node.tag}>")
        if node.tag != "td":
            tokens += node.tail or ""
    return tuple(tokens)
