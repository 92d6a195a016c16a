"""What befalls the rows of one dataset in LLaMA-Factory: types, turns, tags, media, length, and what is passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vldata.errors import UsageError
from vldata.linting.columns import AllDates, RowColumns
from vldata.linting.consumer import Options, WholeFinding
from vldata.linting.fields import TURN_FIELDS, may_matter, says_something
from vldata.linting.llamafactory.align import Aligned, Aligner
from vldata.linting.llamafactory.behaviours import TABLE
from vldata.linting.llamafactory.calls import call_fault, tools_fault
from vldata.linting.llamafactory.entry import RegistryEntry
from vldata.linting.llamafactory.length import Cutter
from vldata.linting.llamafactory.media import Media, MediaReader
from vldata.linting.outcomes import RowFinding
from vldata.linting.plain import AlikeRows
from vldata.linting.reading import Broken
from vldata.linting.texts import closing_tag, other_tags, pixel_boxes
from vldata.wording import counted

DEFAULT_CUTOFF = 2_048
_FIRST_ROWS = 1_000
_TEMPLATES = {  # whether it thinks, and whether it has a system prompt of its own
    "qwen3_vl_nothink": (False, False),
    "qwen3_vl": (True, False),
    "qwen2_vl": (False, True),
}
_PADS = ("<|image_pad|>", "<|video_pad|>")
_CONTROL = re.compile(r"<\|(?:im_start|im_end|endoftext|vision_start|vision_end|vision_pad)\|>")


class LlamaFactoryJudge:
    """Judges the rows of one entry."""

    def __init__(self, entry: RegistryEntry, folder: Path, options: Options, *, stage: str, form: str, where: str) -> None:
        self._entry, self._stage, self._form, self._where = entry, stage, form, where
        self._boxes = options.boxes
        self._columns = RowColumns()
        self._align = Aligner(entry).align
        self._media = MediaReader(folder, options)
        self._count = options.counter.count
        self._cutter = Cutter(options.cutoff or DEFAULT_CUTOFF, options.counter)
        columns = entry.columns
        self._images, self._videos, self._audios = columns["images"], columns["videos"], columns["audios"]
        self._used = _columns_read(entry)
        self._unused_shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._turn_shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._settings = _Settings(options.settings)
        self._wants_pair = stage in ("rm", "dpo", "kto")
        self._rows = self._kept = self._dropped = self._packed = 0
        self._late = {name: False for name in ("images", "videos", "audios", "system", "tools") if columns[name]}
        self._late_at: dict[str, int] = {}
        self._dates = AllDates(may=form == "lines" and entry.formatting == "alpaca" and stage != "pt")
        tags = entry.tags
        keys = (tags["role_tag"], tags["content_tag"])
        self._plain = AlikeRows(columns["messages"], keys, tags["user_tag"], tags["assistant_tag"], self._cutter.cutoff)

    # --- a row -----------------------------------------------------------------------------------------------------------------------

    def row(self, row: Any) -> list[RowFinding]:
        """Return what befalls one row."""
        self._rows += 1
        if self._plain and type(row) is dict and self._plain.has(row):
            self._kept += 1
            return []
        if type(row) is not dict:
            return [self._no_row(row)]
        if fault := self._columns.add(row):
            return [RowFinding("LF02", f"JSON parse error: {fault} in row {self._rows - 1}")]
        found = self._unused(row)
        if self._late:
            self._note_late(row)
        aligned = self._align(row)
        if self._stage == "pt":
            return found + self._pretrained(row, aligned)
        if type(aligned) is RowFinding:
            self._dropped += TABLE[aligned.code].outcome == "drop"
            return [aligned, *found]
        assert isinstance(aligned, Aligned)
        self._dates.add(aligned.response[0][1] if len(aligned.response) == 1 else None)
        if (len(aligned.response) > 1) != self._wants_pair:
            code = "LF35"
            what = "a label of KTO under stage sft" if not self._wants_pair else "no pair of answers"
            self._dropped += 1
            return [RowFinding(code, what), *found]
        self._kept += 1
        found += aligned.found
        found += self._encode(row, aligned)
        found += self._settings.found(aligned)
        if not found and self._entry.formatting == "sharegpt" and not self._wants_pair:
            self._plain.learn(row, self._used)
        return found

    def _pretrained(self, row: dict[str, Any], aligned: Aligned | RowFinding) -> list[RowFinding]:
        """Pre-training takes the text of the prompt alone, and packs all of it into blocks of cutoff_len."""
        if type(aligned) is RowFinding and aligned.code != "LF34":
            self._dropped += TABLE[aligned.code].outcome == "drop"
            return [aligned]
        self._kept += 1
        columns = self._entry.columns
        prompt = row.get(columns["prompt"]) if columns["prompt"] else None
        self._packed += self._count(prompt) + 1 if type(prompt) is str else 0
        media = (name for name in (self._images, self._videos, self._audios) if name)
        return [RowFinding("LF88", name) for name in media if row.get(name)]

    def _no_row(self, row: Any) -> RowFinding:
        if type(row) is Broken:
            if row.kind == "twice":
                if self._form == "list":
                    return RowFinding("LF15", f"the key {row.reason!r} stands twice in an object; the last one counts")
                return RowFinding("LF03", f"Column(/{row.reason}) was specified twice in row {self._rows - 1}")
            code = "LF05" if row.kind == "utf8" else "LF01"
            return RowFinding(code, row.reason)
        kind = {list: "array", str: "string", int: "number", float: "number", bool: "boolean"}.get(type(row), "null")
        return RowFinding("LF08", f"JSON parse error: Column() changed from object to {kind} in row {self._rows - 1}")

    def _encode(self, row: dict[str, Any], aligned: Aligned) -> list[RowFinding]:
        turns = [*aligned.prompt, *aligned.response]
        found: list[RowFinding] = []
        images = videos = audios = pads = 0
        for place, (role, content) in enumerate(turns):
            if type(content) is not str:
                return [self._no_text(content, row)]
            if "<" in content:
                images += content.count("<image>")
                videos += content.count("<video>")
                audios += content.count("<audio>")
                if "<|" in content:
                    pads += any(pad in content for pad in _PADS)
                    if control := _CONTROL.search(content):
                        found.append(RowFinding("LF55", f"{control.group()} in turn {place}"))
                if role in ("assistant", "function") and ("<image>" in content or "<video>" in content):
                    found.append(RowFinding("LF56", f"turn {place}"))
            if role == "function" and (fault := call_fault(content)):
                return [fault]
        if self._wants_pair and len(aligned.response) == 2:
            found += self._pair(aligned)
        system = aligned.system or ""
        if type(system) is not str:
            return [RowFinding("LF37", f"system is {system!r:.40}: TypeError")]
        if fault := tools_fault(aligned.tools):
            return [fault]
        shown = self._media.listed(row.get(self._images)) if self._images else None
        clips = self._media.listed(row.get(self._videos)) if self._videos else None
        if self._audios and row.get(self._audios):
            return [RowFinding("LF94")]
        for word, tags, items in (("image", images, shown), ("video", videos, clips), ("audio", audios, None)):
            if tags != (len(items) if items else 0):
                return [RowFinding("LF50", f"{tags} <{word}> and {counted(len(items or ()), word)}{other_tags(turns)}")]
        for _, content in turns:
            if tag := closing_tag(content):
                found.append(RowFinding("LF58", tag))
                break
        if pads or any(pad in system for pad in _PADS):
            return [RowFinding("LF54", "a literal <|image_pad|> or <|video_pad|>")]
        if not any(content.strip() for role, content in turns if role in ("assistant", "function")):
            found.append(RowFinding("LF82"))
        media = self._media.images(shown) if shown else None
        filmed = self._media.videos(clips) if clips else None
        found += self._seen(turns, media, filmed)
        if any(fault.code in ("LF50", "LF51", "LF52", "LF53", "LF90", "LF91", "LF93", "LF94") for fault in found):
            return found
        return found + self._cut(turns, system, aligned.tools, _in_order(turns, media, filmed))

    def _cut(self, turns: list[Any], system: str, tools: Any, costs: list[int]) -> list[RowFinding]:
        if tools:
            system = f"{system}{tools}{' ' * 600}"  # the words around a list of tools
        if self._cutter.fits(turns, system, sum(costs)):
            return []
        if len(turns) % 2:
            turns = turns[:-1]  # of a pair, the chosen one
        cut = self._cutter.cut(turns, system, costs)
        return [cut] if cut else []

    def _pair(self, aligned: Aligned) -> list[RowFinding]:
        (_, first), (_, second) = aligned.response
        return [RowFinding("LF83")] if self._stage != "kto" and first == second else []

    def _no_text(self, content: Any, row: dict[str, Any]) -> RowFinding:
        if type(content) is list:
            return RowFinding("LF37", "a list of parts: ValueError: The number of images does not match the number of <image> tokens")
        return RowFinding("LF37", f"AttributeError: {type(content).__name__!r} object has no attribute 'count'")

    def _seen(self, turns: list[Any], media: Media | None, filmed: Media | None) -> list[RowFinding]:
        found: list[RowFinding] = []
        if media:
            found += media.found
            if media.resized:
                found.append(RowFinding("LF71", media.resized[0]))
                if self._boxes != "0-1000":
                    for _, content in turns:
                        if box := pixel_boxes(content, media.sizes):
                            found.append(RowFinding("LF70", f"{box} and {media.resized[0]}"))
                            break
        if filmed:
            found += filmed.found
            found += _video_faults(turns, filmed)
        return found

    def _unused(self, row: dict[str, Any]) -> list[RowFinding]:
        shape = tuple(row)
        names = self._unused_shapes.get(shape)
        if names is None:
            names = self._unused_shapes[shape] = tuple(name for name in shape if may_matter(name) and name not in self._used)
        found = [self._unused_field(name, row[name]) for name in names if says_something(name, row[name])]
        messages = row.get(self._entry.columns["messages"])
        if type(messages) is list:
            for turn in messages:
                if type(turn) is dict and len(turn) > 2:
                    keys = self._turn_shapes.get(shape := tuple(turn))
                    if keys is None:
                        keys = self._turn_shapes[shape] = tuple(key for key in shape if key in TURN_FIELDS)
                    found += [RowFinding("LF81", key) for key in keys if says_something(key, turn[key])]
        return found

    def _unused_field(self, name: str, value: Any) -> RowFinding:
        if name in ("image", "images", "video", "videos"):
            return RowFinding("LF57", name)
        return RowFinding("LF80", f"{name}: {value!r:.40}" if name == "label" else name)

    # --- all rows --------------------------------------------------------------------------------------------------------------------

    def _note_late(self, row: dict[str, Any]) -> None:
        for name in list(self._late):
            value = row.get(self._entry.columns[name])
            filled = value is not None and (value != [] or name in ("system", "tools"))
            if filled:
                if self._rows > _FIRST_ROWS and not self._late[name]:
                    self._late_at[name] = self._rows
                del self._late[name]

    def finish(self) -> Iterator[WholeFinding]:
        """Return what only all rows tell."""
        if not self._rows:
            yield WholeFinding(self._where, RowFinding("LF10"))
            return
        columns = self._entry.columns
        for name in sorted(self._used):
            if not self._columns.has(f"/{name}") and self._columns.kinds:
                yield WholeFinding(self._where, RowFinding("LF07", f"KeyError: {name!r}"))
        turns = f"/{columns['messages']}/[]"
        if self._entry.formatting != "alpaca" and self._columns.kinds.get(turns) == "object":
            for tag in ("role_tag", "content_tag"):
                key = self._entry.tags[tag]
                if key and not self._columns.has(f"{turns}/{key}"):
                    yield WholeFinding(self._where, RowFinding("LF07", f"KeyError: {key!r} in the turns"))
        for name, row in self._late_at.items():
            yield WholeFinding(self._where, RowFinding("LF06", f"{columns[name]!r} is first filled in row {row:,}"))
        if self._dates:
            yield WholeFinding(self._where, RowFinding("LF34", "every answer is a date, which Arrow makes of texts"))
        samples = self._entry.num_samples
        if isinstance(samples, int) and samples < self._rows:
            yield WholeFinding(self._where, RowFinding("LF18", f"{samples:,} of {self._rows:,} rows"), rows=self._rows - samples)
        if self._dropped == self._rows:
            yield WholeFinding(self._where, RowFinding("LF09"), rows=0)
        elif self._stage == "pt" and self._entry.formatting == "alpaca" and self._packed < self._cutter.cutoff:
            yield WholeFinding(self._where, RowFinding("LF22", f"about {self._packed:,} tokens; cutoff_len is {self._cutter.cutoff:,}"))


class _Settings:
    """What settings of the run do to every row."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        template = given.get("template", "qwen3_vl_nothink")
        if template not in _TEMPLATES:
            raise UsageError(f"the template {template!r} is not followed here.", cure=f"These are: {', '.join(_TEMPLATES)}.")
        self._thinks, self._system = _TEMPLATES[template]
        self._prompt, self._last = bool(given.get("train_on_prompt")), bool(given.get("mask_history"))

    def found(self, aligned: Aligned) -> list[RowFinding]:
        """Return what befalls a row by them."""
        found = []
        turns = (*aligned.prompt, *aligned.response)
        answers = [content for role, content in turns if role in ("assistant", "function") and type(content) is str]
        if self._prompt:
            found.append(RowFinding("LF84"))
        if self._last and len(answers) > 1:
            found.append(RowFinding("LF85", f"{len(answers)} answers"))
        if self._thinks and any("<think>" not in text and "</think>" not in text for text in answers):
            found.append(RowFinding("LF86"))
        if self._system and not aligned.system:
            found.append(RowFinding("LF87"))
        return found


def _columns_read(entry: RegistryEntry) -> set[str]:
    """Return the columns that the converter of an entry looks up in every row."""
    names = ["system", "tools", "images", "videos", "audios", "kto_tag"]
    names += ["prompt", "query", "response", "history"] if entry.formatting == "alpaca" else ["messages"]
    names += ["chosen", "rejected"] if entry.ranking else []
    return {entry.columns[name] for name in names if entry.columns[name]}


def _in_order(turns: list[Any], media: Media | None, filmed: Media | None) -> list[int]:
    """Return the tokens of media in the order of their tags."""
    if not filmed:
        return media.costs if media else []
    images, videos = iter(media.costs if media else []), iter(filmed.costs)
    order = re.findall("<image>|<video>", "".join(content for _, content in turns))
    return [next(images if tag == "<image>" else videos, 0) for tag in order]


def _video_faults(turns: list[Any], filmed: Media) -> list[RowFinding]:
    """The plug-in looks the marks of a video up by the number of its turn, and takes the number of steps of the first for all."""
    count = len(filmed.costs)
    for place, (_, content) in enumerate(turns):
        if "<video>" in content and place >= count:
            return [RowFinding("LF90", f"turn {place}, {count} videos")]
    steps = {size[0] for size in filmed.sizes}
    if len(steps) > 1:
        return [RowFinding("LF91", f"{sorted(steps)} steps of two frames")]
    return []
