"""Which picture belongs to which answer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vldata.errors import DataError
from vldata.files.naming import natural_key
from vldata.web.thumbs import safe_path
from vleval.rows import Row

_MOST_BYTES = 200  # of a file's name: 255 less what writing adds next to it
_BY_DIGEST = re.compile(r"/[0-9a-f]{64}\.[a-z]+$")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


@dataclass(frozen=True)
class Task:
    """One picture with one answer; `row` is None for a picture that nobody answered for. `name` is relative to the root."""

    name: str
    path: Path
    row: Row | None


def pair_up(rows: Sequence[Row], root: Path, *, whole_folder: bool) -> tuple[list[Task], list[str]]:
    """Tasks in natural order of the pictures' names, and the ids of answers whose picture is not there.

    An image that is stored under its digest goes by the row's id, where that is a file's name.
    A row finds its picture by the path it names, or by an id that is a file's name, with or without its ending.

    Args:
        rows: answers.
        root: the only folder pictures are read from.
        whole_folder: also return the folder's pictures that have no answer.

    Raises:
        DataError: the folder is not there.
    """
    if not root.is_dir():
        raise DataError("is not a folder.", where=str(root), cure="Name the folder of the pictures: --image-root DIR")
    files = {name: path for name, path in _pictures(root)}
    by_stem: dict[str, list[str]] = {}
    for name in files:
        by_stem.setdefault(Path(name).stem, []).append(name)
    tasks: list[Task] = []
    lost: list[str] = []
    for row in rows:
        found = _find(row, root, files, by_stem)
        if found is None:
            lost.append(row.id)
        else:
            tasks.append(Task(row.id if _BY_DIGEST.search(found[0]) and _is_file_name(row.id) else found[0], found[1], row))
    if whole_folder:
        answered = {task.name for task in tasks}
        tasks += [Task(name, path, None) for name, path in files.items() if name not in answered]
    return sorted(tasks, key=lambda task: (natural_key(task.name), task.name)), lost


def _is_file_name(name: str) -> bool:
    """Whether an id is the name of an image below a folder, and nothing that leads out of it."""
    plain = name.isprintable() and "\\" not in name and ":" not in name
    return plain and name.lower().endswith(SUFFIXES) and not {"", ".", ".."}.intersection(name.split("/"))


def output_names(tasks: list[Task]) -> list[str]:
    """One name per task: the picture's whole name stays in it, so `a.jpg` and `a.png` differ; further answers are numbered."""
    seen: dict[str, int] = {}
    names: list[str] = []
    for task in tasks:
        seen[task.name] = seen.get(task.name, 0) + 1
        number = f".{seen[task.name]}" if seen[task.name] > 1 else ""
        names.append(_fitting(task.name, f".boxes{number}.png"))
    return names


def _fitting(name: str, ending: str) -> str:
    """A name with an ending that a file system takes: a long one is cut and told apart by its digest."""
    folder, _, last = name.rpartition("/")
    if len(last.encode()) + len(ending) > _MOST_BYTES:
        kept = last.encode()[: _MOST_BYTES - len(ending) - 14].decode("utf-8", "ignore")
        last = f"{kept}-{hashlib.sha256(last.encode()).hexdigest()[:12]}"
    return f"{folder}/{last}{ending}" if folder else f"{last}{ending}"


def _pictures(root: Path) -> list[tuple[str, Path]]:
    found = [path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
    return sorted((path.relative_to(root).as_posix(), path) for path in found)


def _find(row: Row, root: Path, files: dict[str, Path], by_stem: dict[str, list[str]]) -> tuple[str, Path] | None:
    if row.images:
        path = safe_path(row.images[0], root)
        return None if path is None else (path.relative_to(root.resolve()).as_posix(), path)
    for name in (row.id, Path(row.id).name):
        if name in files:
            return name, files[name]
    named = by_stem.get(row.id, [])
    if len(named) > 1:
        raise DataError(
            f"the id {row.id!r} could be any of {', '.join(named)}.", where=row.id, cure="Name the picture in the prediction: image."
        )
    return (named[0], files[named[0]]) if named else None
