"""Pictures with a text each: JSON Lines, JSON, CSV, TSV, parquet, folders of pictures with side-car texts, WebDataset tars.

Which fields hold picture, text and question is found from the first rows and said; docs/sources.md shows every layout.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from vldata.errors import DataError, UsageError
from vldata.media.refs import FormatRule, Sampling
from vldata.media.sampling import check_sampling
from vldata.records.codes import CODES
from vldata.records.draft import Draft, Reject, Setting, Traits
from vldata.sources.assemble import Assembler
from vldata.sources.dialects.talk import Talk
from vldata.sources.locate import MediaFinder, RowError
from vldata.sources.pairfields import Chosen, answers_of, choose_fields, instruction_warning, known_fields, media_of, question_of
from vldata.sources.pairfiles import PairFile, find_pair_files
from vldata.sources.prompts import Wording, open_wording
from vldata.sources.remote import fetch, map_ahead
from vldata.sources.rowmeta import META_FIELDS, dataset_name, extra_text, id_of, meta_columns
from vldata.sources.rows import Row, RowFault

_SAMPLE_ROWS = 1_000
_TASKS = {"caption": "caption", "ocr": "ocr", "question": "vqa"}


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

    def drafts(self) -> Iterator[Draft | Reject]:
        """Yield every row, in file order."""
        maker = _DraftMaker(self)
        rows = ((row, where, number) for number, (where, row) in enumerate(item for file in self.files for item in file.rows()))
        drafts = map_ahead(lambda given: maker.draft(*given), rows) if self.remote else itertools.starmap(maker.draft, rows)
        yield from drafts


class _DraftMaker:
    """Makes the drafts of one source."""

    def __init__(self, source: PairSource) -> None:
        self._chosen = source.chosen
        self._wording = source.wording
        self._asks = source.wording.asks_for_question
        self._prefix = source.prefix
        self._assembler = Assembler(source.finder, ("<image>", "<video>"), "0-1000")
        self._fields = tuple(column for column in source.columns if column in META_FIELDS)
        self._known = known_fields(source.chosen, replaced=not source.wording.asks_for_question)
        task = _TASKS[source.chosen.form]
        self._base = {"source": source.prefix, "task": task, **dict.fromkeys(self._fields, ""), "extra": ""}

    def draft(self, row: Any, where: str, number: int) -> Draft | Reject:
        """Make the draft of one row, or the reject."""
        if type(row) is not dict:
            code, reason = row if isinstance(row, RowFault) else ("VL201", f"the row is {row!r:.60}, not an object.")
            return Reject(f"{self._prefix}/{number:08d}", where, code, reason)
        record_id = id_of(row, self._prefix, number)
        try:
            answers = answers_of(row, self._chosen)
            question = question_of(row, self._chosen) if self._asks else ""
            given = media_of(row, self._chosen)
            images, videos = ([], given) if self._chosen.shows_videos else (given, [])
            text = self._wording.ask(record_id, question)
            turns, media, mends = self._assembler.assemble(
                Talk([("user", text), ("assistant", answers[0])], images, videos, leading=True), where
            )
        except RowError as error:
            return Reject(record_id, where, error.code, error.reason)
        meta = self._base.copy()
        for field in self._fields:
            value = row.get(field)
            if value is not None:
                meta[field] = value if type(value) is str else str(value)
        if not row.keys() <= self._known:
            meta["extra"] = extra_text(row, self._known, {})
        return Draft(id=record_id, where=where, turns=turns, media=media, references=answers, meta=meta, mends=mends)


def open_source(
    source: Path,
    *,
    image_root: Path | None = None,
    prompt: str = "",
    seed: int = 0,
    form: Literal["auto", "caption", "ocr", "question"] = "auto",
    image_field: str = "",
    text_field: str = "",
    prompt_field: str = "",
    frames: int = 8,
    videos: Literal["frames", "keep"] = "frames",
    follow_links: bool = False,
    allow_remote: bool = False,
) -> list[PairSource]:
    """Pictures with a text each: captions, transcriptions, or answers to questions.

    JSON Lines, JSON, CSV, TSV, parquet, a folder with metadata.jsonl or side-car .txt files, WebDataset tars. Fields are found by name
    and said. Several captions or labels become references.

    Args:
        source: The file or folder.
        image_root: Folder that picture paths are relative to; looked in beside the file's own folder and its images/.
        prompt: The question, or a file with one wording a line; {question} stands for the row's own. Without it the row's own is asked.
        seed: Which wording of a file a record gets depends on this and on its id alone.
        form: What the text is: a caption, a transcription (ocr) or the answer to the row's question; auto looks at the fields.
        image_field: Field that holds the picture; by default found by name.
        text_field: Field that holds the text; by default found by name.
        prompt_field: Field that holds the question; by default found by name.
        frames: Frames taken of each video, where the rows hold videos; they become pictures.
        videos: What becomes of videos: frames, each a picture; or keep, a copy of the file under <video>, once it has decoded whole.
        follow_links: Follow links that lead out of the folders, for example to another disk.
        allow_remote: Fetch pictures that are named by http(s) URLs, with limits of size and time and never from private addresses.

    Raises:
        DataError: there is nothing to read.
        UsageError: no field holds a picture or a text.
    """
    sampling = Sampling(count=frames)
    check_sampling(sampling)
    if image_root is not None and not image_root.is_dir():
        raise DataError("is not a folder.", where=str(image_root), cure="Give the folder of the pictures with --image-root.")
    opened = []
    for name, files in find_pair_files(source, follow_links=follow_links):
        finder = MediaFinder(
            files[0].folder,
            image_root,
            sampling,
            follow_links=follow_links,
            fetch=fetch if allow_remote else None,
            keep_videos=videos == "keep",
        )
        asked = Chosen(image_field, text_field, prompt_field, form)
        opened.append(_open(name, files, finder, asked, open_wording(prompt, seed), None if videos == "keep" else sampling))
    return opened


def _open(
    name: str, files: tuple[PairFile, ...], finder: MediaFinder, asked: Chosen, wording: Wording, sampling: Sampling | None
) -> PairSource:
    sample = [given for given in itertools.islice((item for file in files for item in file.rows()), _SAMPLE_ROWS)]
    rows = [row for _, row in sample if isinstance(row, dict)]
    if not rows:
        raise _no_rows(files[0].path, sample)
    chosen = choose_fields(rows, asked, files[0].path)
    if wording.asks_for_question and not chosen.prompt:
        raise UsageError("--prompt holds {question}, but no field holds one.", cure="Name the field with --prompt-field.")
    wording = wording.settle(chosen)
    present = frozenset().union(*(file.names(META_FIELDS) for file in files))
    said = [
        f"{files[0].path}{f' and {len(files) - 1:,} more' if len(files) > 1 else ''}: {files[0].kind}.",
        chosen.sentence(),
        wording.sentence(chosen),
    ]
    warning = instruction_warning(rows, chosen)
    clips: dict[str, Setting] = {"frames": msgspec.to_builtins(sampling)} if sampling else {"videos": "keep"}
    return PairSource(
        name=dataset_name(Path(f"{name}.x")),
        columns=meta_columns(present),
        said=tuple(filter(None, (*said, warning))),
        annotations=tuple(path for file in files for path in file.annotations()),
        media_root=files[0].folder,
        settings={
            "image_field": chosen.image,
            "text_field": chosen.text,
            "prompt_field": chosen.prompt,
            "form": chosen.form,
            **wording.settings(),
            **(clips if chosen.shows_videos else {}),
        },
        traits=Traits(videos=chosen.shows_videos and sampling is None),
        files=files,
        chosen=chosen,
        wording=wording,
        finder=finder,
        prefix=dataset_name(Path(f"{name}.x")),
        remote=finder.remote,
    )


def _no_rows(path: Path, sample: Sequence[tuple[str, Row]]) -> DataError:
    """Make the message for a source of which no row is an object: its first fault with the cure of that, or that it is empty."""
    for where, row in sample:
        code, reason = row if isinstance(row, RowFault) else ("VL201", f"the row is {row!r:.60}, not an object.")
        return DataError(f"no row can be read; the first, {where}: {reason}", where=str(path), cure=CODES[code].cure)
    return DataError("has no rows.", where=str(path), cure="Give the file that holds them; docs/sources.md shows every layout.")
