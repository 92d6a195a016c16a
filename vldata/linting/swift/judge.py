"""What befalls the rows of one file in ms-swift: columns, turns, tags, media, length, and what is passed over."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vldata.linting.columns import AllDates
from vldata.linting.consumer import Options, WholeFinding
from vldata.linting.fields import TURN_FIELDS, may_matter, part_fields, says_something, says_text
from vldata.linting.outcomes import RowFinding
from vldata.linting.pictures import ImageHeader, is_file
from vldata.linting.plain import AlikeRows
from vldata.linting.reading import Broken
from vldata.linting.swift.behaviours import TABLE
from vldata.linting.swift.columns import STANDARD, Renamed, new_names
from vldata.linting.swift.talk import SwiftTalk, SwiftTurn, call_fault, of_messages, of_pair, order_fault, tools_fault
from vldata.linting.texts import closing_tag, other_tags, pixel_boxes
from vldata.media.pixels import DEFAULT, MAX_RATIO, find_family, smart_resize
from vldata.wording import counted

_CELL = 32 * 32  # pixels of a token
_MIN_PIXELS, _MAX_PIXELS = 4 * _CELL, 16_384 * _CELL
_PADS = ("<|image_pad|>", "<|video_pad|>")
_CONTROL = re.compile(r"<\|(?:im_start|im_end|endoftext|vision_start|vision_end|vision_pad)\|>")
_IMG = re.compile(r"<img>(.+?)</img>")
_BROKEN = {"utf8": "SW04", "twice": "SW02"}


class SwiftJudge:
    """Judges the rows of one file."""

    def __init__(self, file: Path, options: Options, *, stage: str, columns: list[str], form: str) -> None:
        self._stage, self._form, self._where = stage, form, str(file)
        self._options, self._pictures = options, options.pictures
        self._folder = options.media_root or file.parent
        self._also = [] if options.media_root else [Path()]  # where the trainer is started
        self._columns = dict.fromkeys(columns)
        self._renamed: Renamed = new_names(columns)
        self._has_rejected = "rejected_response" in columns
        self._rows = self._dropped = 0
        self._dates = AllDates(may=form == "lines")
        self._plain = AlikeRows("messages", ("role", "content"), "user", "assistant", options.cutoff)

    def row(self, row: Any) -> list[RowFinding]:
        """Return what befalls one row."""
        self._rows += 1
        if self._plain and type(row) is dict and self._plain.has(row):
            return []
        if type(row) is not dict:
            return [self._no_row(row)]
        if not row.keys() <= self._columns.keys():
            self._columns.update(dict.fromkeys(row))
            self._renamed = new_names(list(self._columns))
            self._plain = AlikeRows("messages", ("role", "content"), "user", "assistant", self._options.cutoff)
            self._has_rejected = "rejected_response" in self._columns
        found = self._judge(row)
        self._dropped += any(TABLE[one.code].outcome == "drop" for one in found)
        if not found and self._renamed.form == "talk" and not self._has_rejected:
            self._plain.learn(row, self._columns.keys() - {"messages"})
        return found

    def _no_row(self, row: Any) -> RowFinding:
        if type(row) is Broken:
            if row.kind == "twice" and self._form == "list":
                return RowFinding("SW62", f"the key {row.reason!r} stands twice; the last one counts")
            return RowFinding(_BROKEN.get(row.kind, "SW01"), row.reason)
        return RowFinding("SW05", f"{row!r:.60}")

    def _judge(self, row: dict[str, Any]) -> list[RowFinding]:
        new = {to: row[old] for old, to in self._renamed.names.items() if old in row}
        talk = self._talk(row, new)
        self._dates.add(new.get("response"))
        if type(talk) is RowFinding:
            return [talk]
        assert isinstance(talk, SwiftTalk)
        fault = self._row_fault(row, talk) or tools_fault(row.get("tools")) or self._order(talk) or self._rejected(row, talk)
        if fault:
            return [fault]
        found = self._unused(row, talk)
        answers = row["output"] if self._renamed.form == "alpaca" and row.get("output") is not None else new.get("response")
        if type(answers) is list and len(answers) > 1 and self._renamed.form != "talk":
            found.append(RowFinding("SW67", counted(len(answers), "answer")))
        for kind in ("images", "videos", "audios"):
            if talk.media[kind] and new.get(kind):
                return [RowFinding("SW15", kind)]
        shown = talk.media["images"] or _listed(new.get("images"))
        filmed = talk.media["videos"] or _listed(new.get("videos"))
        return [*found, *self._encode(row, talk, shown, filmed)]

    def _talk(self, row: dict[str, Any], new: dict[str, Any]) -> SwiftTalk | RowFinding:
        form = self._renamed.form
        if form == "talk":
            return of_messages(new.get("messages"), new.get("system"))
        query, response = new.get("query"), new.get("response")
        if form == "alpaca":
            asked = [row.get(name) for name in ("instruction", "input")]
            query = "\n".join(asked) if all(asked) and all(isinstance(text, str) for text in asked) else asked[0] or asked[1]  # type: ignore[arg-type]
            if type(query) is not str:
                return RowFinding("SW10", f"query: {query!r}")
            response = row.get("output") if row.get("output") is not None else response
        return of_pair(query, response, new.get("system"), row.get("history"))

    # --- why a row is deleted --------------------------------------------------------------------------------------------------------

    def _row_fault(self, row: dict[str, Any], talk: SwiftTalk) -> RowFinding | None:
        objects = row.get("objects")
        if objects is not None:
            boxes = objects.get("bbox") if type(objects) is dict else None
            if type(boxes) is not list:
                return RowFinding("SW18", f"{objects!r:.60}")
            for box in boxes:
                if type(box) is not list or len(box) not in (2, 4) or not all(type(side) in (int, float) for side in box):
                    return RowFinding("SW18", f"{box!r:.60}")
        if self._has_rejected and self._stage != "kto":
            rejected = row.get("rejected_response")
            if rejected is None or (talk.turns and rejected == talk.turns[-1].content):
                return RowFinding("SW20", f"rejected_response: {rejected!r:.60}")
        return None

    def _order(self, talk: SwiftTalk) -> RowFinding | None:
        if talk.system is not None and type(talk.system) is not str:
            return RowFinding("SW13", f"system: {talk.system!r:.40}")
        if any(type(turn.scale) not in (int, float, bool, type(None)) for turn in talk.turns):
            return RowFinding("SW25")
        for turn in talk.turns:
            if turn.role == "tool_call" and (fault := call_fault(turn.content)):
                return fault
        return order_fault(talk.turns)

    def _rejected(self, row: dict[str, Any], talk: SwiftTalk) -> RowFinding | None:
        if self._stage != "rm":
            return None
        rejected, messages = row.get("rejected_response"), row.get("rejected_messages")
        if rejected is None and messages is None:
            return RowFinding("SW21", ", ".join(name for name in ("chosen", "rejected") if name in row))
        if rejected is not None and not isinstance(rejected, str | list):
            return RowFinding("SW21", f"rejected_response: {rejected!r:.40}")
        return None

    # --- what is encoded -------------------------------------------------------------------------------------------------------------

    def _encode(self, row: dict[str, Any], talk: SwiftTalk, shown: list[Any], filmed: list[Any]) -> list[RowFinding]:
        found: list[RowFinding] = []
        turns = talk.turns
        if not shown:
            turns, shown = self._img_tags(turns)
        texts = [(turn.role, turn.content) for turn in turns]
        asked = "\n".join(content for role, content in texts if role not in ("assistant", "tool_call")) + (talk.system or "")
        answered = "\n".join(content for role, content in texts if role in ("assistant", "tool_call"))
        for word, media in (("image", shown), ("video", filmed)):
            if media and _lands_in_answer(word, turns, talk.system, len(media)):
                found.append(RowFinding("SW41", "no question" if turns[0].role == "assistant" else f"<{word}> in an answer"))
                continue
            found += _tag_faults(word, asked.count(f"<{word}>"), answered.count(f"<{word}>"), len(media), other_tags(texts))
        if turns and turns[0].role == "tool_call" and any(one.code in ("SW33", "SW36") for one in found):
            return [RowFinding("SW17", "the missing tags are put in front of it")]
        together = f"{asked}\n{answered}"
        if shown and (tag := closing_tag(together)) and not any(one.code == "SW36" for one in found):
            found.append(RowFinding("SW36", f"the text has {tag}"))
        if "<|" in together:
            if (shown or filmed) and any(pad in together for pad in _PADS):
                found.append(RowFinding("SW37"))
            if control := _CONTROL.search(together):
                found.append(RowFinding("SW38", control.group()))
        found += self._objects(row, together, len(shown))
        if turns and turns[0].role == "assistant" and not any(one.code == "SW41" for one in found):
            found.append(RowFinding("SW42"))
        answers = [turn for turn in turns if turn.role in ("assistant", "tool_call")]
        if not any(turn.content.strip() and turn.loss is not False for turn in answers):
            found.append(self._nothing())
        if len({type(item) for item in shown if item is not None}) > 1:
            return [RowFinding("SW09", ", ".join(sorted({type(item).__name__ for item in shown})))]
        sizes: list[tuple[int, int]] = []
        tokens, stopped = 0, False
        for item in shown:
            cost, said = self._image(item, sizes)
            tokens += cost
            found += said
            stopped = stopped or any(TABLE[one.code].outcome == "drop" for one in said)
        if filmed:
            found += self._videos(filmed)
        if shown and not stopped and self._options.boxes != "0-1000" and any(one.code == "SW51" for one in found):
            found += [RowFinding("SW50", box) for content in (asked, answered) if (box := pixel_boxes(content, sizes))][:1]
        if not stopped and self._options.cutoff and (total := self._length(turns, talk.system, tokens)) > self._options.cutoff:
            about = "" if self._options.counter.exact else "about "
            cuts = self._options.settings.get("truncation_strategy") in ("left", "right")
            found.append(RowFinding("SW72" if cuts else "SW70", f"{about}{total:,} tokens; max_length is {self._options.cutoff:,}"))
        if self._stage == "kto" and row.get("label") is None:
            found.append(RowFinding("SW65"))
        return found

    def _nothing(self) -> RowFinding:
        if clash := self._renamed.clashes.get("response"):
            return RowFinding("SW61", " and ".join(map(repr, clash)))
        return RowFinding("SW60")

    def _img_tags(self, turns: list[SwiftTurn]) -> tuple[list[SwiftTurn], list[Any]]:
        """Take `<img>path</img>` for an image, as `_replace_image_tags` does where a row has none."""
        if not any("<img>" in turn.content for turn in turns):
            return turns, []
        paths = [path for turn in turns for path in _IMG.findall(turn.content)]
        there = [path for path in paths if self._file(path)]
        return [turn._replace(content=_IMG.sub("<image>", turn.content)) for turn in turns], there

    def _length(self, turns: list[SwiftTurn], system: str | None, vision: int) -> int:
        count = self._options.counter.count
        exact = self._options.counter.exact
        total = vision + (count(f"<|im_start|>system\n{system}<|im_end|>\n") if system else 0)
        for turn in turns:
            text = turn.content.replace("<image>", "").replace("<video>", "")
            shown = "user" if turn.role == "tool" else "assistant" if turn.role == "tool_call" else turn.role
            total += count(f"<|im_start|>{shown}\n{text}<|im_end|>\n") if exact else count(text) + 5
        return total

    def _objects(self, row: dict[str, Any], text: str, images: int) -> list[RowFinding]:
        objects = row.get("objects") or {}
        found = []
        for tag, key in (("<bbox>", "bbox"), ("<ref-object>", "ref")):
            listed = objects[key] if type(objects.get(key)) is list else []
            tags = text.count(tag)
            if tags > len(listed):
                found.append(RowFinding("SW54", f"{tags} {tag} and {len(listed)} of {key}"))
            elif tags < len(listed) and key == "bbox":
                found.append(RowFinding("SW55", f"{tags} {tag} and {len(listed)} boxes"))
        places = objects.get("image_id")
        for place in places if type(places) is list else ():
            if images and (type(place) is not int or place >= images):
                found.append(RowFinding("SW19", f"image_id {place!r} of {counted(images, 'image')}"))
        return found

    # --- media -----------------------------------------------------------------------------------------------------------------------

    def _file(self, name: str) -> str:
        return next((path for folder in (self._folder, *self._also) if (path := is_file(folder, name))), "")

    def _image(self, item: Any, sizes: list[tuple[int, int]]) -> tuple[int, list[RowFinding]]:
        if type(item) is dict:
            if not {"path", "bytes"} & item.keys():
                return 0, [RowFinding("SW32", f"an object with {', '.join(map(repr, item))}")]
            item = item.get("bytes") or item.get("path")
        if type(item) is bytes:
            return 0, []
        if type(item) is not str:
            return 0, [RowFinding("SW32", f"{type(item).__name__!r} object has no attribute 'mode'")]
        name = item.strip()
        if name.startswith("http"):
            return 0, [RowFinding("SW40", name[:80])]
        if not self._options.files:
            return 0, []
        path = self._file(os.path.expanduser(name))  # noqa: PTH111 - a name may be none that Path takes
        if not path and (name.startswith("data:") or _is_base64(name)):
            return 0, []
        if not path and name in ("", "."):
            return 0, [RowFinding("SW31", "IsADirectoryError")]
        seen = self._pictures.look(path or str(self._folder / name), name)
        if seen.error:
            return 0, [RowFinding("SW30" if seen.error.startswith("FileNotFound") else "SW31", f"{name}: {seen.error}"[:160])]
        return self._size(name, seen, sizes)

    def _size(self, name: str, seen: ImageHeader, sizes: list[tuple[int, int]]) -> tuple[int, list[RowFinding]]:
        width, height = seen.width, seen.height
        sizes.append((width, height))
        if max(width, height) > MAX_RATIO * min(width, height):
            return 0, [RowFinding("SW39", f"{name}: {width}x{height}")]
        final = smart_resize(width, height, processor=DEFAULT, min_pixels=_MIN_PIXELS, max_pixels=_MAX_PIXELS)
        found = []
        if final != (width, height):
            found.append(RowFinding("SW51", f"{name}: {width}x{height} becomes {final[0]}x{final[1]}"))
        if seen.turned:
            found.append(RowFinding("SW52", f"{name}: orientation {seen.turn}"))
        if seen.mode.startswith("I"):
            found.append(RowFinding("SW53", f"{name}: mode {seen.mode}"))
        return final[0] * final[1] // _CELL + find_family(DEFAULT).delimiters, found

    def _videos(self, items: list[Any]) -> list[RowFinding]:
        for item in items:
            for name in item if type(item) is list else [item]:
                if type(name) is str and not name.startswith("http") and self._options.files and not self._file(name):
                    return [RowFinding("SW30", f"FileNotFoundError: [Errno 2] No such file or directory: {name!r:.100}")]
        return [RowFinding("SW71", counted(len(items), "video"))]

    # --- what is passed over ---------------------------------------------------------------------------------------------------------

    def _unused(self, row: dict[str, Any], talk: SwiftTalk) -> list[RowFinding]:
        found = [RowFinding("SW63", key) for key in dict.fromkeys(talk.unused) if key in TURN_FIELDS]
        found += [RowFinding("SW63", f"{key} of a part") for key in part_fields(row.get("messages"))]
        used = self._renamed.names
        asks = self._renamed.clashes.get("query", ()) if self._renamed.form == "pairs" else ()
        lost = [name for name in asks if name not in used and says_text(row.get(name))]
        if lost and len([name for name in asks if says_text(row.get(name))]) > 1:
            found.append(RowFinding("SW66", ", ".join(map(repr, lost))))
        for name, value in row.items():
            if not may_matter(name) or name in used or name in asks or not says_something(name, value):
                continue
            if name in ("label", "rejected_response", "rejected_messages"):
                if self._stage == "sft":
                    found.append(RowFinding("SW64", f"{name}: {value!r:.40}"))
            elif name not in STANDARD and not (self._renamed.form != "talk" and name in ("history", "input")):
                found.append(RowFinding("SW62", name))
        return found

    def finish(self) -> Iterator[WholeFinding]:
        """Return what only all rows tell."""
        if not self._rows:
            yield WholeFinding(self._where, RowFinding("SW06"))
        elif self._dates:
            yield WholeFinding(self._where, RowFinding("SW23", "every answer is a date, which Arrow makes of texts"))
        elif self._dropped == self._rows:
            yield WholeFinding(self._where, RowFinding("SW08"), rows=0)


def _listed(value: Any) -> list[Any]:
    return value if type(value) is list else [value] if value is not None else []


def _tag_faults(word: str, asked: int, answered: int, media: int, others: str) -> list[RowFinding]:
    """Tags are used from the front; what an answer has over them stays the text that it is."""
    if not media:
        return [RowFinding("SW34", f"{counted(asked, f'<{word}>')} and no {word}")] if asked else []
    missing = media - asked - answered
    if missing > 0:
        return [RowFinding("SW36", others.removeprefix("; "))] if others else [RowFinding("SW33", f"{missing} of {counted(media, word)}")]
    if missing < 0:
        where = "" if asked > media else ", those in answers counted"
        return [RowFinding("SW35", f"{counted(asked + answered, f'<{word}>')} and {counted(media, word)}{where}")]
    return []


def _lands_in_answer(word: str, turns: list[SwiftTurn], system: Any, media: int) -> bool:
    """Whether an image stands in an answer: by its tag, or because tags that are missing go before the first turn, which is one."""
    tag = f"<{word}>"
    places = [turn.role == "assistant" for turn in turns for _ in range(turn.content.count(tag))]
    places = [False] * (system or "").count(tag) + places
    missing = media - len(places)
    if missing > 0 and turns:
        places = [turns[0].role == "assistant"] * missing + places
    return any(places[:media])


def _is_base64(text: str) -> bool:
    if len(text) < 64:
        return False
    try:
        return bool(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False
