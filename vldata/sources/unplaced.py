"""Fields of an annotation file that its reader has no place for: whatever stands beside the names that it knows.

A reader says what it knows as a mapping of names: to None where a value is taken, or known to say nothing, as a whole; to a further mapping
where it is looked into, the items of a list alike. "*" stands for any name. In XML attributes are names with an @ in front, and an element
that is known as a whole is known for its text alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Union
from xml.etree import ElementTree

from vldata.errors import DataError
from vldata.sources.census import IGNORED, LEFT_OUT, changed_by

Field = tuple[str, Any]  # the path of a field, and its value
Known = Mapping[str, Union["Known", None]]

_EMPTY: tuple[Any, ...] = (None, "", [], {})


def names(*known: str) -> dict[str, None]:
    """Names that are known as a whole."""
    return dict.fromkeys(known)


def unplaced(value: Any, known: Known, path: str = "") -> Iterator[Field]:
    """Yield every field that is not known and not empty, as often as it stands there."""
    if isinstance(value, list):
        for item in value:
            yield from unplaced(item, known, f"{path}[]")
    elif isinstance(value, dict):
        for key, item in value.items():
            name = key if key in known else "*"
            if name not in known:
                if item not in _EMPTY:
                    yield f"{path}.{key}".lstrip("."), item
            elif (inner := known[name]) is not None:
                yield from unplaced(item, inner, f"{path}.{name}".lstrip("."))


def unplaced_xml(element: ElementTree.Element, known: Known, path: str = "") -> Iterator[Field]:
    """Yield every attribute and element that is not known, as often as it stands there; an element's value is its text."""
    for key, value in element.attrib.items():
        if f"@{key}" not in known:
            yield f"{path}@{key}", value
    for child in element:
        inside = f"{path}.{child.tag}".lstrip(".")
        if child.tag not in known:
            yield inside, (child.text or "").strip()
        else:
            yield from unplaced_xml(child, known[child.tag] or {}, inside)


def unplaced_paths(value: Any, known: Known) -> Iterator[str]:
    """Yield the path of every field that is not known and not empty, as often as it stands there."""
    return (path for path, _ in unplaced(value, known))


class LeftOut:
    """Collects the fields of one image that its reader has no place for.

    Attributes:
        fates: each field once, with what becomes of it.
        fault: the first that changes what is learned and is not in `ignore`, with its cure; "" for none.
    """

    def __init__(self, ignore: Collection[str] = (), fields: Iterable[Field] = ()) -> None:
        self._ignore = frozenset(ignore)
        self.fates: dict[str, str] = {}
        self.fault = ""
        self.add(fields)

    def add(self, fields: Iterable[Field]) -> None:
        """Note fields that are left out."""
        for path, value in fields:
            name = _name_of(path)
            if name in self._ignore or path in self._ignore:
                self.fates[path] = IGNORED
            else:
                self.fates.setdefault(path, LEFT_OUT)
                self.fault = self.fault or changed_by(path, name, value)


def of_the_file(fields: Iterable[Field], ignore: Collection[str] = (), *, where: str = "") -> list[str]:
    """A sentence on fields that are about the file and not about one of its images; none for no such field.

    Raises:
        DataError: one changes what is learned, and is not in `ignore`.
    """
    found = LeftOut(ignore, fields)
    if found.fault:
        what, _, name = found.fault.rpartition("; --ignore ")
        raise DataError(f"{what}.", where=where, cure=f"--ignore {name.split()[0]} leaves it out.")
    return [f"Fields of the file that no record has a place for, left out: {', '.join(found.fates)}."] if found.fates else []


def _name_of(path: str) -> str:
    return path.replace("@", ".").rpartition(".")[2]
