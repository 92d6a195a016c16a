"""InternVL's finetuning (OpenGVLab/InternVL at b9b1bb86, internvl_chat/internvl/train): a meta file that names JSON Lines files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.paths import check_listed
from vldata.linting.consumer import Consumer, Options, RowSet, WholeFinding
from vldata.linting.filejudge import Size, common, open_file, open_files
from vldata.linting.fromvalue import USED, FromValueJudge
from vldata.linting.outcomes import Behaviour, RowFinding, Table
from vldata.linting.pythonjson import python_faults

_TRAIN = "internvl/train/internvl_chat_finetune.py"
_ITEM = f"{_TRAIN}: LazySupervisedDataset.__getitem__"
_ONE, _MANY = f"{_TRAIN}: multi_modal_get_item", f"{_TRAIN}: multi_modal_multi_image_get_item"
_TURNS = "internvl/train/dataset.py: preprocess_internvl2_5"
_GONE = "The error is printed, and another row, drawn at random, is trained on in its place."
_TILE = 448
_KINDS = {"jsonl": "json"}

TABLE: Table = {
    **common("IV", bad="drop", happens=_GONE, places=(f"{_TRAIN}: LazySupervisedDataset.__init__", f"{_TRAIN}: load_image", _TURNS),
             sizes="Cut into tiles of 448x448 after it is stretched to their grid."),
    "IV01": Behaviour("crash", "no JSON", "A line is read when its row is drawn; the handler of the error reads it again, and the run stops. A blank line is one.", "Write the row again with a JSON library; leave no blank lines.", _ITEM),
    "IV32": Behaviour("crash", "media that are no paths", "The handler of the error joins them to root, and fails itself: the run stops. `null` is one, `\"\"` and `[]` are none.", "Give paths; leave `image` out of rows without one.", _ITEM),
    "IV05": Behaviour("crash", "not JSON Lines", "`annotation must be jsonl`: the run exits with `Error in loading dataset`.", "Write JSON Lines and name the file so.", f"{_TRAIN}: LazySupervisedDataset.__init__"),
    "IV06": Behaviour("crash", "the meta file lacks a key", "`KeyError`: root, annotation, data_augment, repeat_time and length are read.", "Add the key.", f"{_TRAIN}: build_datasets"),
    "IV07": Behaviour("crash", "the annotation file is not there", "The run exits with `Error in loading dataset`.", "Correct `annotation`; it is relative to the working folder.", f"{_TRAIN}: build_datasets"),
    "IV10": Behaviour("drop", "no conversation", _GONE, "Write conversations of from and value.", _ITEM),
    "IV11": Behaviour("drop", "a speaker that is not human, gpt or a leading system", f"`NotImplementedError`. {_GONE}", "Name the speakers human and gpt.", _TURNS),
    "IV12": Behaviour("altered", "a turn without text", f"`null` is written as the word None, and learned in an answer. In the first turn of a row with an image: {_GONE[0].lower()}{_GONE[1:]}", "Fill the turn.", _TURNS),
    "IV20": Behaviour("drop", "tags and images differ in number", f"`AssertionError`: with a list of images the human turns need as many <image>. {_GONE}", "Write one <image> for each image.", _MANY),
    "IV21": Behaviour("note", "the tag is put in front", "One image without a tag is put before the first turn.", "Write <image> in it.", _ONE),
    "IV22": Behaviour("altered", "more tags than images", "The first is used, the others stay in the text.", "Write one <image>.", _TURNS),
    "IV23": Behaviour("ignored", "a tag without an image", "Without `image` the tag stays in the text.", "Add `image`.", f"{_TRAIN}: pure_text_get_item"),
    "IV24": Behaviour("drop", "a video", f"Videos are read by petrel_client alone; without it, {_GONE[0].lower()}{_GONE[1:]}", "Give frames as images.", f"{_TRAIN}: video_get_item"),
    "IV51": Behaviour("nothing", "the answer is blank", "Only the end of the turn is learned.", "Fill the answer or remove the row.", _TURNS),
}  # fmt: skip


class InternvlJudge(FromValueJudge):
    """Judges rows as `__getitem__` and preprocess_internvl2_5 do."""

    prefix = "IV"
    known = frozenset({"human", "gpt", "system"})

    def resize(self, width: int, height: int) -> Size | str:
        """An image that is one tile stays; any other is stretched to a grid of tiles."""
        columns, rows = (max(1, round(side / _TILE)) for side in (width, height))
        return columns * _TILE, rows * _TILE

    def judge(self, row: dict[str, Any]) -> list[RowFinding]:
        """Return what befalls one row."""
        talk = self.read(row)
        if isinstance(talk, RowFinding):
            return [talk]
        if any(who == "system" for who, _ in talk.turns[1:]):
            return [self.found("11", "a system turn that is not the first")]
        found = self.unused(row, USED, row["conversations"], frozenset())
        if (fault := self._no_paths(row)) is not None:
            return [*found, fault]
        tags = talk.count("<image>", "human")
        if talk.videos and not talk.images:
            return [*found, self.found("24")]
        if type(row.get("image")) is list and talk.images:
            if tags < len(talk.images):
                return [*found, self.found("20", f"{tags} <image> in human turns and {len(talk.images)} images")]
            found += [self.found("22", f"{tags} <image>")] if tags > len(talk.images) else []
        elif talk.images:
            found += [self.found("21")] if not tags else [self.found("22", f"{tags} <image>")] if tags > 1 else []
        elif tags:
            found.append(self.found("23"))
        seen, _ = self.images(talk.images, talk.texts())
        return [*found, *seen, *self.control(talk.texts()), *self.blank(talk)]

    def _no_paths(self, row: dict[str, Any]) -> RowFinding | None:
        """Return that a field of media holds what even the handler of errors cannot join to root."""
        for name in ("image", "video") if "image" not in row else ("image",):
            given = row.get(name, "")
            listed = given if type(given) is list and name == "image" else [given]
            if name == "video" and given is None:
                continue
            if not all(type(item) is str for item in listed):
                return self.found("32", f"{name} is {given!r:.60}")
        return None


def open_path(path: Path, options: Options) -> list[RowSet]:
    """Open a meta file, a JSON Lines file, or each of a folder.

    Raises:
        DataError: there is nothing to read.
    """
    if path.is_file() and path.suffix == ".json" and (meta := _read_meta(path)) is not None:
        return [_listed(path, name, entry, options) for name, entry in meta.items() if options.dataset in ("", name)]
    says = "image paths are looked up from its folder, as if that were root."
    parts = open_files(path, options, _KINDS if path.is_dir() else {"jsonl": "json", "json": "json"}, InternvlJudge, says)
    for part in parts:
        part.first += [WholeFinding(str(file), RowFinding("IV05")) for file, _ in part.files if file.suffix != ".jsonl"]
    python_faults([part for part in parts if not part.first], "IV", lambda _: False)
    return parts


def _read_meta(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(strictjson.read_bytes(path))
    except (DataError, ValueError, RecursionError):
        return None
    good = isinstance(value, dict) and value and all(isinstance(one, dict) and "annotation" in one for one in value.values())
    return value if good else None


def _listed(meta: Path, name: str, entry: dict[str, Any], options: Options) -> RowSet:
    annotation, root = str(entry["annotation"]), str(entry.get("root", ""))
    file = next((one for one in (Path(annotation), meta.parent / annotation) if one.is_file()), None)
    folder = next((one for one in (Path(root), meta.parent / root) if root and one.is_dir()), meta.parent)
    roots = (options.media_root,) if options.media_root else ()
    led = [check_listed(meta, name, one, follow_links=options.follow_links, roots=roots) for one in (file, folder) if one is not None]
    lacking = [key for key in ("root", "data_augment", "repeat_time") if key not in entry]
    first = [WholeFinding(f"{meta}: {name}", RowFinding("IV06", f"KeyError: {key!r}")) for key in lacking]
    if not annotation.endswith("jsonl"):
        first.append(WholeFinding(f"{meta}: {name}", RowFinding("IV05", annotation)))
    if file is None:
        judge = InternvlJudge(meta, options, [], folder)
        return RowSet(name, [], judge, (), [], [*first, WholeFinding(f"{meta}: {name}", RowFinding("IV07", annotation))])
    part = open_file(file, options, {"jsonl": "json"}, lambda one, given, columns: InternvlJudge(one, given, columns, folder), name=name)
    part.first += first
    python_faults([part], "IV", lambda _: False)
    part.said += filter(None, led)
    part.sources = ((meta, name), *part.sources)
    return part


CONSUMER = Consumer(
    title="InternVL finetune",
    version="b9b1bb86",
    source="https://github.com/OpenGVLab/InternVL, internvl_chat",
    table=TABLE,
    open=open_path,
    export="internvl",
)
