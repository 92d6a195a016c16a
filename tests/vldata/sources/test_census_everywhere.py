"""An unknown field anywhere in an annotation file is named: every object and element of every fixture is given one, each alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from fixtures.labelled import FORMATS
from fixtures.official import DRAWERS
from vldata.errors import VlkitError
from vldata.records.draft import Reject
from vldata.sources import CONVERTERS

FIELD = "zz_unheard_of"
FOLDERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    **{name: (name, draw) for name, draw in FORMATS.items()},
    **{f"official {name}": ("official", draw) for name, draw in DRAWERS.items()},
}
_ELSEWHERE = {"openeqa", "chartqa", "jsonl", "sharegpt"}  # rows: test_census.py
_NOT_READ = ("pid_splits.json", "test2015")  # the file beside what is read, and one that is left out by name


def test_every_converter_with_annotations_is_tried() -> None:
    assert {name for name, _ in FOLDERS.values()} | _ELSEWHERE | {"images"} == set(CONVERTERS)  # images: nobody annotated them


@pytest.mark.parametrize("name", FOLDERS)
def test_an_unknown_field_is_told_wherever_it_stands(name: str, tmp_path: Path) -> None:
    converter, draw = FOLDERS[name]
    root = draw(tmp_path / "s")
    tried = 0
    for file in sorted(path for path in root.rglob("*") if path.is_file() and not any(word in path.name for word in _NOT_READ)):
        raw = file.read_bytes()
        for place, changed in _with_field(file, raw):
            file.write_bytes(changed)
            said = _said(converter, root)
            whole = place.rpartition(".")[2]  # the field it stands in may be named, as a whole
            assert FIELD in said or (whole and whole in said), f"{file.name}: {place or 'the file'}"
            tried += 1
        file.write_bytes(raw)
    assert tried


def _with_field(file: Path, raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the content of a file with one field more, and where it stands."""
    if raw[:1] in (b"{", b"["):
        for path, _ in _objects(json.loads(raw)):
            value = json.loads(raw)
            place = value
            for key in path:
                place = place[key]
            place[FIELD] = "x"
            yield ".".join(str(key) for key in path if isinstance(key, str)), json.dumps(value).encode()
    elif file.suffix == ".xml":
        for number, _ in enumerate(ElementTree.fromstring(raw).iter()):
            for attribute in (True, False):
                tree = ElementTree.fromstring(raw)
                element = list(tree.iter())[number]
                if attribute:
                    element.set(FIELD, "x")
                else:
                    ElementTree.SubElement(element, FIELD).text = "x"
                yield element.tag, ElementTree.tostring(tree)
    elif file.suffix == ".yaml":
        yield "", raw + f"{FIELD}: 1\n".encode()


def _objects(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Yield every object with its path; of a list the first item."""
    if isinstance(value, dict):
        yield path, value
        for key, item in value.items():
            yield from _objects(item, (*path, key))
    elif isinstance(value, list) and value:
        yield from _objects(value[0], (*path, 0))


def _said(converter: str, root: Path) -> str:
    """All that a conversion would say of fields and rejects."""
    words: list[str] = []
    try:
        for source in CONVERTERS[converter](root):
            words += source.said
            for draft in source.drafts():
                words += [draft.where, draft.reason] if isinstance(draft, Reject) else [name for name, _ in draft.unused]
    except VlkitError as error:
        words.append(str(error))
    return "\n".join(words)
