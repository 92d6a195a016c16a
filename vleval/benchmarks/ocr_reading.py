"""What OCRBench v2 reads out of an answer: dictionaries, boxes with texts, Markdown and LaTeX documents, tables.

Yuliang-Liu/MultimodalOCR, OCRBench_v2/eval_scripts: TEDS_metric.py, spotting_metric.py, IoUscore_metric.py, commit 794c36d6. Every reading
is linear in the answer; where upstream would end in an exception, nothing is read.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from vleval.metrics.tree_distance import tree_distance

Box = tuple[int, int, int, int]
MOST_CELLS = 4_000_000

_FENCE = re.compile(r"```(?:python|json)?\n", re.IGNORECASE)
_RUN = re.compile(r"[\w\s]++")
_BLANKS = re.compile(r"\s*+")
_BODY = re.compile(r"""[^\n,"'{}]++""")
_QUOTES = ("'", '"')
_ASSIGNED = re.compile(r"^\s*\w+\s*=\s*")
_COMMENT = re.compile(r"#.*")
_BRACKETED = re.compile(r"[\[(]([^\[\]()]*)[\])]")
_FOUR = re.compile(r"[(\[]\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*[)\]]")
_MARKUP = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"<bos>|<eos>|<pad>|<unk>", ""),
        (r"\s##(\S)", r"\1"),
        (r"\\\s", r"\\"),
        (r"\s\*\s\*\s", "**"),
        (r"{\s", "{"),
        (r"\s}", "}"),
        (r"\s}", "}"),
        (r"\\begin\s", r"\\begin"),
        (r"\\end\s", r"\\end"),
        (r"\\end{table}", r"\\end{table} "),
    )
)


def fenced(text: str) -> list[str]:
    """What stands in the code fences of a text."""
    found, at = [], 0
    while opening := _FENCE.search(text, at):
        end = text.find("\n```", opening.end())
        if end < 0:
            break
        found.append(text[opening.end() : end])
        at = end + 4
    return found


def literal(text: str) -> tuple[bool, Any]:
    """Whether a text is a literal of Python, and its value."""
    try:
        return True, ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return False, None


def read_fields(text: str) -> dict[str, str]:
    """A flat dictionary: JSON, a literal of Python, or pairs of `key: value` wherever they stand; {} where there is none."""
    fences = fenced(text)
    content = fences[0] if fences else text.strip()
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        is_literal, data = literal(content)
        if not is_literal:
            data = _pairs(content)
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        return {}
    return {key.strip(): str(value).strip() for key, value in data.items()}


def _pairs(content: str) -> dict[str, str]:
    """What upstream's expression for `key: value` finds, without its backtracking: a key is a whole run of word characters and blanks."""
    found, at = {}, 0
    while run := _RUN.search(content, at):
        value, at = _value(content, run.end())
        if value is not None:
            found[run[0].strip()] = value
    return found


def _value(content: str, at: int) -> tuple[str | None, int]:
    """The value that stands behind a key, and where reading goes on."""
    after = _BLANKS.match(content, at + (content[at : at + 1] in _QUOTES))
    colon = after.end() if after else at
    if content[colon : colon + 1] not in (":", "="):
        return None, at
    blanks = _BLANKS.match(content, colon + 1)
    end = blanks.end() if blanks else colon + 1
    body = _BODY.match(content, end + (content[end : end + 1] in _QUOTES))
    if body:
        return body[0].strip(), body.end() + (content[body.end() : body.end() + 1] in _QUOTES)
    # Nothing but blanks: the last of them that is no line end is the value, as the expression backtracks.
    while end > colon + 1:
        if content[end - 1] != "\n":
            return "", end + (content[end : end + 1] in _QUOTES)
        end -= 1
    return None, at


def read_nested(text: str) -> dict[Any, Any]:
    """A dictionary that may hold others, as a literal of Python; {} where there is none."""
    content = max(fenced(text), key=len, default=text.strip())
    content = _COMMENT.sub("", _ASSIGNED.sub("", content.strip(), count=1))
    last = content.rfind("}")
    found = literal(content[: last + 1] if last >= 0 else content)[1]
    return found if isinstance(found, dict) else {}


def read_box(text: str) -> Box | None:
    """The last four numbers from 0 to 1000 in brackets."""
    boxes = [box for match in _FOUR.finditer(text) if (box := _box(match.groups())) is not None]
    return boxes[-1] if boxes else None


def _box(numbers: tuple[str, ...] | list[str]) -> Box | None:
    """Four whole numbers from 0 to 1000."""
    if any(len(number) > 1_000 for number in numbers):
        return None
    try:
        x1, y1, x2, y2 = map(int, numbers)
    except ValueError:
        return None
    return (x1, y1, x2, y2) if all(0 <= side <= 1000 for side in (x1, y1, x2, y2)) else None


def read_spots(text: str) -> list[tuple[Box, str]]:
    """Boxes with the text in each, `(x1, y1, x2, y2, text)`, each once."""
    is_literal, data = literal(text)
    if is_literal:
        data = data if isinstance(data, (list, tuple)) else ()
        parts = [[str(part) for part in item[:5]] for item in data if isinstance(item, (list, tuple)) and len(item) >= 5]
    else:
        parts = [match[1].strip().split(",", 4) for match in _BRACKETED.finditer(text)]
    found: dict[tuple[Box, str], None] = {}
    for part in parts:
        if len(part) == 5 and (box := _box([side.strip() for side in part[:4]])) is not None:
            found[box, part[4].replace("\n", "").strip().strip('"').strip("'")] = None
    return list(found)


def html_of_markdown(text: str) -> str:
    """The page of a Markdown table: its first row, and all but the second after it."""
    lines = text.strip("`markdown").strip("`").strip().split("\n")
    rows = [[cell.strip() if set(cell) != {" "} else " " for cell in line.strip().split("|")[1:-1]] for line in [lines[0], *lines[2:]]]
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<html><body><table>{body}</table></body></html>"


def html_of_fields(data: dict[Any, Any]) -> str:
    """The page of a chart's dictionary: a row a key, its value spaced out as upstream joins it."""
    rows = "".join(f"  <tr><td>{key}</td><td>{' '.join(str(value))}</td></tr>\n" for key, value in data.items())
    return f"<html><body><table>\n{rows}</table></body></html>"


def html_page(text: str) -> str:
    """A page around a table, from the tags that it has."""
    text = text.replace("\n", "")
    if "<table" in text and "</table>" not in text:
        text += "</table>"
    elif "<table" not in text:
        text = f"<table>{text}" if "</table>" in text else f"<table>{text}</table>"
    text = text if "<body>" in text else f"<body>{text}</body>"
    return text if "<html>" in text else f"<html>{text}</html>"


def table_in(text: str) -> str | None:
    """An answer from the tag that opens its table on; None where it has none."""
    text = text.replace("\n", "")
    for tag in ("<body", "<table"):
        if tag in text:
            return text[text.index(tag) :]
    return None


class Outline:
    """A document as upstream's tree: ROOT with TITLE and the headings, each with its lines. Only whether labels are blank is compared."""

    def __init__(self, text: str) -> None:
        self.labels, self.children = ["ROOT", "TITLE"], [[1], []]
        title = ""
        under = 1
        for line in text.split("\n"):
            label = clean_line(line)
            if label.startswith("#"):
                title = label.replace("#", "")
                self._add(0, title)
                under = self._first(title) if title else 1
            else:
                self._add(under, label)

    def _add(self, parent: int, label: str) -> None:
        self.labels.append(label)
        self.children.append([])
        self.children[parent].append(len(self.labels) - 1)

    def _first(self, label: str) -> int:
        """The first node of a label, parents before children."""
        stack = [0]
        while stack:
            node = stack.pop()
            if self.labels[node] == label:
                return node
            stack.extend(reversed(self.children[node]))
        raise AssertionError(label)

    def postorder(self) -> tuple[list[bool], list[int]]:
        """Of each node whether it is blank, and the place of its leftmost leaf."""
        blank: list[bool] = []
        leftmost: list[int] = []
        stack = [(0, -1)]
        while stack:
            node, first = stack.pop()
            if first < 0:
                stack.append((node, len(blank)))
                stack.extend((child, -1) for child in reversed(self.children[node]))
                continue
            blank.append(not self.labels[node].split())
            leftmost.append(first)
        return blank, leftmost


def clean_line(line: str) -> str:
    """A line of a document without the traces of tokenizers and mark-up."""
    for pattern, new in _MARKUP:
        line = pattern.sub(new, line)
    return line.replace("*", " ").replace("_", " ")


def outline_similarity(given: str, truth: str) -> float | None:
    """1 less the edit distance of two outlines over the larger number of nodes; None where they are too large to be compared."""
    if (given.count("\n") + 3) * (truth.count("\n") + 3) > MOST_CELLS:
        return None
    (blank, left), (wanted, right) = Outline(given).postorder(), Outline(truth).postorder()
    ones = [1.0] * max(len(blank), len(wanted))
    cost = tree_distance(left, right, ones, ones, lambda a, b: float(blank[a] or wanted[b]))
    return 1 - cost / max(len(blank), len(wanted))
