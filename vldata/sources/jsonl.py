"""Pictures with a text each: JSON Lines, JSON, CSV, TSV, parquet, folders of pictures with side-car texts, WebDataset tars.

Which fields hold picture, text and question is found from the first rows and said; docs/sources.md shows every layout.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Literal

import msgspec

from vldata.errors import DataError, UsageError
from vldata.files.strictjson import read_user_text
from vldata.media.pixels import DEFAULT
from vldata.media.refs import Sampling
from vldata.media.sampling import check_sampling
from vldata.records.boxes import Wish, target_for
from vldata.records.codes import CODES
from vldata.records.draft import Setting, Traits
from vldata.sources.choices import ChoiceForm
from vldata.sources.clips import Videos, times_said
from vldata.sources.locate import MediaFinder, check_root
from vldata.sources.pairdrafts import PairReading, PairSource
from vldata.sources.pairfields import (
    ChosenFields,
    choose_fields,
    instruction_warning,
    number_warning,
    spelling_warning,
)
from vldata.sources.pairfiles import FoundPairs, find_pair_files
from vldata.sources.pairthoughts import find_thoughts
from vldata.sources.partscan import Thinking
from vldata.sources.prompts import Wording, check_fields, open_wording
from vldata.sources.remote import fetch
from vldata.sources.rowmeta import META_FIELDS, dataset_name, meta_columns, mixed_splits
from vldata.sources.rows import Row, RowFault
from vldata.sources.textboxes import settle, with_texts
from vldata.sources.textspace import TextBoxes
from vldata.suggest import nearest

_SAMPLE_ROWS = 1_000


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
    reading = PairReading(
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
        asked = ChosenFields(
            image_field, text_field, prompt_field, form, choices=ChoiceForm((choices_field,), "") if choices_field else None
        )
        opened.append(_open(found, finder, asked, open_wording(prompt, seed), None if videos == "keep" else sampling, reading))
    return opened


def _label_names(given: str) -> tuple[str, ...]:
    if not given:
        return ()
    text = read_user_text(Path(given)) if "," not in given and Path(given).is_file() else given.replace(",", "\n")
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def _open(
    found: FoundPairs, finder: MediaFinder, asked: ChosenFields, wording: Wording, sampling: Sampling | None, reading: PairReading
) -> PairSource:
    files = found.files
    sample = list(itertools.islice((item for file in files for item in file.rows()), _SAMPLE_ROWS))
    rows = [row for _, row in sample if isinstance(row, dict)]
    if not rows:
        raise _no_rows(files[0].path, sample)
    chosen = choose_fields(rows, asked, files[0].path)
    wording = _settled(wording, chosen, {key for row in rows for key in row}, reading.context)
    present = frozenset().union(*(file.names(META_FIELDS) for file in files))
    said = [
        *found.said,
        f"{files[0].path}{f' and {len(files) - 1:,} more' if len(files) > 1 else ''}: {files[0].kind}.",
        chosen.sentence(),
        chosen.choices.said if chosen.choices else "",
        wording.sentence(chosen),
        instruction_warning(rows, chosen),
        "" if reading.labels else number_warning(rows, chosen),
        spelling_warning(rows, chosen),
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


def _settled(wording: Wording, chosen: ChosenFields, there: AbstractSet[str], context: tuple[str, ...]) -> Wording:
    """Fill in the default wording and hold it, and --context, to the fields that are there.

    Raises:
        UsageError: a field that they name is not there, or choices would not be shown.
    """
    if wording.asks_for_question and not chosen.prompt:
        raise UsageError("--prompt holds {question}, but no field holds one.", cure="Name the field with --prompt-field.")
    wording = wording.settle(chosen)
    check_fields(wording, there, choices=chosen.choices is not None)
    if chosen.choices and not wording.asks_for_choices:
        raise UsageError(
            "--prompt shows no choices, though the rows have some.", cure="Write {choices} where they are to stand, or --ignore choices."
        )
    for field in context:
        if field not in there:
            raise UsageError(
                f"no row has the field {field!r} of --context.{nearest(field, there)}", cure=f"Fields are {', '.join(sorted(there))}."
            )
    return wording


def _settings(
    chosen: ChosenFields, wording: Wording, sampling: Sampling | None, videos: Videos, reading: PairReading
) -> dict[str, Setting]:
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
