"""Where a YOLO export keeps its classes, images and labels: Ultralytics' data.yaml, darknet's obj.data, or a list of classes alone.

Folders or lists of images (`train: images/train`, `train: train.txt`) give the splits. https://docs.ultralytics.com/datasets/detect/
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

from vldata.errors import DataError, UsageError
from vldata.files.naming import natural_key
from vldata.files.safeyaml import read_yaml
from vldata.files.strictjson import read_user_text
from vldata.media.refs import SUFFIXES
from vldata.records.draft import Guess
from vldata.sources.splitnames import split_word
from vldata.sources.unplaced import names, of_the_file, unplaced

_SPLITS = ("train", "val", "valid", "test")
_OF_YAML = names("path", *_SPLITS, "names", "nc", "kpt_shape")
_OF_DATA = names(*_SPLITS, "names", "classes", "backup")
_NOT_LABELS = re.compile(r"(?:classes|train|val|valid|test|readme.*|predefined_classes|notes)\.txt", re.IGNORECASE).fullmatch


class YoloLayout(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder says of itself.

    Attributes:
        file: the file that says it.
        classes: the class names by their numbers.
        images: every image with its split.
        key_points: how many numbers of a line are key points; None where that is not said.
        said: sentences about what was found.
    """

    file: Path
    classes: dict[int, str]
    images: tuple[tuple[str, Path], ...]
    key_points: int | None = None
    said: tuple[str, ...] = ()


def find_layout(root: Path, ignore: tuple[str, ...] = ()) -> YoloLayout:
    """Find out how a folder is laid out.

    Raises:
        DataError: no file names the classes, or a folder or list that it names is not here.
    """
    for name in ("data.yaml", "dataset.yaml", "data.yml"):
        if (root / name).is_file():
            return _ultralytics(root / name, ignore)
    if root.is_file():
        return _darknet(root, ignore) if root.suffix == ".data" else _ultralytics(root, ignore)
    if (root / "obj.data").is_file():
        return _darknet(root / "obj.data", ignore)
    for name in ("classes.txt", "labels/classes.txt", "obj.names"):
        if (root / name).is_file():
            said = f"Classes are those of {name}, in its order; there is no data.yaml."
            return YoloLayout(file=root / name, classes=_listed(root / name), images=_unnamed(root), said=(said,))
    raise DataError("no data.yaml is here.", where=str(root), cure="Give the folder that holds data.yaml, images/ and labels/.")


def _ultralytics(file: Path, ignore: tuple[str, ...]) -> YoloLayout:
    try:
        table: dict[Any, Any] = read_yaml(file, numbered=True)
    except UsageError as error:
        if "is not a recipe" in str(error):
            raise DataError("is no mapping with names.", where=str(file), cure="Begin it with train:, val: and names:.") from None
        raise
    said = of_the_file(unplaced({str(key): value for key, value in table.items()}, _OF_YAML), ignore, where=str(file))
    places = _places(table, file.parent, said)
    images = tuple(
        (split, path) for split, place in places for path in (_images_below(place) if place.is_dir() else _images_of(place, file.parent))
    )
    return YoloLayout(file=file, classes=_classes(table, file), images=images, key_points=_key_points(table), said=tuple(said))


def _classes(table: dict[Any, Any], file: Path) -> dict[int, str]:
    """The class names by their numbers, spelt as they stand in the file: YAML takes `no` for false and 007 for 7."""
    names = table.get("names")
    loaded = yaml.load(read_user_text(file), Loader=yaml.BaseLoader)  # texts alone; read_yaml has judged the file
    written = loaded.get("names") if isinstance(loaded, dict) else None
    numbered: dict[int, Any] = {}
    if isinstance(names, dict) and isinstance(written, dict) and all(type(key) is int and key >= 0 for key in names):
        numbered = {key: (names[key], spelt) for key, spelt in zip(names, written.values(), strict=True)}
    elif isinstance(names, list) and isinstance(written, list):
        numbered = dict(enumerate(zip(names, written, strict=True)))
    if not numbered or any(value is None or isinstance(value, dict | list) or not spelt.strip() for value, spelt in numbered.values()):
        raise DataError("names no classes.", where=str(file), cure="Add names: a list, or a number and a name each.")
    if isinstance(table.get("nc"), int) and table["nc"] not in (len(numbered), max(numbered) + 1):
        raise DataError(f"nc is {table['nc']}, but there are {len(numbered)} names.", where=str(file), cure="Correct one of them.")
    return {key: spelt.strip() for key, (_, spelt) in numbered.items()}


def _key_points(table: dict[Any, Any]) -> int | None:
    """How many numbers of a line are key points."""
    shape = table.get("kpt_shape")
    return shape[0] * shape[1] if isinstance(shape, list) and len(shape) == 2 and all(isinstance(n, int) for n in shape) else None


def _places(table: dict[Any, Any], folder: Path, said: list[str]) -> list[tuple[str, Path]]:
    """The folders or lists of images of each split, below the folder of data.yaml."""
    base = str(table.get("path") or ".")
    found: dict[Path, str] = {}
    gone: list[tuple[str, str]] = []
    for name in _SPLITS:
        given = table.get(name)
        for text in given if isinstance(given, list) else [given]:
            if text in (None, ""):
                continue
            if not isinstance(text, str):
                raise DataError(f"{name}: {text!r:.40} is no folder or list of images.", where=str(folder), cure="Correct data.yaml.")
            tries = [folder / base / text, folder / text, folder / text.removeprefix("../"), folder / text.removeprefix("./")]
            inside = (path for path in tries if path.resolve().is_relative_to(folder.resolve()))
            place = next((path for path in inside if path.is_dir() or (path.suffix == ".txt" and path.is_file())), None)
            if place is None:
                gone.append((name, text))
                continue
            # Many files name one folder for train and val: it is one split, not two.
            found.setdefault(place.resolve(), "" if place.resolve() in found else name)
    if gone and (not found or gone[0][0] == "train"):
        name, text = gone[0]
        raise DataError(f"{name}: the folder {text!r} is not here.", where=str(folder), cure="Correct data.yaml.")
    said += [
        Guess(f"{name}: {text!r} is not here and left out, a guess; take it out of data.yaml if there is none.") for name, text in gone
    ]
    if not found:
        guesses = [folder / "images"] if (folder / "images").is_dir() else []
        found = {
            path.resolve(): split_word(path.name)
            for place in guesses
            for path in ([child for child in sorted(place.iterdir()) if child.is_dir()] or [place])
        }
    return [(name, path) for path, name in found.items()]


def _images_below(place: Path) -> list[Path]:
    return sorted((path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES), key=lambda path: natural_key(str(path)))


def _images_of(listing: Path, folder: Path) -> list[Path]:
    """The images that a list names, a line each; `./` is the list's folder, and darknet's `data/` is the export's."""
    found = []
    for number, line in enumerate(read_user_text(listing).splitlines(), start=1):
        if not (text := line.strip().replace("\\", "/")):
            continue
        tries = (listing.parent / text, folder / text, folder / text.removeprefix("data/"))
        place = next((path for path in tries if path.is_file() and path.resolve().is_relative_to(folder.resolve())), None)
        if place is None:
            cure = "Paths stand below the folder of the list; correct it, or name the folder of images instead."
            raise DataError(f"the image {text!r} is not here.", where=f"{listing}:{number}", cure=cure)
        found.append(place.resolve())
    return list(dict.fromkeys(found))


def _darknet(file: Path, ignore: tuple[str, ...]) -> YoloLayout:
    """Darknet's obj.data, as CVAT writes "YOLO 1.1": names and lists of images."""
    pairs = (line.partition("=") for line in read_user_text(file).splitlines() if "=" in line)
    table = {key.strip(): value.strip() for key, _, value in pairs}
    folder = file.parent
    listed = _beside(folder, table.get("names", ""))
    if listed is None:
        raise DataError("names no list of classes.", where=str(file), cure="It needs a line: names = obj.names")
    images: list[tuple[str, Path]] = []
    for split in _SPLITS:
        if text := table.get(split, ""):
            listing = _beside(folder, text)
            if listing is None:
                raise DataError(f"{split}: the list {text!r} is not here.", where=str(file), cure="Export it again, with images.")
            images += [("val" if split == "valid" else split, path) for path in _images_of(listing, folder)]
    if len({split for split, _ in images}) == 1 and "valid" not in table:
        images = [("", path) for _, path in images]
    said = of_the_file(unplaced(table, _OF_DATA), ignore, where=str(file))
    return YoloLayout(file=file, classes=_listed(listed), images=tuple(images), said=tuple(said))


def _beside(folder: Path, text: str) -> Path | None:
    tries = (folder / text, folder / text.removeprefix("data/"), folder / text.rpartition("/")[2]) if text else ()
    return next((path for path in tries if path.is_file() and path.resolve().is_relative_to(folder.resolve())), None)


def _listed(file: Path) -> dict[int, str]:
    """Class names, a line each. An empty line between names would move all that follow.

    Raises:
        DataError: there is none, or a line between them is empty.
    """
    lines = [line.strip() for line in read_user_text(file).rstrip().splitlines()]
    if not any(lines):
        raise DataError("names no classes.", where=str(file), cure="Write a name a line.")
    if "" in lines:
        number = lines.index("") + 1
        cure = "Take the line out if it is no class; a class without a name cannot be asked for."
        raise DataError(
            "the line is empty: whether it is a class, and the numbers of all that follow, cannot be told.",
            where=f"{file}:{number}",
            cure=cure,
        )
    return dict(enumerate(lines))


def _unnamed(root: Path) -> tuple[tuple[str, Path], ...]:
    """The images of a folder that no data.yaml describes: below images/, by the folders of splits, or beside their labels."""
    place = root / "images" if (root / "images").is_dir() else root
    return tuple((split_word(path.parent.name) if path.parent != place else "", path.resolve()) for path in _images_below(place))


def label_file(image: Path) -> Path | None:
    """The label file of an image: the last folder called images becomes labels, or it is beside the image."""
    for path in (_labels_of(image.parent) / f"{image.stem}.txt", image.with_suffix(".txt")):
        if path.is_file() and not path.is_symlink():
            return path
    return None


def _labels_of(folder: Path) -> Path:
    """Where the labels of a folder of images are."""
    parts = list(folder.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return Path(*parts)


def orphans(layout: YoloLayout, used: set[Path]) -> list[Path]:
    """Label files that no image has, in the folders of labels and beside the images."""
    folder = layout.file.parent.resolve()
    tops = {path for path in folder.rglob("labels") if path.is_dir()} | {_labels_of(path.parent) for _, path in layout.images}
    found = {path for top in tops if top.is_dir() for path in top.rglob("*.txt") if not _NOT_LABELS(path.name)}
    return sorted(path for path in found - used if path.is_file())
