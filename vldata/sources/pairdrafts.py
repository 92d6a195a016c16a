"""The drafts of images with a text each: question, answer and meta of a row, by the fields that were chosen for the whole source."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from vldata.records.boxes import Coordinate, Target
from vldata.records.draft import Draft, Reject, TextDraft
from vldata.sources.assemble import Assembler
from vldata.sources.census import Census, Fates, extra_json
from vldata.sources.choices import letter_of, written
from vldata.sources.dialects.notes import Note
from vldata.sources.dialects.talk import Talk
from vldata.sources.errors import RowError
from vldata.sources.jsonrows import Quick
from vldata.sources.listcells import list_of_text
from vldata.sources.locate import names_of
from vldata.sources.opened import RowSource
from vldata.sources.pairfields import (
    ChosenFields,
    answers_of,
    known_fields,
    media_of,
    question_of,
)
from vldata.sources.pairfiles import PairFile, PairTable
from vldata.sources.pairthoughts import PairThoughts
from vldata.sources.partscan import Thinking
from vldata.sources.plainrows import PlainPair, PlainRows
from vldata.sources.prompts import Wording
from vldata.sources.remote import map_ahead
from vldata.sources.rowmeta import META_FIELDS, id_field, id_of
from vldata.sources.rows import RowFault
from vldata.sources.textboxes import BARE, TextBoxMover, bare_boxes
from vldata.sources.textspace import Evidence, TextBoxes

_TASKS = {"caption": "caption", "ocr": "ocr", "question": "vqa", "class": "class", "choices": "choices"}


NO_PICTURE = ("rows without a picture", "learned as questions of text alone")
NO_TEXT = ("answers that are true, false or fractions, not texts", "learned as Python writes them")


class PairReading(msgspec.Struct, frozen=True):
    """Options that every row of a source is read with."""

    encoding: str = "auto"
    ignore: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    boxes: Target = "0-1000"
    text_boxes: TextBoxes = "auto"
    thinking: Thinking = "keep"


class PairSource(RowSource, frozen=True, kw_only=True):
    """Opened images with texts."""

    converter: str = "jsonl"
    files: tuple[PairFile, ...]
    chosen: ChosenFields
    wording: Wording
    reading: PairReading
    thoughts: PairThoughts

    def quick_drafts(self, evidence: Evidence | None = None) -> Iterator[Draft | TextDraft | Reject]:
        """Yield what `drafts` does, plain rows without an image as `TextDraft`."""
        maker = _DraftMaker(self, evidence)
        if self.remote:
            rows = ((row, where, number) for number, (where, row) in enumerate(item for file in self.files for item in file.rows()))
            yield from map_ahead(lambda given: maker.draft(*given), rows)
            return
        draft, plain, quick = maker.draft, maker.plain_rows, maker.quick
        for file in self.files:
            for where, row in file.quick_rows(quick) if quick and isinstance(file, PairTable) else file.rows():
                yield row if type(row) is TextDraft else draft(row, where, plain.read)
                plain.read += 1


class _DraftMaker:
    """Makes the drafts of one source."""

    def __init__(self, source: PairSource, evidence: Evidence | None = None) -> None:
        self._chosen = source.chosen
        self._wording = source.wording
        self._asks = source.wording.asks_for_question
        self._prefix = source.prefix
        target, moves = source.reading.boxes, evidence is not None or source.texts.looked
        mover = TextBoxMover(target, None if evidence else source.texts.spaces, evidence) if moves else None
        self._assembler = Assembler(source.finder, ("<image>", "<video>"), target, mover=mover)
        self._fields = tuple(column for column in source.columns if column in META_FIELDS)
        context = source.reading.context
        self._known = known_fields(source.chosen, replaced=not source.wording.asks_for_question) | {*context, *source.wording.fields()}
        self._usual = self._known | {"id"}
        # What explains the right choice is no choice: it may go into `extra`.
        self._census = Census(source.reading.ignore, harmless=("solution", "rationale", "rationales") if source.chosen.choices else ())
        self._context, self._labels = context, source.reading.labels
        self._thoughts = source.thoughts
        task = _TASKS[source.chosen.form]
        self._base = {"source": source.prefix, "task": task, **dict.fromkeys(self._fields, ""), "extra": ""}
        if source.chosen.choices:
            self._base["choices"] = ""
        self.plain_rows = PlainRows(self._prefix, self._base, source.traits, (NO_PICTURE,))
        self.quick = self._plain_reader(source)

    def _plain_reader(self, source: PairSource) -> Callable[[str], Quick] | None:
        """Return what reads plain rows; None where every row of the source needs more than its question and its answer."""
        chosen, wording = source.chosen, source.wording
        if not self._asks:  # a question about the picture, which a plain row has not
            return None
        special = chosen.choices or chosen.columns or chosen.shows_videos or self._context or self._labels or source.traits.parts
        text = wording.texts[0]
        if special or len(wording.texts) > 1 or ("{" in text and text != "{question}"):
            return None
        prompt_key = chosen.prompt if text == "{question}" else ""
        if len({chosen.text, chosen.image, prompt_key, "id"}) < 4:
            return None  # one field with two meanings
        return PlainPair(self.plain_rows, chosen.text, prompt_key, chosen.image, text, self._assembler.find_tag).reader

    def draft(self, row: Any, where: str, number: int) -> Draft | Reject:
        """Make the draft of one row, or the reject."""
        if type(row) is not dict:
            code, reason = row if isinstance(row, RowFault) else ("VL201", f"the row is {row!r:.60}, not an object.")
            return Reject(f"{self._prefix}/{number:08d}", where, code, reason)
        record_id = id_of(row, self._prefix, number)
        try:
            question = question_of(row, self._chosen) if self._asks else ""
            if self._context:
                question = self._with_context(row, question)
            given = media_of(row, self._chosen)
            if not given and not self._asks:
                raise RowError("VL212", f"{self._chosen.image!r} is empty, and what every row is asked is about its picture.")
            answers, choices = self._answers(row)
            thought = self._thoughts.of(row, answers)
            answers = thought.answers
            images, videos = ([], given) if self._chosen.shows_videos else (given, [])
            wording = _OPEN if self._chosen.choices and not choices else self._wording
            text = wording.ask(record_id, question, row, written(choices) if choices else "")
            named = given[0] if len(given) == 1 and _is_map(given[0]) else None
            turns, media, mends, beside, _ = self._assembler.assemble(
                Talk(
                    [("user", text), ("assistant", answers[0])],
                    [] if named else images,
                    videos,
                    leading=True,
                    named=named,
                    notes={} if thought.text is None else {1: Note(thought.text)},
                ),
                where,
            )
            unused: Fates = ()
            extra: dict[str, Any] = {}
            if beside or not row.keys() <= self._usual or type(row.get("id", "")) not in (str, int):
                unused, extra = self._census.judge(row, {*self._known, *thought.used, id_field(row)}, beside, shows=names_of(media))
            unused += thought.fates if given else (*thought.fates, NO_PICTURE)
            if media and bare_boxes(turns):
                unused += (BARE,)
            if type(row.get(self._chosen.text)) in (bool, float):
                unused += (NO_TEXT,)
        except RowError as error:
            return Reject(record_id, where, error.code, error.reason)
        meta = self._base.copy()
        for field in self._fields:
            value = row.get(field)
            if value is not None:
                meta[field] = value if type(value) is str else str(value)
        if extra:
            meta["extra"] = extra_json(extra)
        if choices:
            meta["choices"] = json.dumps(choices, ensure_ascii=False)
        references: tuple[str, ...] | None = answers
        if media and any(isinstance(part, Coordinate) for part in turns[-1].parts):  # the answer is what will be written
            references = None
            if len(answers) > 1:
                return Reject(record_id, where, "VL211", f"the row has {len(answers)} answers with coordinates; only one can be moved.")
        return Draft(id=record_id, where=where, turns=turns, media=media, references=references, meta=meta, mends=mends, unused=unused)

    def _answers(self, row: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the accepted answers of a row, the one to learn first, and its choices; no choices where the question is open.

        Raises:
            RowError: it has no answer.
        """
        chosen = self._chosen
        if chosen.choices and not chosen.choices.is_open(row):
            choices = chosen.choices.lettered(row)
            place = chosen.choices.right(row, choices)
            return tuple(dict.fromkeys((letter_of(place), choices[place]))), choices
        opened = chosen.choices is not None and isinstance(row.get(chosen.text), str)
        answers = answers_of({**row, chosen.text: list_of_text(row[chosen.text])} if opened else row, chosen)  # MMMU: "['3', 'three']"
        return self._named(answers) if self._labels else answers, ()

    def _with_context(self, row: dict[str, Any], question: str) -> str:
        """Put the texts of --context in front of a question; empty ones are left out."""
        texts = [row.get(field) for field in self._context]
        if not all(text is None or isinstance(text, str) for text in texts):
            raise RowError("VL201", "a field of --context holds no text.")
        return "\n".join([*(text for text in texts if text), question]) if texts else question

    def _named(self, answers: tuple[str, ...]) -> tuple[str, ...]:
        """Put the names of --label-names for numbers."""
        if not all(answer.isdecimal() and int(answer) < len(self._labels) for answer in answers):
            raise RowError("VL201", f"{answers[0]!r:.40} is no number of the {len(self._labels)} of --label-names.")
        return tuple(self._labels[int(answer)] for answer in answers)


_OPEN = Wording(("{question}",))


def _is_map(value: Any) -> bool:
    """Whether pictures are given under the tags that stand for them (MiniCPM)."""
    return isinstance(value, dict) and bool(value) and all(isinstance(key, str) and key[:1] in "<[" for key in value)
