"""Fields of an annotation file that its reader has no place for: whatever stands beside the names that it knows.

A reader says what it knows as a mapping of names: to None where a value is taken, or known to say nothing, as a whole; to a further mapping
where it is looked into, the items of a list alike. "*" stands for any name. In XML attributes are names with an @ in front, and an element
that is known as a whole is known for its text alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Union
from xml.etree import ElementTree

Known = Mapping[str, Union["Known", None]]

_EMPTY: tuple[Any, ...] = (None, "", [], {})


def names(*known: str) -> dict[str, None]:
    """Names that are known as a whole."""
    return dict.fromkeys(known)


def unplaced(value: Any, known: Known, path: str = "") -> Iterator[str]:
    """Yield the path of every field that is not known and not empty, as often as it stands there."""
    if isinstance(value, list):
        for item in value:
            yield from unplaced(item, known, f"{path}[]")
    elif isinstance(value, dict):
        for key, item in value.items():
            name = key if key in known else "*"
            if name not in known:
                if item not in _EMPTY:
                    yield f"{path}.{key}".lstrip(".")
            elif (inner := known[name]) is not None:
                yield from unplaced(item, inner, f"{path}.{name}".lstrip("."))


def unplaced_xml(element: ElementTree.Element, known: Known, path: str = "") -> Iterator[str]:
    """Yield the path of every attribute and element that is not known, as often as it stands there."""
    for key in element.attrib:
        if f"@{key}" not in known:
            yield f"{path}@{key}"
    for child in element:
        inside = f"{path}.{child.tag}".lstrip(".")
        if child.tag not in known:
            yield inside
        else:
            yield from unplaced_xml(child, known[child.tag] or {}, inside)


def left_out(paths: Iterable[str]) -> dict[str, str]:
    """What the census says of fields: each once."""
    return dict.fromkeys(paths, "left out")


def of_the_file(paths: Iterable[str]) -> list[str]:
    """A sentence on fields that are about the file and not about one of its images; none for no such field."""
    found = list(dict.fromkeys(paths))
    return [f"Fields of the file that no record has a place for, left out: {', '.join(found)}."] if found else []
