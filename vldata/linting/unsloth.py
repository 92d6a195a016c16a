"""Unsloth 2026.10.9: rows through UnslothVisionDataCollator (unsloth_zoo/vision_utils.py), as its notebooks train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.linting.consumer import Consumer, Options, RowSet
from vldata.linting.filejudge import FileJudge, Size, common, open_files
from vldata.linting.outcomes import Behaviour, RowFinding, Table
from vldata.media.pixels import DEFAULT, smart_resize, vision_tokens

_ZOO = "unsloth_zoo/vision_utils.py"
_COLLATE = f"{_ZOO}: UnslothVisionDataCollator._collate"
_FIRST = f"{_ZOO}: _validate_and_normalize_first_message"
_STOPS = "The collator fails, and the run stops."
_KINDS = {"json": "json", "jsonl": "json", "csv": "csv", "parquet": "parquet", "arrow": "arrow"}
_SIDE = 512
_USED = frozenset({"images", "tools"})

TABLE: Table = {
    **common("UN", bad="crash", happens=_STOPS, places=("datasets, packaged_modules/json", f"{_ZOO}: _decode_image", _COLLATE),
             sizes="resize=\"min\": wider than 512 pixels is shrunk to that where the model names no size of its own, then to the grid."),
    "UN42": Behaviour("altered", "an image that its EXIF turns", "EXIF is not looked at for images inside parts: the model sees it on its side, upside down or mirrored. Those of the column images are turned.", "Turn the pixels (`vldata convert` does).", f"{_ZOO}: fetch_image, _load_column_images"),
    "UN10": Behaviour("crash", "no conversation", "Neither prompt with completion, messages nor conversations.", "Name the column messages.", f"{_ZOO}: _select_messages_or_raw"),
    "UN11": Behaviour("crash", "turns of from and value", "`Failed to use vision data collator! Maybe use standardize_data_formats first!`", "Write role and content.", _FIRST),
    "UN12": Behaviour("crash", "a first turn without content", "`Your messages must be like ...`.", "Write a text or a list of parts.", _FIRST),
    "UN13": Behaviour("crash", "one of prompt and completion is a text, the other turns", "`TypeError: can only concatenate str (not \"list\") to str`, or the turns are learned as Python prints them.", "Write both as turns.", f"{_ZOO}: UnslothVisionDataCollator._collate_prompt_completion"),
    "UN16": Behaviour("crash", "a part without type", "`AssertionError`, or the template prints nothing for it.", "Give each part its type.", _FIRST),
    "UN20": Behaviour("crash", "placeholders and images differ in number", "The processor counts image tokens and images: `IndexError` or a mismatch.", "Write one part {\"type\": \"image\"} for each image.", _COLLATE),
    "UN21": Behaviour("altered", "an image tag in the text", "`<image>` is no placeholder here: it stays in the text.", "Use a part {\"type\": \"image\"}.", _COLLATE),
    "UN22": Behaviour("ignored", "a column `image`", "Only `images`, or images inside parts, are loaded.", "Name the column images.", f"{_ZOO}: _extract_images_videos_for_example"),
    "UN50P": Behaviour("prompt", "messages are learned whole", "train_on_responses_only is off by default: questions are learned too, image tokens apart.", "Set train_on_responses_only=True with instruction_part and response_part.", f"{_ZOO}: UnslothVisionDataCollator.__init__"),
    "UN51": Behaviour("nothing", "the answer is blank", "Only the end of the turn is learned.", "Fill the answer or remove the row.", _COLLATE),
    "UN70": Behaviour("cut", "cut at max_seq_length", "The processor cuts at its end, image tokens too: `Mismatch in image token count`.", "Raise max_seq_length.", _COLLATE),
}  # fmt: skip


class UnslothJudge(FileJudge):
    """Judges rows as the collator does."""

    prefix = "UN"
    started = True
    passes_over_parts = False  # its copy of qwen-vl-utils reads nframes and fps of a part
    beside = frozenset({"prompt", "completion"})

    def always(self) -> list[RowFinding]:
        """Messages are learned whole, unless that is turned off."""
        return [] if self.options.settings.get("train_on_responses_only") else [RowFinding("UN50P")]

    def resize(self, width: int, height: int) -> Size | str:
        """Shrink to 512 wide, then as the processor does."""
        if width > _SIDE:
            width, height = _SIDE, max(1, (height * _SIDE + width // 2) // width)
        try:
            return smart_resize(width, height, processor=DEFAULT)
        except DataError as error:
            return error.what

    def judge(self, row: dict[str, Any]) -> list[RowFinding]:
        """Return what befalls one row."""
        pair = "prompt" in row and "completion" in row
        if pair and (type(row["prompt"]) is list) != (type(row["completion"]) is list):
            return [self.found("13")]
        turns = [*_turns(row["prompt"]), *_turns(row["completion"])] if pair else row.get("messages", row.get("conversations"))
        if type(turns) is not list or not turns or not all(type(turn) is dict for turn in turns):
            return [self.found("10", ", ".join(map(repr, list(row)[:8])))]
        found = self.unused(row, _USED | {"image"}, turns, frozenset())
        if "role" not in turns[0] and "content" not in turns[0]:
            return [*found, self.found("11", ", ".join(map(repr, turns[0])))]
        if type(turns[0].get("content")) not in (str, list) or turns[0]["content"] == []:
            return [*found, self.found("12", f"{turns[0].get('content')!r:.40}")]
        texts: list[str] = []
        answers: list[str] = []
        inside: list[Any] = []
        holders = 0
        filmed: list[RowFinding] = []
        for turn in turns:
            content = turn.get("content")
            if type(content) not in (str, list, type(None)):
                return [*found, self.found("16", f"{content!r:.60}")]
            for part in [{"type": "text", "text": content}] if type(content) is str else content or []:
                if type(part) is not dict or "type" not in part:
                    return [*found, self.found("16", f"{part!r:.60}")]
                if part["type"] in ("image", "image_url"):
                    holders += 1
                    own = part.get("image", part.get("image_url"))
                    own = own.get("url", own) if type(own) is dict else own
                    inside += [own] if own is not None else []
                elif part["type"] == "video":
                    filmed = [self.found("34")]
                elif type(part.get("text")) is str:
                    texts.append(part["text"])
                    answers += [part["text"]] if turn.get("role") == "assistant" else []
                    holders += part["text"].count("<|image_pad|>")
        column = row.get("images")
        shown = [_path(item) for item in column if item is not None] if type(column) is list else [*map(_path, inside)]
        if row.get("image") is not None and not inside:
            found.append(self.found("22"))
        found += [self.found("21")] if any("<image>" in text for text in texts) else []
        if column is not None and type(column) is not list:
            return [*found, self.found("32", f"images is {column!r:.60}")]
        if holders != len(shown):
            return [*found, self.found("20", f"{holders} placeholders and {len(shown)} images")]
        seen, sizes = self.images(shown, texts, upright=column is not None)
        if not pair and not self.options.settings.get("train_on_responses_only"):
            found.append(RowFinding("UN50P"))
        if not any(text.strip() for text in answers):
            found.append(self.found("51"))
        return [*found, *filmed, *seen, *self.control(texts), *self._cut(texts, sizes)]

    def _cut(self, texts: list[str], sizes: list[Size]) -> list[RowFinding]:
        if not self.options.cutoff:
            return []
        finals = [final for size in sizes if not isinstance(final := self.resize(*size), str)]
        total = sum(vision_tokens(*final, processor=DEFAULT, delimiters=True) for final in finals)
        total += sum(self.options.counter.count(text) + 5 for text in texts)
        return [self.found("70", f"about {total:,} tokens; the limit is {self.options.cutoff:,}")] if total > self.options.cutoff else []


def _path(item: Any) -> Any:
    """Return the path of an image that is an object, as `datasets` writes it."""
    return item["path"] if type(item) is dict and not item.get("bytes") and type(item.get("path")) is str else item


def _turns(value: Any) -> list[Any]:
    return value if type(value) is list else [{"role": "assistant", "content": value}]


def open_path(path: Path, options: Options) -> list[RowSet]:
    """Open one file, or each file of rows in a folder."""
    return open_files(
        path,
        options,
        _KINDS,
        UnslothJudge,
        "image paths are looked up from its folder and the working folder; Unsloth looks from where it is started.",
    )


CONSUMER = Consumer(
    title="Unsloth",
    version="2026.10.9",
    source="https://github.com/unslothai/unsloth-zoo, unsloth_zoo/vision_utils.py",
    table=TABLE,
    open=open_path,
    export="trl",
    limit="max_seq_length",
    settings=frozenset({"train_on_responses_only"}),
)
