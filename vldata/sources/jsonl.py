"""Pictures with a text each: JSON Lines, JSON, CSV, TSV, parquet, folders of pictures with side-car texts, WebDataset tars.

Which fields hold picture, text and question is found from the first rows and said; docs/sources.md shows every layout.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from vldata.errors import DataError, UsageError
from vldata.files.strictjson import read_user_text
from vldata.media.pixels import DEFAULT
from vldata.media.refs import FormatRule, Sampling
from vldata.media.sampling import check_sampling
from vldata.records.boxes import Coordinate, Target, Wish, target_for
from vldata.records.codes import CODES
from vldata.records.draft import Draft, Reject, Setting, Traits
from vldata.sources.assemble import Assembler
from vldata.sources.census import Census, Fates, extra_json
from vldata.sources.choices import ChoiceForm, letter_of, written
from vldata.sources.clips import Videos, times_said
from vldata.sources.dialects.notes import Note
from vldata.sources.dialects.talk import Talk
from vldata.sources.errors import RowError
from vldata.sources.listcells import list_of_text
from vldata.sources.locate import MediaFinder, check_root, names_of
from vldata.sources.pairfields import (
    Chosen,
    answers_of,
    choose_fields,
    instruction_warning,
    known_fields,
    media_of,
    number_warning,
    question_of,
)
from vldata.sources.pairfiles import Found, PairFile, find_pair_files
from vldata.sources.pairthoughts import PairThoughts, find_thoughts
from vldata.sources.partscan import Thinking
from vldata.sources.prompts import Wording, check_fields, open_wording
from vldata.sources.remote import fetch, map_ahead
from vldata.sources.rowmeta import META_FIELDS, dataset_name, id_field, id_of, meta_columns, mixed_splits
from vldata.sources.rows import Row, RowFault
from vldata.sources.textboxes import BARE, Settled, TextBoxMover, bare_boxes, settle, with_texts
from vldata.sources.textspace import Evidence, TextBoxes
from vldata.suggest import nearest

_SAMPLE_ROWS = 1_000
_TASKS = {"caption": "caption", "ocr": "ocr", "question": "vqa", "class": "class", "choices": "choices"}


class _Reading(msgspec.Struct, frozen=True):
    """Options that every row of a source is read with."""

    encoding: str = "auto"
    ignore: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    boxes: Target = "0-1000"
    text_boxes: TextBoxes = "auto"
    thinking: Thinking = "keep"


class PairSource(msgspec.Struct, frozen=True, kw_only=True):
    """Opened pictures with texts; see `vldata.records.draft.Source` for the fields."""

    converter: str = "jsonl"
    name: str
    columns: tuple[str, ...]
    image_format: FormatRule = "auto"
    said: tuple[str, ...]
    annotations: tuple[Path, ...]
    media_root: Path
    settings: dict[str, Setting]
    total: int | None = None
    files: tuple[PairFile, ...]
    chosen: Chosen
    wording: Wording
    finder: MediaFinder
    prefix: str
    remote: bool = False
    traits: Traits = Traits()
    part: str = ""  # what --name is followed by, where a source makes several datasets
    reading: _Reading
    texts: Settled = Settled()
    thoughts: PairThoughts

    def drafts(self, evidence: Evidence | None = None) -> Iterator[Draft | Reject]:
        """Yield every row, in file order."""
        maker = _DraftMaker(self, evidence)
        rows = ((row, where, number) for number, (where, row) in enumerate(item for file in self.files for item in file.rows()))
        drafts = map_ahead(lambda given: maker.draft(*given), rows) if self.remote else itertools.starmap(maker.draft, rows)
        yield from drafts


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
            form = self._chosen.choices
            if form and form.is_open(row):
                form = None
            choices: tuple[str, ...] = ()
            if form:
                choices = form.lettered(row)
                place = form.right(row, choices)
                answers: tuple[str, ...] = tuple(dict.fromkeys((letter_of(place), choices[place])))
            else:
                opened = self._chosen.choices is not None and isinstance(row.get(self._chosen.text), str)
                told = {**row, self._chosen.text: list_of_text(row[self._chosen.text])} if opened else row  # MMMU: "['3', 'three']"
                answers = answers_of(told, self._chosen)
                if self._labels:
                    answers = self._named(answers)
            thought = self._thoughts.of(row, answers)
            answers = thought.answers
            images, videos = ([], given) if self._chosen.shows_videos else (given, [])
            wording = _OPEN if self._chosen.choices and not form else self._wording
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
            unused += thought.fates
            if media and bare_boxes(turns):
                unused += (BARE,)
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


def open_source(
    source: Path,
    *,
    image_root: Path | None = None,
    prompt: str = "",
    seed: int = 0,
    form: Literal["auto", "caption", "ocr", "question", "class"] = "auto",
    image_field: str = "",
    text_field: str = "",
    prompt_field: str = "",
    choices_field: str = "",
    context: str = "",
    label_names: str = "",
    frames: int = 8,
    videos: Videos = "frames",
    follow_links: bool = False,
    allow_remote: bool = False,
    split: str = "",
    subset: str = "",
    encoding: str = "auto",
    replace_prefix: str = "",
    boxes: Wish = "auto",
    text_boxes: TextBoxes = "auto",
    processor: str = DEFAULT,
    ignore: tuple[str, ...] = (),
    thinking: Thinking = "keep",
) -> list[PairSource]:
    """Pictures with a text each: captions, transcriptions, or answers to questions.

    JSON Lines, JSON, CSV, TSV, Excel, parquet, Arrow, a folder with metadata.jsonl or side-car .txt files or of folders named by class,
    WebDataset tars. Fields are found by name and said. Several captions or labels become references.

    Args:
        source: The file or folder.
        image_root: Folder, zip or tar that picture paths are relative to; looked in beside the file's own folder and its images/.
        prompt: The question, or a file with one wording a line; {question} stands for the row's own, {choices} for its lettered choices,
            {FIELD} for any field. Without it the row's own question is asked.
        seed: Which wording of a file a record gets depends on this and on its id alone.
        form: What the text is: a caption, a transcription (ocr), a class, or the answer to the row's question; auto looks at the fields.
        image_field: Field that holds the picture; by default found by name.
        text_field: Field that holds the text; by default found by name.
        prompt_field: Field that holds the question; by default found by name.
        choices_field: Field that holds the choices of a multiple-choice question; by default found by name.
        context: Fields whose texts stand in front of the question, for example hint,lecture.
        label_names: Names of labels that are numbers, from 0: a,b,c or a file with one a line.
        frames: Frames taken of each video, where the rows hold videos; they become pictures.
        videos: What becomes of videos: frames, each a picture; timed: with the time it is shown at in front; or keep, a copy of the file
            under <video>, once it has decoded whole.
        follow_links: Follow links that lead out of the folders, for example to another disk.
        allow_remote: Fetch pictures that are named by http(s) URLs, with limits of size and time and never from private addresses.
        split: Which split of a folder to read; by default each becomes a dataset of its own.
        subset: Which subset (configuration) of a folder to read; by default each becomes a dataset of its own.
        encoding: Encoding of a text file; auto tells it from the bytes.
        replace_prefix: OLD=NEW, how paths of another machine begin and what stands there on this one.
        boxes: How coordinates in texts are written: on a scale of 0 to 1000, or in pixels of the written picture; auto takes what models
            of the processor were trained on, pixels for qwen2.5-vl.
        text_boxes: The space of coordinates that stand in texts, which move with their image; auto tells it from the whole file
            and stops where it could be two; none leaves them as they are.
        processor: The processor that the pictures will be written for.
        ignore: Fields that may be left out although they change meaning.
        thinking: What becomes of thoughts before answers: kept apart from the answer, dropped, or made empty, which teaches to answer
            without one in a model's own way.

    Raises:
        DataError: there is nothing to read.
        UsageError: no field holds a picture or a text.
    """
    sampling = Sampling(count=frames)
    check_sampling(sampling)
    check_root(image_root)
    reading = _Reading(
        encoding,
        tuple(ignore),
        tuple(filter(None, map(str.strip, context.split(",")))),
        _label_names(label_names),
        target_for(boxes, processor),
        text_boxes,
        thinking,
    )
    opened = []
    for found in find_pair_files(source, follow_links=follow_links, encoding=encoding, split=split, subset=subset):
        finder = MediaFinder(
            found.files[0].folder,
            image_root,
            sampling,
            follow_links=follow_links,
            fetch=fetch if allow_remote else None,
            videos=videos,
            replace_prefix=replace_prefix,
            more=(source,) if source.is_dir() else (),
        )
        asked = Chosen(image_field, text_field, prompt_field, form, choices=ChoiceForm((choices_field,), "") if choices_field else None)
        opened.append(_open(found, finder, asked, open_wording(prompt, seed), None if videos == "keep" else sampling, reading))
    return opened


def _label_names(given: str) -> tuple[str, ...]:
    if not given:
        return ()
    text = read_user_text(Path(given)) if "," not in given and Path(given).is_file() else given.replace(",", "\n")
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def _open(found: Found, finder: MediaFinder, asked: Chosen, wording: Wording, sampling: Sampling | None, reading: _Reading) -> PairSource:
    files = found.files
    sample = list(itertools.islice((item for file in files for item in file.rows()), _SAMPLE_ROWS))
    rows = [row for _, row in sample if isinstance(row, dict)]
    if not rows:
        raise _no_rows(files[0].path, sample)
    chosen = choose_fields(rows, asked, files[0].path)
    if wording.asks_for_question and not chosen.prompt:
        raise UsageError("--prompt holds {question}, but no field holds one.", cure="Name the field with --prompt-field.")
    wording = wording.settle(chosen)
    there = {key for row in rows for key in row}
    check_fields(wording, there, choices=chosen.choices is not None)
    if chosen.choices and not wording.asks_for_choices:
        raise UsageError(
            "--prompt shows no choices, though the rows have some.", cure="Write {choices} where they are to stand, or --ignore choices."
        )
    for field in reading.context:
        if field not in there:
            raise UsageError(
                f"no row has the field {field!r} of --context.{nearest(field, there)}", cure=f"Fields are {', '.join(sorted(there))}."
            )
    present = frozenset().union(*(file.names(META_FIELDS) for file in files))
    said = [
        *found.said,
        f"{files[0].path}{f' and {len(files) - 1:,} more' if len(files) > 1 else ''}: {files[0].kind}.",
        chosen.sentence(),
        chosen.choices.said if chosen.choices else "",
        wording.sentence(chosen),
        instruction_warning(rows, chosen),
        "" if reading.labels else number_warning(rows, chosen),
        mixed_splits(rows),
    ]
    thoughts = find_thoughts(rows, chosen.text, reading.thinking, reading.ignore)
    if thoughts.there and reading.thinking == "keep":
        said.append("Thoughts stand before answers: they are kept apart (`reasoning`, for SFT).")
    videos: Videos = "keep" if sampling is None else "timed" if finder.frame_times else "frames"
    said += times_said(rows, videos) if chosen.shows_videos else ()
    name = dataset_name(Path(f"{found.name}.x"))
    opened = PairSource(
        name=name,
        columns=(*meta_columns(present), *(("choices",) if chosen.choices else ())),
        said=tuple(filter(None, said)),
        annotations=tuple(path for file in files for path in file.annotations()),
        media_root=files[0].folder,
        settings=_settings(chosen, wording, sampling, videos, reading),
        traits=Traits(videos=chosen.shows_videos and sampling is None, parts=thoughts.parts),
        files=files,
        chosen=chosen,
        wording=wording,
        finder=finder,
        prefix=name,
        remote=finder.remote,
        part=found.part,
        reading=reading,
        thoughts=thoughts,
    )
    shows = any(row.get(name) not in (None, "", []) for row in rows for name in (chosen.image, *chosen.columns))
    texts = settle(files, sample, reading.text_boxes, str(files[0].path), opened.drafts, shows=shows)
    return with_texts(opened, texts, reading.boxes)


def _settings(chosen: Chosen, wording: Wording, sampling: Sampling | None, videos: Videos, reading: _Reading) -> dict[str, Setting]:
    """What of the options decides the result."""
    settings: dict[str, Setting] = {
        "image_field": ", ".join(chosen.columns) or chosen.image,
        "text_field": chosen.text,
        "prompt_field": chosen.prompt,
        "form": chosen.form,
        **wording.settings(),
    }
    if chosen.shows_videos:
        settings |= {"frames": msgspec.to_builtins(sampling)} if sampling else {}
        settings |= {"videos": videos} if videos != "frames" else {}
    if chosen.choices:
        settings |= {"choices_field": ", ".join(chosen.choices.fields), "choices_from": chosen.choices.base}
    if reading.context:
        settings["context"] = ", ".join(reading.context)
    if reading.thinking != "keep":
        settings["thinking"] = reading.thinking
    if reading.labels:
        settings["label_names"] = ", ".join(reading.labels)
    return settings


def _no_rows(path: Path, sample: Sequence[tuple[str, Row]]) -> DataError:
    """Make the message for a source of which no row is an object: its first fault with the cure of that, or that it is empty."""
    for where, row in sample:
        code, reason = row if isinstance(row, RowFault) else ("VL201", f"the row is {row!r:.60}, not an object.")
        return DataError(f"no row can be read; the first, {where}: {reason}", where=str(path), cure=CODES[code].cure)
    return DataError("has no rows.", where=str(path), cure="Give the file that holds them; docs/sources.md shows every layout.")
