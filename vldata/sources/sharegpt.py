"""Conversations: ShareGPT and everything that grew from it. The dialects are in `vldata.sources.dialects`, docs/sources.md shows each.

SOURCE is a .json, .jsonl, .csv, .tsv, .parquet or .tar file, a folder of such, a dataset_info.json of LLaMA-Factory (with --dataset), or a
meta file of InternVL.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec

from vldata.media.pixels import DEFAULT
from vldata.media.refs import Sampling, SamplingRule, ShortRule
from vldata.media.sampling import check_sampling
from vldata.records.boxes import Target, Wish, target_for
from vldata.records.draft import Setting, Traits
from vldata.sources.clips import Videos, times_said
from vldata.sources.locate import MediaFinder, check_root
from vldata.sources.partscan import Thinking, part_words, scan_parts
from vldata.sources.registries import Listed, list_registered
from vldata.sources.remote import fetch
from vldata.sources.rowmeta import META_FIELDS, dataset_name, meta_columns
from vldata.sources.rows import open_rows
from vldata.sources.shards import Shard, is_tar
from vldata.sources.talkdrafts import ShareGptSource
from vldata.sources.talkfiles import SAMPLE_ROWS, look_at, rows_of, said_of_files, sentences
from vldata.sources.textboxes import settle, space_of_ours, with_texts
from vldata.sources.textspace import TextBoxes

_TOOL_WORDS = ("tools", "tool", "tool_calls", "tool_use", "observation", "function_call", "tool_call", "function", "function_response")


def open_source(
    source: Path,
    *,
    dataset: str = "",
    image_root: Path | None = None,
    frames: int = 8,
    frame_rule: SamplingRule = "uniform",
    step: int = 1,
    fps: float = 1.0,
    short: ShortRule = "fewer",
    videos: Videos = "frames",
    boxes: Wish = "auto",
    text_boxes: TextBoxes = "auto",
    processor: str = DEFAULT,
    follow_links: bool = False,
    allow_remote: bool = False,
    split: str = "",
    subset: str = "",
    encoding: str = "auto",
    replace_prefix: str = "",
    ignore: tuple[str, ...] = (),
    thinking: Thinking = "keep",
) -> list[ShareGptSource]:
    """Conversations of one or more turns, with pictures, videos, tools and boxes, in any known form.

    LLaVA, Qwen, LLaMA-Factory, ms-swift, OpenAI, Anthropic, TRL, InternVL, Data-Juicer, VLMEvalKit: the form is found per file and said.
    Pictures stand where the source has them. A conversation that cannot be understood is rejected with its place and a code.

    Args:
        source: File of conversations or a folder of them, or a dataset_info.json (LLaMA-Factory) or meta file (InternVL) that lists some.
        dataset: Which entry of such a list; by default all of a meta file.
        image_root: Folder, zip or tar that picture paths are relative to; looked in beside the file's own folder and its images/.
        frames: Frames taken of each video; they become pictures.
        frame_rule: uniform: evenly from first to last; first: the first N; every: each k-th, at most N; fps: so many a second.
        step: The k of --frame-rule every.
        fps: Frames a second of --frame-rule fps.
        short: What to do with videos of fewer frames: reject (error), repeat some, or take all (fewer).
        videos: What becomes of videos: frames, each a picture; timed: with the time it is shown at in front; or keep, a copy of the file
            under <video>, once it has decoded whole.
        boxes: How boxes are written: on a scale of 0 to 1000, or in pixels of the written picture; auto takes what models of the
            processor were trained on, pixels for qwen2.5-vl.
        text_boxes: The space of coordinates that stand in texts, which move with their image; auto tells it from the whole file
            and stops where it could be two; none leaves them as they are.
        processor: The processor that the pictures will be written for.
        follow_links: Follow links, and entries of a dataset_info.json or meta file, that lead out of the folders, as to another disk.
        allow_remote: Fetch pictures that are named by http(s) URLs, with limits of size and time and never from private addresses.
        split: Which split of a folder to read; by default each becomes a dataset of its own.
        subset: Which subset (configuration) of a folder to read; by default each becomes a dataset of its own.
        encoding: Encoding of a text file; auto tells it from the bytes.
        replace_prefix: OLD=NEW, how paths of another machine begin and what stands there on this one.
        ignore: Fields that may be left out although they change meaning.
        thinking: What becomes of thoughts before answers: kept apart from the answer, dropped, or made empty, which teaches to answer
            without one in a model's own way.

    Raises:
        DataError: there is no such file, or nothing in it is a conversation.
        UsageError: an unknown kind of file or entry.
    """
    sampling = Sampling(rule=frame_rule, count=frames, step=step, fps=fps, short=short)
    check_sampling(sampling)
    check_root(image_root)
    sources = []
    for listed in list_registered(source, dataset, image_root, split=split, subset=subset, follow_links=follow_links):
        finder = MediaFinder(
            listed.folder,
            listed.image_root,
            sampling,
            follow_links=follow_links,
            fetch=fetch if allow_remote else None,
            videos=videos,
            replace_prefix=replace_prefix,
            more=(source,) if source.is_dir() else (),
        )
        reading = _Reading(target_for(boxes, processor), encoding, tuple(ignore), text_boxes, thinking, videos)
        sources.append(_open_file(listed, finder, sampling, reading))
    return sources


class _Reading(msgspec.Struct, frozen=True):
    """Options that every file of a source is read with."""

    boxes: Target
    encoding: str
    ignore: tuple[str, ...]
    text_boxes: TextBoxes
    thinking: Thinking
    videos: Videos = "frames"


def _open_file(listed: Listed, finder: MediaFinder, sampling: Sampling, reading: _Reading) -> ShareGptSource:
    boxes = reading.boxes
    files = tuple(Shard(path) if is_tar(path) else open_rows(path, encoding=reading.encoding) for path in listed.files or (listed.path,))
    names = msgspec.structs.replace(listed.names, ignore=frozenset(reading.ignore))
    sample = list(itertools.islice(rows_of(files), SAMPLE_ROWS))
    found = look_at(files[0].path, sample, names)
    wanted = (*META_FIELDS, *_TOOL_WORDS, "objects", "video", "videos", *names.videos, *names.tools, *part_words(names))
    present = frozenset().union(*(file.names(tuple(dict.fromkeys(wanted))) for file in files))
    scan = scan_parts(files, sample, names, found.dialect, present, thinking=reading.thinking, path=listed.path)
    names = msgspec.structs.replace(names, marked=scan.marked)
    has_videos, has_boxes = bool(present & {"video", "videos", *listed.names.videos}), "objects" in present
    kept = reading.videos == "keep" and has_videos
    settings: dict[str, Setting] = {
        "frames": msgspec.to_builtins(sampling) if has_videos and not kept else None,
        "boxes": boxes if has_boxes else None,
    }
    if has_videos and reading.videos != "frames":
        settings["videos"] = reading.videos
    if listed.settings:
        settings["columns"] = listed.settings
    if reading.thinking != "keep":
        settings["thinking"] = reading.thinking
    timed = times_said((row for _, row in sample), reading.videos) if has_videos else ()
    source = ShareGptSource(
        name=listed.name or dataset_name(listed.path),
        columns=found.own or meta_columns(present),
        said=(*listed.said, *said_of_files(files), *sentences(listed.path, found, has_boxes=has_boxes, boxes=boxes), *scan.said, *timed),
        annotations=tuple(file.path for file in files),
        media_root=listed.folder,
        settings=settings,
        traits=Traits(
            tools=scan.calls or bool(present & {*_TOOL_WORDS, *names.tools}),
            videos=kept,
            coordinate_space=boxes if has_boxes else "none",
            parts=scan.parts,
        ),
        files=files,
        names=names,
        found=found,
        finder=finder,
        boxes=boxes,
        prefix=dataset_name(Path(f"{listed.name}.x")) if listed.part else dataset_name(listed.path),
        remote=finder.remote,
        part=listed.part,
        ignore=reading.ignore,
        thinking=reading.thinking,
    )
    wish = space_of_ours(listed.path, reading.text_boxes) if found.own else reading.text_boxes
    texts = settle(files, sample, wish, str(listed.path), source.drafts, shows=found.shows)
    return with_texts(source, texts, boxes)
