"""What judges of one file share: lines that are no rows, images as Pillow finds them, boxes, control tokens, fields passed over.

A consumer's module names its behaviours by a prefix and these numbers: 01 no JSON, 02 not UTF-8, 03 no object, 04 no rows; 30 an image
that is not there, 31 unreadable, 32 no path, 33 on the network, 34 a video; 40 resized, 41 boxes that stay, 42 turned by EXIF, 43 transparency,
44 16 bits; 50 control token, 60 field of the row, 61 field of a turn.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vldata.linting.consumer import Options, RowSet, WholeFinding, no_rows
from vldata.linting.fields import TURN_FIELDS, may_matter, part_fields, says_something
from vldata.linting.outcomes import Behaviour, RowFinding, Table
from vldata.linting.pictures import is_file
from vldata.linting.plain import AlikeRows
from vldata.linting.reading import Broken
from vldata.linting.tables import first_rows, no_rows_in, rows_of
from vldata.linting.texts import is_base64, pixel_boxes

_CONTROL = re.compile(r"<\|(?:im_start|im_end|endoftext|vision_start|vision_end|vision_pad|image_pad|video_pad)\|>")
_SAMPLE = 1_000
_NO_NAMES: frozenset[str] = frozenset()
Size = tuple[int, int]


class FileJudge:
    """A base: subclasses say what a row is by `judge`, and how an image is resized by `resize`."""

    prefix = ""
    passes_over_parts = True  # settings like nframes inside a part
    transparent = "43"  # the number that tells of transparency; "" where it is put on white
    started = False  # images are looked up from where the trainer is started, and no folder is named
    tells_turned = False  # EXIF is followed, and 42 says so
    # Of rows of text alone: the field of their turns, the keys of a turn, who asks and answers, and what no text may hold.
    talk: tuple[str, tuple[str, str], str, str] = ("messages", ("role", "content"), "user", "assistant")
    never = "<"
    beside: frozenset[str] = frozenset()  # fields that change what the turns are

    def __init__(self, file: Path, options: Options, columns: list[str], folder: Path | None = None) -> None:
        self.options, self.where = options, str(file)
        self.folder = options.media_root or folder or file.parent
        self.columns = set(columns)
        self.rows = 0
        self._plain = AlikeRows(*self.talk, options.cutoff, never=self.never)
        self._of_plain = self.always()

    def always(self) -> list[RowFinding]:
        """Return what befalls every row that is nothing but text."""
        return []

    def row(self, row: Any) -> list[RowFinding]:
        """Return what befalls one row."""
        self.rows += 1
        if type(row) is not dict:
            return [self._no_row(row)]
        if self._plain and self._plain.has(row):
            return self._of_plain
        self.columns.update(row)
        found = self.judge(row)
        if found == self._of_plain and self.beside.isdisjoint(row):
            self._plain.learn(row, _NO_NAMES)
        return found

    def judge(self, row: dict[str, Any]) -> list[RowFinding]:
        """Return what befalls a row that is an object."""
        raise NotImplementedError

    def resize(self, width: int, height: int) -> Size | str:
        """Return the size an image gets, or why the trainer refuses it."""
        raise NotImplementedError

    def finish(self) -> Iterator[WholeFinding]:
        """Return what only all rows tell."""
        if not self.rows:
            yield WholeFinding(self.where, self.found("04"))

    def found(self, number: str, detail: str = "") -> RowFinding:
        """Make a finding of this consumer."""
        return RowFinding(f"{self.prefix}{number}", detail)

    def _no_row(self, row: Any) -> RowFinding:
        if type(row) is Broken:
            if row.kind == "twice":
                return self.found("60", f"the key {row.reason!r} stands twice; the last one counts")
            return self.found("02" if row.kind == "utf8" else "01", row.reason)
        return self.found("03", f"{row!r:.60}")

    def images(self, items: list[Any], texts: list[str], *, upright: bool = False) -> tuple[list[RowFinding], list[Size]]:
        """Look at images in order, and at boxes in the texts where one is resized; the first that cannot be used ends it."""
        found: list[RowFinding] = []
        sizes: list[Size] = []
        resized = ""
        for item in items:
            if type(item) is not str:
                return [self.found("32", f"{type(item).__name__}")], sizes
            if item.startswith(("http://", "https://")):
                return [self.found("33", item[:80])], sizes
            if not self.options.files or item.startswith("data:"):
                continue
            if self.started and is_base64(item):
                continue
            path = is_file(self.folder, item) or (self.started and not self.options.media_root and is_file(Path(), item))
            seen = self.options.pictures.look(path or os.path.join(self.folder, item), item)  # noqa: PTH118
            if seen.error:
                return [self.found("30" if seen.error.startswith("FileNotFound") else "31", f"{item}: {seen.error}"[:160])], sizes
            size = (seen.height, seen.width) if upright and seen.sideways else (seen.width, seen.height)
            final = self.resize(*size)
            if type(final) is str:
                return [self.found("31", f"{item}: {final}")], sizes
            sizes.append(size)
            if final != size:
                resized = f"{item}: {size[0]}x{size[1]} becomes {final[0]}x{final[1]}"
                found.append(self.found("40", resized))
            if seen.turned and (not upright or self.tells_turned):
                found.append(self.found("42", f"{item}: orientation {seen.turn}"))
            if seen.alpha and self.transparent:
                found.append(self.found(self.transparent, item))
            if seen.mode.startswith("I"):
                found.append(self.found("44", f"{item}: mode {seen.mode}"))
        if resized and self.options.boxes != "0-1000":
            found += [self.found("41", f"{box} and {resized}") for text in texts if (box := pixel_boxes(text, sizes))][:1]
        return found, sizes

    def control(self, texts: list[str]) -> list[RowFinding]:
        """Return the first control token in texts."""
        for text in texts:
            if "<|" in text and (match := _CONTROL.search(text)):
                return [self.found("50", match.group())]
        return []

    def unused(self, row: dict[str, Any], used: frozenset[str], turns: Any, keys: frozenset[str]) -> list[RowFinding]:
        """Return fields that change meaning and are not read."""
        found = [
            self.found("60", name) for name, value in row.items() if name not in used and may_matter(name) and says_something(name, value)
        ]
        if self.passes_over_parts:
            found += [self.found("61", f"{key} of a part") for key in part_fields(turns)]
        for turn in turns if type(turns) is list else ():
            if type(turn) is dict and len(turn) > 2:
                found += [self.found("61", key) for key in turn if key in TURN_FIELDS - keys and says_something(key, turn[key])]
        return found


def media_list(value: Any) -> list[Any]:
    """Return the list a field of media means: a text is its only item."""
    return value if type(value) is list else [value] if value not in (None, "") else []


def common(
    prefix: str, *, bad: str, happens: str, places: tuple[str, str, str], sizes: str, turned: str = "altered", alpha: str = "note"
) -> Table:
    """Make the behaviours that these consumers share.

    Args:
        prefix: of the codes.
        bad: the outcome of a row that cannot be used: drop or crash.
        happens: what the consumer does with it.
        places: where its source reads files, images and turns.
        sizes: what it does to the size of an image.
        turned: the outcome of an image that EXIF turns.
        alpha: the outcome of transparency.
    """
    files, images, turns = places
    exif = "EXIF is not looked at: the model sees it on its side, upside down or mirrored."
    if turned == "note":
        exif = "EXIF is followed: boxes in the text have to be those of the upright image."
    rows = {
        "01": ("crash", "no JSON", "The whole file fails to load.", "Write the row again with a JSON library.", files),
        "02": ("crash", "not UTF-8", "The whole file fails to load.", "Save the file as UTF-8.", files),
        "03": ("crash", "a row that is no object", "The run stops at it.", "Write one object a row.", files),
        "04": ("crash", "no rows", "There is nothing to train on.", "Give the file that holds the rows.", files),
        "30": (bad, "an image file is not there", happens, "Correct the path, or the folder it is relative to.", images),
        "31": (bad, "an image that cannot be used", happens, "Replace the file.", images),
        "32": (bad, "media that are no paths", happens, "Give paths.", images),
        "33": ("unjudged", "media on the network", "They are fetched while training, or not found.", "Download them.", images),
        "34": ("unjudged", "a video", "Its frames are not looked at here.", "See `vldata convert --videos keep`.", images),
        "40": ("note", "the image is resized", sizes, "`vldata convert` writes images on the grid.", images),
        "41": ("boxes", "boxes that may be in pixels of an image that is resized", "The image changes its size, the numbers in the text do not.",
               "Convert with `vldata convert sharegpt`, which moves them, or write them on a scale of 0 to 1000 (if they are: --boxes 0-1000).", images),
        "42": (turned, "an image that its EXIF turns", exif, "Turn the pixels (`vldata convert` does).", images),
        "43": (alpha, "transparency", "The alpha channel is dropped: what was transparent shows its hidden colour.", "Put the image on white (`vldata convert` does).", images),
        "44": ("altered", "an image of 16 bits", "Converted to 8 bits by cutting off: nearly everything is white.", "Scale it to 8 bits.", images),
        "50": ("altered", "a control token in the text", "It becomes the real token: whoever wrote it can end a turn or add an image.", "Take it out of the text.", turns),
        "60": ("ignored", "a field of the row that is not used", "It is not read.", "Rename it as docs/lint.md lists, else convert.", turns),
        "61": ("ignored", "a field of a turn that is not used", "It is not read.", "Write what matters into the text of the turn.", turns),
    }  # fmt: skip
    return {f"{prefix}{number}": Behaviour(*row) for number, row in rows.items()}


def open_files(
    path: Path, options: Options, kinds: dict[str, str], make: Callable[[Path, Options, list[str]], FileJudge], says: str
) -> list[RowSet]:
    """Open one file, or each file of rows in a folder.

    Raises:
        DataError: there is nothing to read.
    """
    files = [path]
    if path.is_dir():
        skipped = ("dataset_info.json", "dataset_infos.json", "state.json")
        files = [one for one in sorted(path.iterdir()) if one.is_file() and one.suffix[1:] in kinds and one.name not in skipped]
        if not files:
            raise no_rows(path, tuple(f".{kind}" for kind in kinds), f"It reads {', '.join(kinds)}.")
    return [open_file(file, options, kinds, make, says) for file in files]


def open_file(
    file: Path,
    options: Options,
    kinds: dict[str, str],
    make: Callable[[Path, Options, list[str]], FileJudge],
    says: str = "",
    name: str = "",
) -> RowSet:
    """Open one file with its judge; what it is that is not read as a kind it reads is told by 01."""
    rows = rows_of(file, kinds.get(file.suffix[1:], "json"))
    taken = first_rows(rows, _SAMPLE)
    sample = [row for row in taken if isinstance(row, dict)]
    columns = list(dict.fromkeys(key for row in sample for key in row))
    judge = make(file, options, columns)
    said = [f"{file.name}: {says}"] if says and options.media_root is None and {"image", "images"} & set(columns) else []
    if other := no_rows_in(file, kinds, taken):
        return RowSet(name or file.stem, [], judge, ((file, ""),), first=[WholeFinding(str(file), judge.found("01", other))])
    return RowSet(name or file.stem, [(file, rows)], judge, ((file, ""),), said)
