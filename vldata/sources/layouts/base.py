"""What a layout reads: questions with the places their image may be, grouped by split; and reading JSON that nobody vouches for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.sources.census import MEANING
from vldata.sources.compressed import open_bytes
from vldata.sources.splitnames import SPLITS, split_word

SUFFIXES = (".jpg", ".png", ".jpeg", ".webp", ".JPG", ".PNG")
_MOST_BYTES = 4 << 30


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question of a dataset.

    Attributes:
        id: the dataset's own, or one made of the file and its place.
        where: `file[index]` of the annotation.
        images: places to look for the image, below the source's folder, in order; () for a question without one.
        text: the question.
        answers: the accepted answers, as often as people gave them; the first is learned. () with `choices` or `box`.
        choices: the options of multiple choice; `right` is the place of the right one.
        box: the answer as corners in pixels of the image.
        context: what is shown before the question: a hint.
        meta: further texts: category, question type.
        unused: fields of the annotation that no record has a place for, each with what became of it.
        strange: fields that its dataset has not and that are known to change what is learned.
        fault: why the annotation cannot be used.
    """

    id: str
    where: str
    images: tuple[str, ...] = ()
    text: str = ""
    answers: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    right: int = -1
    box: tuple[float, float, float, float] | None = None
    context: str = ""
    meta: dict[str, str] = {}
    unused: tuple[tuple[str, str], ...] = ()
    strange: tuple[str, ...] = ()
    fault: str = ""


class LayoutPart(msgspec.Struct, frozen=True, kw_only=True):
    """The questions of one split.

    Attributes:
        split: as the files say; "" where they say none.
        annotations: files whose content decides the questions.
        questions: reads them.
        dataset: what the files call it; "" for the name of the layout.
        said: sentences about what was found.
    """

    split: str
    annotations: tuple[Path, ...]
    questions: Callable[[], Iterator[Question]]
    dataset: str = ""
    said: tuple[str, ...] = ()


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the table.

    Attributes:
        title: which datasets are laid out so.
        task: what `meta.task` says.
        find: finds the parts of a folder; none where it is another layout.
        keys: further columns of `meta`.
    """

    title: str
    task: str
    find: Callable[[Path], Sequence[LayoutPart]]
    keys: tuple[str, ...] = ()


def read_json(path: Path) -> Any:
    """Read a JSON file, which may be compressed.

    Raises:
        DataError: it cannot be read, or is no strict JSON.
    """
    try:
        with open_bytes(path) as handle:
            raw = handle.read(_MOST_BYTES)
        return strictjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}.", where=str(path), cure="Fetch the file again.") from None
    except strictjson.StrictJsonError as error:
        raise DataError(f"is {error}.", where=str(path), cure="Fetch the file again.") from None


def json_files(folder: Path, pattern: str = "*.json") -> list[Path]:
    """The files of a pattern in a folder and the folders in it, not those below."""
    found = [*folder.glob(pattern), *folder.glob(f"{pattern}.gz"), *folder.glob(f"*/{pattern}"), *folder.glob(f"*/{pattern}.gz")]
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def head_of(path: Path, size: int = 65_536) -> bytes:
    """The first bytes of a file, unpacked; b"" where it cannot be read."""
    try:
        with open_bytes(path) as handle:
            return handle.read(size)
    except OSError:
        return b""


def split_of(path: Path, folder: Path, told: Any = None) -> str:
    """The split of a file: as its content says, else as its name and the folders below `folder` say."""
    words = [told] if isinstance(told, str) else []
    words += [path.stem, *(part for part in reversed(path.relative_to(folder).parts[:-1]))]
    found = next((word for text in words if (word := split_word(text.replace("_", " ")))), "")
    return SPLITS.get(found, found)


def text_of(value: Any) -> str:
    """A text or number as text; "" for anything else."""
    if isinstance(value, bool) or value is None or isinstance(value, (list, dict)):
        return ""
    return str(value).strip() if not isinstance(value, str) else value.strip()


def texts_of(value: Any) -> tuple[str, ...]:
    """The texts of a list, or of one text; an answer of an annotator (`{"answer": ...}`) is its text."""
    items = value if isinstance(value, list) else [value]
    texts = (text_of(item.get("answer") if isinstance(item, dict) else item) for item in items)
    return tuple(text for text in texts if text)


def left_out(entry: dict[str, Any], known: Collection[str]) -> tuple[tuple[str, str], ...]:
    """The fields of an annotation that its reader has no place for."""
    return tuple((key, "left out") for key, value in entry.items() if key not in known and value not in (None, "", [], {}))


def with_file_fields(questions: Iterator[Question], fields: Iterable[str]) -> Iterator[Question]:
    """The questions of a file, the fields that are about the file named at the first that can be used."""
    left = tuple((f"{name} (of the file)", "left out") for name in dict.fromkeys(fields))
    for question in questions:
        if left and not question.fault:
            question = msgspec.structs.replace(question, unused=(*question.unused, *left))
            left = ()
        yield question


def changes_meaning(entry: dict[str, Any], known: Collection[str]) -> tuple[str, ...]:
    """The fields that a dataset has not and that are known to change what is learned."""
    return tuple(sorted(key for key in entry.keys() & MEANING if key not in known))


def named(stem: str, folders: Sequence[str]) -> tuple[str, ...]:
    """Places of an image of which only the stem is known, in each folder, by each usual ending."""
    return tuple(f"{folder}/{stem}{suffix}" if folder else f"{stem}{suffix}" for folder in folders for suffix in SUFFIXES)
