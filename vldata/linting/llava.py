"""LLaVA 1.5's training (haotian-liu/LLaVA at 00346615, llava/train/train.py): one JSON list, one image a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vldata.linting.consumer import Consumer, Options, RowSet
from vldata.linting.filejudge import Size, common, open_files
from vldata.linting.fromvalue import USED, FromValueJudge
from vldata.linting.outcomes import Behaviour, RowFinding, Table
from vldata.linting.pythonjson import python_faults

_TRAIN = "llava/train/train.py"
_ITEM, _PREPROCESS = f"{_TRAIN}: LazySupervisedDataset.__getitem__", f"{_TRAIN}: preprocess_v1"
_MULTI = f"{_TRAIN}: preprocess_multimodal"
_STOPS = "Nothing catches the error: the run stops."
_SIDE = 336
_KINDS = {"json": "json"}

TABLE: Table = {
    **common("LV", bad="crash", happens=_STOPS, places=(f"{_TRAIN}: LazySupervisedDataset.__init__", _ITEM, _PREPROCESS),
             sizes="Padded to a square (image_aspect_ratio pad) and resized to 336x336."),
    "LV05": Behaviour("crash", "not one JSON list", "`json.load` reads the file: JSON Lines fail with `Extra data`.", "Write one list (`vldata export --to llava`).", f"{_TRAIN}: LazySupervisedDataset.__init__"),
    "LV10": Behaviour("crash", "no conversation", "`KeyError: 'conversations'`, `'from'` or `'value'`.", "Write conversations of from and value.", _ITEM),
    "LV11": Behaviour("crash", "a speaker that is not human or gpt", "`KeyError` with the speaker: a system turn stops the run.", "Name the speakers human and gpt; leave system turns out.", _PREPROCESS),
    "LV12": Behaviour("crash", "a turn without text", "`TypeError`; in a row without an image null is an empty turn, and nothing is learned from it on.", "Fill the turn.", _MULTI),
    "LV13": Behaviour("crash", "turns that do not alternate", "`AssertionError`.", "Merge turns of one speaker.", _PREPROCESS),
    "LV14": Behaviour("ignored", "the first turn is an answer", "It is skipped.", "Begin with human.", _PREPROCESS),
    "LV15": Behaviour("crash", "several images in a row", "`image` is joined to the folder as one path: a list is a `TypeError`.", "One image a row.", _ITEM),
    "LV20": Behaviour("ignored", "an image without its tag", "It is loaded and not put into the text.", "Write <image> in a human turn.", "llava/model/llava_arch.py: prepare_inputs_labels_for_multimodal"),
    "LV21": Behaviour("crash", "tags in several turns", "Each turn keeps one tag; there is one image: `IndexError`, or the image of another row.", "Write one <image>.", "llava/model/llava_arch.py: prepare_inputs_labels_for_multimodal"),
    "LV22": Behaviour("note", "the tag is moved", "All tags of a turn become one in front of its text.", "Write <image> first.", _MULTI),
    "LV23": Behaviour("ignored", "a tag without an image", "Without `image` the tag stays in the text.", "Add `image`.", _ITEM),
    "LV51": Behaviour("nothing", "the answer is blank", "An empty one ends the row: the labels of the whole row are masked. Of spaces, only the end of the turn is learned.", "Fill the answer or remove the row.", _PREPROCESS),
    "LV52": Behaviour("nothing", "the template's own words in the text", "`WARNING: tokenization mismatch ... (ignored)`: all labels of the row are masked.", "Take ` ASSISTANT: ` and `</s>` out of the text.", _PREPROCESS),
}  # fmt: skip


class LlavaJudge(FromValueJudge):
    """Judges rows as `__getitem__` and preprocess_v1 do."""

    prefix = "LV"
    never = " ASSISTANT: "

    def resize(self, width: int, height: int) -> Size | str:
        """Every image becomes one square."""
        return _SIDE, _SIDE

    def judge(self, row: dict[str, Any]) -> list[RowFinding]:
        """Return what befalls one row."""
        if type(row.get("image")) is list:
            return [self.found("15", f"{len(row['image'])} images")]
        talk = self.read(row)
        if isinstance(talk, RowFinding):
            return [talk]
        found = self.unused(row, USED - {"video"}, row["conversations"], frozenset())
        speakers = [who for who, _ in talk.turns]
        if speakers[0] == "gpt":
            found.append(self.found("14"))
            speakers = speakers[1:]
        if any((who == "human") != (place % 2 == 0) for place, who in enumerate(speakers)):
            return [*found, self.found("13", ", ".join(speakers[:6]))]
        tagged = [text for text in talk.texts() if "<image>" in text]
        if "image" not in row:
            found += [self.found("23")] if tagged else []
        elif len(tagged) > 1:
            return [*found, self.found("21", f"{len(tagged)} turns")]
        elif not tagged:
            found.append(self.found("20", str(row["image"])[:80]))
        elif tagged[0].count("<image>") > 1 or not tagged[0].lstrip().startswith("<image>"):
            found.append(self.found("22"))
        if any(" ASSISTANT: " in text or "</s>" in text for text in talk.texts()):
            found.append(self.found("52"))
        given = [row["image"]] if "image" in row else []
        seen, _ = self.images(given, talk.texts())
        return [*found, *seen, *self.blank(talk)]


def open_path(path: Path, options: Options) -> list[RowSet]:
    """Open a JSON file, or each of a folder."""
    kinds = _KINDS if path.is_dir() else {"json": "json", "jsonl": "json"}
    parts = open_files(path, options, kinds, LlavaJudge, "image paths are looked up from its folder, as if that were image_folder.")
    python_faults(parts, "LV", lambda _: True)
    return parts


CONSUMER = Consumer(
    title="LLaVA",
    version="00346615",
    source="https://github.com/haotian-liu/LLaVA, llava/train",
    table=TABLE,
    open=open_path,
    export="llava",
)
