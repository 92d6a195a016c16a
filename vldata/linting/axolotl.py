"""Axolotl 0.19.0 with a multimodal model: messages or conversations, images in a column or in parts (processing_strategies.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.linting.consumer import Consumer, Options, RowSet
from vldata.linting.filejudge import FileJudge, Size, common, open_files
from vldata.linting.outcomes import Behaviour, RowFinding, Table
from vldata.linting.texts import other_tags
from vldata.media.pixels import DEFAULT, smart_resize

_CALL = "axolotl/processing_strategies.py: ProcessingStrategy.__call__"
_STOPS = "The collator fails, and the run stops."
_KINDS = {"json": "json", "jsonl": "json", "csv": "csv", "parquet": "parquet", "arrow": "arrow"}
_RENAMED = {"human": "user", "gpt": "assistant"}  # the speakers of conversations
_ROLES = frozenset({"user", "assistant", "system", "tool"})
_USED = frozenset({"image", "images", "tools"})

TABLE: Table = {
    **common("AX", bad="crash", happens=_STOPS, places=("datasets, packaged_modules/json", f"{_CALL}; transformers image_utils.py: load_image", _CALL),
             sizes="To the grid of the processor, or to image_size where the YAML sets it.", turned="note"),
    "AX10": Behaviour("crash", "no conversation", "`Only configured field_messages, messages, and conversations message keys are currently supported.`, or `KeyError`.", "Name the column messages or conversations.", _CALL),
    "AX12": Behaviour("altered", "a turn without content", "A turn whose content is neither a text nor a list is left out of the conversation.", "Fill the turn.", f"{_CALL}: convert_messages_to_multimedia_messages"),
    "AX13": Behaviour("ignored", "a turn of another role", "It stands in the text under its own name and is not learned. Speakers human and gpt of `conversations` are renamed, those of `messages` are not.", "Name the roles user, assistant, system and tool.", "axolotl/processing_strategies.py: _compute_role_keep_mask"),
    "AX16": Behaviour("crash", "a part without type", "`KeyError: 'type'`.", "Give each part its type.", _CALL),
    "AX20": Behaviour("ignored", "more than one image in a column", "`Using the first one.`: the others are not loaded.", "Put images into the parts of the turns.", _CALL),
    "AX21": Behaviour("crash", "a column of images that is a text", "Its first character is taken for the image.", "Write a list of one path.", _CALL),
    "AX22": Behaviour("note", "the image is put behind the question", "Without a part {\"type\": \"image\"} the image comes after the text of the first user turn.", "Write the part where the image stands.", _CALL),
    "AX23": Behaviour("altered", "an image tag in the text", "No text is a placeholder here, `<image>` no more than others: it stays in the text.", "Use a part {\"type\": \"image\"}.", _CALL),
    "AX24": Behaviour("crash", "a placeholder without its image", "The template writes an image that is not given: the processor fails.", "Give the image.", _CALL),
    "AX25": Behaviour("ignored", "a part without its image", "A part of type image_url is read under that name alone: the template writes nothing for it, and its image is not loaded.", "Write {\"type\": \"image\", \"url\": ...}.", "transformers processing_utils.py: ProcessorMixin.apply_chat_template"),
    "AX26": Behaviour("crash", "an empty list of images", "The first of it is taken: `IndexError: list index out of range`.", "Leave the column out, or write null, in rows without an image.", _CALL),
    "AX51": Behaviour("nothing", "the answer is blank", "Only the end of the turn is learned.", "Fill the answer or remove the row.", "axolotl/processing_strategies.py: process_labels"),
    "AX52": Behaviour("nothing", "no assistant turn", "roles_to_train is assistant: nothing else is learned. Speakers human and gpt of `conversations` are renamed, no others.", "Name the role assistant.", "axolotl/processing_strategies.py: _compute_role_keep_mask"),
}  # fmt: skip


class AxolotlJudge(FileJudge):
    """Judges rows as ProcessingStrategy does."""

    prefix = "AX"
    started = True
    tells_turned = True

    def resize(self, width: int, height: int) -> Size | str:
        """Resize as the processor does."""
        try:
            return smart_resize(width, height, processor=DEFAULT)
        except DataError as error:
            return error.what

    def judge(self, row: dict[str, Any]) -> list[RowFinding]:
        """Return what befalls one row."""
        turns, keys = row.get("messages"), ("role", "content")
        if turns is None:
            turns, keys = row.get("conversations"), ("from", "value")
        if type(turns) is not list or not all(type(turn) is dict and keys[0] in turn and keys[1] in turn for turn in turns):
            return [self.found("10", ", ".join(map(repr, list(row)[:8])))]
        found = self.unused(row, _USED, turns, frozenset())
        texts: list[str] = []
        answers: list[str] = []
        parts: list[dict[str, Any]] = []
        renamed = _RENAMED if keys[0] == "from" else {}
        for turn in turns:
            role, content = renamed.get(str(turn[keys[0]]), turn[keys[0]]), turn[keys[1]]
            listed = [{"type": "text", "text": content}] if type(content) is str else content
            if type(listed) is not list:
                found.append(self.found("12", f"{content!r:.40}"))
                continue
            for part in listed:
                if type(part) is not dict or "type" not in part:
                    return [*found, self.found("16", f"{part!r:.60}")]
                parts.append(part)
                if part["type"] == "text" and type(part.get("text")) is str:
                    texts.append(part["text"])
                    answers += [part["text"]] if role == "assistant" else []
            if type(role) is not str or role not in _ROLES:
                found.append(self.found("13", f"a turn of {role!r}"))
        if not any(renamed.get(str(turn[keys[0]]), turn[keys[0]]) == "assistant" for turn in turns):
            found.append(self.found("52"))
        elif not any(text.strip() for text in answers):
            found.append(self.found("51"))
        return [*found, *self._shown(row, texts, parts), *self.control(texts)]

    def _shown(self, row: dict[str, Any], texts: list[str], parts: list[dict[str, Any]]) -> list[RowFinding]:
        given = row.get("images") if "images" in row else row.get("image")
        inline = [value for part in parts if (value := _own(part)) is not None]
        bare = sum(part["type"] == "image" and _own(part) is None for part in parts)
        found = [self.found("23")] if any("<image>" in text for text in texts) else []
        others = other_tags(("", text) for text in texts)
        if not found and others and not bare and not inline and (given or "</img>" in others):
            found = [self.found("23", others.removeprefix("; "))]
        found += [self.found("34")] if any(part["type"] == "video" for part in parts) else []
        found += [self.found("25", f"{part!r:.60}") for part in parts if part["type"] == "image_url" and "image_url" not in part][:1]
        if type(given) is str:
            return [*found, self.found("21", given[:60])]
        if given is not None and type(given) is not list:
            return [*found, self.found("32", f"{given!r:.60}")]
        if given == []:
            return [*found, self.found("26")]
        if bare > bool(given):
            return [*found, self.found("24", f"{bare} placeholders and {'one image' if given else 'no image'}")]
        if given and len(given) > 1:
            found.append(self.found("20", f"{len(given)} images"))
        if given and not bare and not inline:
            found.append(self.found("22"))
        seen, _ = self.images([*(given or [])[:1], *inline], texts, upright=True)
        return [*found, *seen]


def _own(part: dict[str, Any]) -> Any:
    """Return the image that a part names itself, None where it leaves that to the column."""
    if part["type"] == "image_url" and "image_url" in part:
        value = part["image_url"]
        return value.get("url", "") if type(value) is dict else value
    if part["type"] != "image":
        return None
    return next((value for key in ("image", "url", "path", "base64") if (value := part.get(key)) is not None), None)


def open_path(path: Path, options: Options) -> list[RowSet]:
    """Open one file, or each file of rows in a folder."""
    return open_files(
        path,
        options,
        _KINDS,
        AxolotlJudge,
        "image paths are looked up from its folder and the working folder; Axolotl looks from where it is started.",
    )


CONSUMER = Consumer(
    title="Axolotl",
    version="0.19.0",
    source="https://github.com/axolotl-ai-cloud/axolotl, src/axolotl",
    table=TABLE,
    open=open_path,
    export="openai",
)
