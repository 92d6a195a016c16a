"""Qwen's own finetuning (QwenLM/Qwen3-VL at 23d3cce0, qwen-vl-finetune): conversations of human and gpt with image and video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.linting.consumer import Consumer, Options, RowSet
from vldata.linting.filejudge import Size, common, open_files
from vldata.linting.fromvalue import USED, FromValueJudge, FromValueTalk
from vldata.linting.outcomes import Behaviour, RowFinding, Table
from vldata.linting.pythonjson import python_faults
from vldata.media.pixels import DEFAULT, find_family, smart_resize

_DATA = "qwenvl/data/data_processor.py"
_BUILD, _ITEM = f"{_DATA}: _build_messages", f"{_DATA}: LazySupervisedDataset.__getitem__"
_GONE = "`Failed to fetch sample`, three times; the next row is trained on in its place (the last row stops the run)."
_MIN_PIXELS, _MAX_PIXELS = 28 * 28 * 16, 28 * 28 * 576
_KINDS = {"json": "json", "jsonl": "json"}

TABLE: Table = {
    **common("QW", bad="drop", happens=_GONE, places=(f"{_DATA}: LazySupervisedDataset.__init__", _BUILD, _BUILD),
             sizes="To between 12,544 and 451,584 pixels (--min_pixels, --max_pixels) and the grid of the processor.", turned="note"),
    "QW05": Behaviour("crash", "not the form of its name", "A .jsonl file is read line by line, any other whole as one list: JSON Lines named .json fail with `Extra data`.", "Name JSON Lines .jsonl, and a list .json.", f"{_DATA}: LazySupervisedDataset.__init__"),
    "QW10": Behaviour("drop", "no conversation", _GONE, "Write conversations of from and value.", _BUILD),
    "QW11": Behaviour("prompt", "a speaker that is not human or gpt", "Whatever is not `human` is the assistant: a system or user turn is learned as an answer.", "Name the speakers human and gpt; leave system turns out.", _BUILD),
    "QW12": Behaviour("drop", "a turn without text", f"A question: {_GONE} An answer: the template writes the word `None`, which is learned.", "Fill the turn.", _BUILD),
    "QW20": Behaviour("drop", "tags and media differ in number", f"`Number of <image> placeholders exceeds` or `image(s) remain unused`; {_GONE}", "Write one <image> in a human turn for each image.", _BUILD),
    "QW21": Behaviour("altered", "a tag in an answer", "It is learned as the text that it is.", "Take it out of the answer.", _BUILD),
    "QW51": Behaviour("nothing", "the answer is blank", "Only the end of the turn is learned.", "Fill the answer or remove the row.", f"{_DATA}: preprocess_qwen_visual"),
    "QW70": Behaviour("cut", "cut at model_max_length", "The batch is cut at its end; where vision tokens go, image features and tokens do not match (512 unless set).", "Raise --model_max_length.", f"{_DATA}: DataCollatorForSupervisedDataset"),
}  # fmt: skip


class QwenJudge(FromValueJudge):
    """Judges rows as `_build_messages` does."""

    prefix = "QW"
    tells_turned = True

    def knows(self, speaker: Any) -> bool:
        """Whoever is not human is the assistant."""
        return True

    def resize(self, width: int, height: int) -> Size | str:
        """Resize as the processor under the script's limits."""
        try:
            return smart_resize(width, height, processor=DEFAULT, min_pixels=_MIN_PIXELS, max_pixels=_MAX_PIXELS)
        except DataError as error:
            return error.what

    def judge(self, row: dict[str, Any]) -> list[RowFinding]:
        """Return what befalls one row."""
        talk = self.read(row)
        if isinstance(talk, RowFinding):
            return [talk]
        found = self.unused(row, USED, row["conversations"], frozenset())
        for word, media in (("image", talk.images), ("video", talk.videos)):
            tags = talk.count(f"<{word}>", "human")
            if tags != len(media):
                return [*found, self.found("20", f"{tags} <{word}> in human turns and {len(media)} of {word}")]
            if talk.count(f"<{word}>") > tags:
                found.append(self.found("21", word))
        found += [self.found("11", f"a turn of {who!r}") for who, _ in talk.turns if who not in ("human", "gpt")][:1]
        seen, sizes = self.images(talk.images, talk.texts(), upright=True)
        return [*found, *seen, *self.control(talk.texts()), *self.blank(talk), *self._cut(talk, sizes)]

    def _cut(self, talk: FromValueTalk, sizes: list[Size]) -> list[RowFinding]:
        if not self.options.cutoff:
            return []
        finals = [final for size in sizes if not isinstance(final := self.resize(*size), str)]
        vision = sum(width * height // 1_024 + find_family(DEFAULT).delimiters for width, height in finals)
        total = vision + sum(self.options.counter.count(text) + 5 for text in talk.texts())
        return [self.found("70", f"about {total:,} tokens; the limit is {self.options.cutoff:,}")] if total > self.options.cutoff else []


def open_path(path: Path, options: Options) -> list[RowSet]:
    """Open a JSON or JSON Lines file, or each of a folder."""
    parts = open_files(path, options, _KINDS, QwenJudge, "image paths are looked up from its folder, as if that were data_path.")
    python_faults(parts, "QW", lambda file: file.suffix != ".jsonl")
    return parts


CONSUMER = Consumer(
    title="Qwen-VL finetune",
    version="23d3cce0",
    source="https://github.com/QwenLM/Qwen3-VL, qwen-vl-finetune",
    table=TABLE,
    open=open_path,
    export="qwen",
    limit="model_max_length",
)
