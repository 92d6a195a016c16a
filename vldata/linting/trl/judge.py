"""What befalls the rows of one file in TRL's SFTTrainer: columns, turns, images, length, and what is learned."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vldata.linting.columns import AllDates
from vldata.linting.consumer import Options, WholeFinding
from vldata.linting.fields import TURN_FIELDS, may_matter, part_fields, says_something
from vldata.linting.outcomes import RowFinding
from vldata.linting.pictures import is_file
from vldata.linting.plain import AlikeRows
from vldata.linting.reading import Broken
from vldata.linting.texts import is_base64, other_tags, pixel_boxes
from vldata.linting.trl.behaviours import TABLE
from vldata.linting.trl.turns import Piece, TrlPrepared, prepare
from vldata.media.pixels import DEFAULT, MAX_RATIO, smart_resize, vision_tokens

DEFAULT_CUTOFF = 1_024
_PADS = ("<|image_pad|>", "<|video_pad|>")
_CONTROL = re.compile(r"<\|(?:im_start|im_end|endoftext|vision_start|vision_end|vision_pad)\|>")
_USED = frozenset({"messages", "prompt", "completion", "image", "images", "tools", "text", "label"})
_BROKEN = {"utf8": "TR03", "twice": "TR02"}


class TrlJudge:
    """Judges the rows of one file; `decoded` are the columns whose images `datasets` decodes by itself."""

    def __init__(self, file: Path, options: Options, *, columns: list[str], talks: bool, decoded: frozenset[str]) -> None:
        self._options, self._where = options, str(file)
        self._folders = [options.media_root] if options.media_root else [file.parent, Path()]
        self._columns, self._decoded = set(columns), decoded
        self._talks = talks
        self._limit = options.cutoff or DEFAULT_CUTOFF
        self._whole = not options.settings.get("assistant_only_loss", False)
        self._completion_only = options.settings.get("completion_only_loss") is not False
        self._rows = 0
        self._dates = AllDates(may=file.suffix == ".jsonl")
        self._plain = AlikeRows("messages", ("role", "content"), "user", "assistant", self._limit)
        self._of_plain: list[RowFinding] = [RowFinding("TR50")] if self._whole else []

    def row(self, row: Any) -> list[RowFinding]:
        """Return what befalls one row."""
        self._rows += 1
        if self._plain and type(row) is dict and self._plain.has(row):
            return self._of_plain
        if type(row) is not dict:
            return [self._no_row(row)]
        if not row.keys() <= self._columns:
            self._columns.update(row)
            self._plain = AlikeRows("messages", ("role", "content"), "user", "assistant", self._limit)
        found = self._judge_row(row)
        if found == self._of_plain and not {"image", "images", "prompt", "completion"} & self._columns:
            self._plain.learn(row, self._columns - {"messages"})
        return found

    def _judge_row(self, row: dict[str, Any]) -> list[RowFinding]:
        found = self._unused(row)
        vision = bool({"image", "images"} & self._columns)
        fault = self._form_fault(vision=vision)
        if fault:
            return [fault, *found]
        if not vision and (tools := row.get("tools")) and _no_tools(tools):
            return [RowFinding("TR19", f"{tools!r:.60}"), *found]
        shown = self._images(row) if vision else []
        if isinstance(shown, RowFinding):
            return [shown, *found]
        return [*found, *self._judge(row, shown, vision=vision)]

    def _no_row(self, row: Any) -> RowFinding:
        if type(row) is Broken:
            return RowFinding(_BROKEN.get(row.kind, "TR01"), row.reason)
        return RowFinding("TR04", f"{row!r:.60}")

    def _form_fault(self, *, vision: bool) -> RowFinding | None:
        columns = self._columns
        if self._options.stage != "sft" and self._is_preference():
            return RowFinding("TR70")
        if vision and {"messages", "prompt", "completion"} <= columns:
            return RowFinding("TR11")
        if "messages" in columns or (not vision and (self._talks or "text" in columns)):
            return None
        if "prompt" in columns:
            return None if "completion" in columns else RowFinding("TR12", f"the columns are {', '.join(sorted(columns))}")
        return RowFinding("TR10", f"the columns are {', '.join(sorted(columns))}")

    def _is_preference(self) -> bool:
        return {"chosen", "rejected"} <= self._columns and not {"completion", "messages"} & self._columns

    # --- images ----------------------------------------------------------------------------------------------------------------------

    def _images(self, row: dict[str, Any]) -> list[Any] | RowFinding:
        name = "image" if "image" in self._columns else "images"
        given = row.get(name)
        if name == "image":
            return RowFinding("TR33", "image is a list") if type(given) is list else [given]
        if type(given) is str:
            return RowFinding("TR33", "images is a text, and each of its characters is taken for an image")
        if given is None:
            return [None]
        return given if type(given) is list else RowFinding("TR33", f"images is {given!r:.40}")

    def _image_fault(self, item: Any) -> RowFinding | None:
        """Return why an image cannot be loaded, None for one that can, whose size may be unknown."""
        decoded = bool(self._decoded)
        if type(item) is list:
            return RowFinding("TR33", f"{item!r:.60}")
        if type(item) is not str:
            good = decoded and type(item) is dict and (item.get("bytes") or item.get("path"))
            return None if good else RowFinding("TR32", f"{_short(item)}")
        if item.startswith("http"):
            return RowFinding("TR35", item[:80])
        if not self._options.files or self._file(item) or item.startswith("data:image/") or is_base64(item):
            return None
        return RowFinding("TR30", f"ValueError: Incorrect image source. ... Got {item!r:.80}")

    def _file(self, item: str) -> str:
        return next((path for folder in self._folders if (path := is_file(folder, item))), "")

    def _look(self, items: list[Any]) -> tuple[list[int], list[tuple[int, int]], list[RowFinding]]:
        costs: list[int] = []
        sizes: list[tuple[int, int]] = []
        found: list[RowFinding] = []
        for item in items:
            if fault := self._image_fault(item):
                return costs, sizes, [fault]
            path = self._file(item) if type(item) is str and self._options.files else ""
            if not path:
                costs.append(0)
                continue
            seen = self._options.pictures.look(path, item)
            if seen.error:
                return costs, sizes, [RowFinding("TR31", f"{item}: {seen.error}"[:160])]
            size = (seen.height, seen.width) if seen.sideways else (seen.width, seen.height)
            if max(size) > MAX_RATIO * min(size):
                return costs, sizes, [RowFinding("TR34", f"{item}: {size[0]}x{size[1]}")]
            final = smart_resize(*size, processor=DEFAULT)
            costs.append(vision_tokens(*size, processor=DEFAULT, delimiters=True))
            sizes.append(size)
            if final != size:
                found.append(RowFinding("TR41", f"{item}: {size[0]}x{size[1]} becomes {final[0]}x{final[1]}"))
            if seen.alpha:
                found.append(RowFinding("TR42", item))
            if seen.mode.startswith("I"):
                found.append(RowFinding("TR43", f"{item}: mode {seen.mode}"))
        return costs, sizes, found

    # --- what is encoded -------------------------------------------------------------------------------------------------------------

    def _judge(self, row: dict[str, Any], shown: list[Any], *, vision: bool) -> list[RowFinding]:
        if not vision and not self._talks and "messages" not in self._columns and "prompt" not in self._columns:
            return self._plain_text(row)
        pairs = not vision and {"prompt", "completion"} <= self._columns
        if not pairs and (row.get("messages") is not None or "messages" in self._columns or (self._talks and not vision)):
            prompt, completion = row.get("messages", _turned(row.get("conversations"))), None
        else:
            prompt, completion = row.get("prompt"), row.get("completion")
            if type(prompt) is str and type(completion) is str:
                return self._texts(prompt, completion, shown)
            if type(completion) is str or type(prompt) is str:
                return [RowFinding("TR13", "one of prompt and completion is a text, the other turns")]
        if prompt == [] and completion is not None:
            return [RowFinding("TR13", "IndexError: an empty prompt")]
        asked = prepare(prompt, len(shown))
        if isinstance(asked, RowFinding):
            return [asked]
        said = prepare(completion, 0) if completion is not None else TrlPrepared([])
        if isinstance(said, RowFinding):
            return [said]
        self._dates.add(completion[0].get("content") if completion and type(completion[0]) is dict else None)
        if completion is not None and asked.turns and asked.turns[-1][0] == "system":
            return [RowFinding("TR18")]
        if not shown and any(piece is None for _, pieces in asked.turns for piece in pieces):
            broken = next((fault for item in asked.inside if (fault := self._image_fault(item))), None)
            if not asked.inside:
                return [RowFinding("TR15")]
            whole = completion is None and self._whole
            return [broken] if broken else [RowFinding("TR25"), *([RowFinding("TR50")] if whole else [])]
        return self._turns(asked, said, shown, learned_whole=completion is None)

    def _turns(self, asked: TrlPrepared, said: TrlPrepared, shown: list[Any], *, learned_whole: bool) -> list[RowFinding]:
        texts = [piece for _, pieces in (*asked.turns, *said.turns) for piece in pieces if piece is not None]
        found = self._text_faults(texts, images=bool(shown))
        if shown and not found and not asked.placed and (others := other_tags(("", text) for text in texts)):
            found = [RowFinding("TR22", others.removeprefix("; "))]
        if any(one.code == "TR20" for one in found):
            return found
        costs, sizes, media = self._look(shown)
        found += media
        if any(TABLE[one.code].outcome in ("crash", "unjudged") for one in media):
            return found
        if self._options.boxes != "0-1000" and any(one.code == "TR41" for one in media):
            found += [RowFinding("TR40", box) for text in texts if (box := pixel_boxes(text, sizes))][:1]
        if learned_whole:
            if self._whole:
                found.append(RowFinding("TR50"))
        elif not self._completion_only:
            found.append(RowFinding("TR50", "completion_only_loss=False"))
        elif not any(piece and piece.strip() for _, pieces in said.turns for piece in pieces):
            found.append(
                RowFinding("TR51") if said.turns or {"image", "images"} & self._columns else RowFinding("TR54", "an empty completion")
            )
        return found + self._cut(asked, said, costs, vision=bool(shown), pairs=not learned_whole)

    def _text_faults(self, texts: list[str], *, images: bool) -> list[RowFinding]:
        found = []
        for text in texts:
            if "<" not in text:
                continue
            if any(pad in text for pad in _PADS):
                return [RowFinding("TR20", text[:60])]
            if "<image>" in text:
                found.append(RowFinding("TR22" if images else "TR23", text[:60]))
            if control := _CONTROL.search(text):
                found.append(RowFinding("TR24", control.group()))
        return found[:3]

    def _cut(self, asked: TrlPrepared, said: TrlPrepared, costs: list[int], *, vision: bool, pairs: bool) -> list[RowFinding]:
        """max_length cuts prompt and completion together, from their end."""
        limit, media = self._limit, iter(costs)
        prompt, end = self._tokens(asked.turns, media)
        prompt += self._frame("assistant") if pairs else 0
        total = prompt + self._tokens(said.turns, media)[0] - (self._frame("assistant") if pairs else 0)
        if total <= limit:
            return []
        about = "" if self._options.counter.exact else "about "
        detail = f"{about}{total:,} tokens, {sum(costs):,} of them vision; max_length is {limit:,}"
        if end > limit:
            return [RowFinding("TR52", detail)]
        if pairs and not vision and prompt >= limit:
            return [RowFinding("TR54", detail)]
        return [RowFinding("TR53", detail)]

    def _tokens(self, turns: list[tuple[str, list[Piece]]], media: Iterator[int]) -> tuple[int, int]:
        """Tokens of turns, and where the last vision token among them ends."""
        count = self._options.counter.count
        total = end = 0
        for role, pieces in turns:
            total += self._frame(role)
            for piece in pieces:
                if piece is None:
                    total += next(media, 0)
                    end = total - 1
                else:
                    total += count(piece)
            total += count("<|im_end|>\n") if self._options.counter.exact else 2
        return total, end

    def _frame(self, role: str) -> int:
        return self._options.counter.count(f"<|im_start|>{role}\n") if self._options.counter.exact else 3

    def _texts(self, prompt: str, completion: str, shown: list[Any]) -> list[RowFinding]:
        """Judge a prompt and completion that are texts: no template is applied, and the prompt holds the model's own tokens."""
        pads = prompt.count("<|image_pad|>")
        costs, _, media = self._look(shown)
        if any(TABLE[one.code].outcome in ("crash", "unjudged") for one in media):
            return media
        if pads != len(shown):
            return [RowFinding("TR21" if shown else "TR20", f"{pads} <|image_pad|> and {len(shown)} images")]
        found = [*media, *([] if completion.strip() else [RowFinding("TR51")])]
        count = self._options.counter.count
        total = count(prompt) + count(completion) + sum(costs)
        return [*found, RowFinding("TR53", f"{total:,} tokens; max_length is {self._limit:,}")] if total > self._limit else found

    def _plain_text(self, row: dict[str, Any]) -> list[RowFinding]:
        text = row.get("text")
        if type(text) is not str:
            return [RowFinding("TR10", f"text is {text!r:.40}")]
        found = self._text_faults([text], images=False)
        total = self._options.counter.count(text) + 1
        return [*found, RowFinding("TR53", f"{total:,} tokens; max_length is {self._limit:,}")] if total > self._limit else found

    # --- what is passed over ---------------------------------------------------------------------------------------------------------

    def _unused(self, row: dict[str, Any]) -> list[RowFinding]:
        vision = bool({"image", "images"} & row.keys())
        if self._is_preference():
            return []
        talk = [row.get(column) for column in ("messages", "prompt", "completion")]
        found = [RowFinding("TR61", f"{key} of a part") for turns in talk for key in part_fields(turns)]
        found += [RowFinding(code, detail) for turns in talk for code, detail in _odd_parts(turns)]
        found += [
            RowFinding("TR60", name)
            for name, value in row.items()
            if may_matter(name) and (name not in _USED or (name == "tools" and vision)) and says_something(name, value)
        ]
        for column in ("messages", "prompt", "completion"):
            turns = row.get(column)
            for turn in turns if type(turns) is list else ():
                if type(turn) is dict and len(turn) > 2:
                    found += [RowFinding("TR61", key) for key in turn if key in TURN_FIELDS and says_something(key, turn[key])]
        return found

    def finish(self) -> Iterator[WholeFinding]:
        """Return what only all rows tell."""
        if not self._rows:
            yield WholeFinding(self._where, RowFinding("TR05"))
        elif self._dates:
            yield WholeFinding(self._where, RowFinding("TR17", "every completion is a date, which Arrow makes of texts"))


def _turned(turns: Any) -> Any:
    """Rename from and value, as is done for files without images."""
    if type(turns) is not list:
        return turns
    names = {"from": "role", "value": "content"}
    return [{names.get(key, key): value for key, value in turn.items()} if type(turn) is dict else turn for turn in turns]


def _odd_parts(turns: Any) -> list[tuple[str, str]]:
    """Parts that the template makes nothing of: a text under another key, and a video."""
    found = {}
    for turn in turns if type(turns) is list else ():
        content = turn.get("content") if type(turn) is dict else None
        for part in content if type(content) is list else ():
            if type(part) is dict and part.get("type") == "text" and "text" in part and part["text"] is None:
                found["TR28"] = ""
            elif type(part) is dict and part.get("type") == "text" and "text" not in part:
                found["TR26"] = f"a text part with {', '.join(repr(key) for key in part if key != 'type') or 'no text'}"
            elif type(part) is dict and part.get("type") == "video":
                found["TR27"] = str(part.get("video", ""))[:60]
    return list(found.items())


def _short(item: Any) -> str:
    return f"an object with {', '.join(map(repr, item))}" if type(item) is dict else f"{item!r:.40}"


def _no_tools(tools: Any) -> bool:
    """Whether tools are no list of objects, or no JSON text of one."""
    try:
        listed = json.loads(tools) if type(tools) is str else tools
    except (ValueError, RecursionError):
        return True
    return bool(listed) and not (type(listed) is list and all(type(tool) is dict for tool in listed))
