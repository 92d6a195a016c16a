"""Open-EQA (Majumdar et al., CVPR 2024): questions about an episode, seen as N frames of it.

The layouts on disk, as the dataset ships and as people lay it out, below SOURCE or SOURCE/data:

    open-eqa-v0.json                                     1,636 questions; open-eqa*184*.json: the subset
    frames/hm3d-v0/<episode>/NNNNN-rgb.png               beside -depth.png, poses .txt, states .pkl (ScanNet: six digits)
    frames/<episode>/00001.jpg
    *.tar or frames/*.tar                                episodes as folders in tars, or a tar an episode
    videos/hm3d-v0/<episode>-0.mp4, videos/<episode>.mp4
    *.parquet, data/*.parquet                            the mirrors with embedded frames; see `openeqa_parquet`
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from vldata.errors import DataError, UsageError
from vldata.files import strictjson
from vldata.files.paths import PathError, find_below, refuse_archive
from vldata.files.strictjson import read_user_text
from vldata.media.refs import ClipRef, FileRef, FormatRule, MediaRef, Sampling, SamplingRule, ShortRule
from vldata.media.sampling import TooFewFramesError, check_sampling
from vldata.records.draft import Draft, Reject, Setting, Slot, Source, Turn
from vldata.sources.census import Census, extra_json
from vldata.sources.errors import RowError
from vldata.sources.openeqa_tars import TarFrames, find_tars
from vldata.sources.openeqa_views import choose_views, is_view
from vldata.wording import counted

FULL_QUESTIONS = "open-eqa-v0.json"
DEFAULT_PROMPT = "{images}{question}"
COLUMNS = ("source", "task", "category", "episode", "scene", "extra")
VIDEO_SUFFIXES = (".mp4", ".mkv", ".avi", ".webm", ".mov")

_KNOWN = frozenset({"question_id", "question", "answer", "category", "episode_history", "extra_answers"})
_HM3D = re.compile(r"\d+-hm3d-(\w+)").fullmatch
_SCANNET = re.compile(r"\d+-scannet-(scene\d{4})_\d+").fullmatch


# Finds the media of an episode, or says why there are none.
Locator = Callable[[str], tuple[MediaRef, ...] | Reject]


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What every opened Open-EQA has; see `vldata.records.draft.Source` for the fields."""

    converter: str = "openeqa"
    name: str = "openeqa"
    columns: tuple[str, ...] = COLUMNS
    image_format: FormatRule = "jpeg"
    said: tuple[str, ...]
    annotations: tuple[Path, ...]
    media_root: Path
    settings: dict[str, Setting]
    total: int | None
    prompt: str
    ignore: tuple[str, ...] = ()


class OpenEqaSource(Opened, frozen=True, kw_only=True):
    """An opened Open-EQA folder."""

    questions: tuple[Any, ...]
    locate: Locator

    def drafts(self) -> Iterator[Draft | Reject]:
        """Yield every question, in file order."""
        file = self.annotations[0].name
        for index, row in enumerate(self.questions):
            yield self._draft(row, f"{file}[{index}]")

    def _draft(self, row: Any, where: str) -> Draft | Reject:
        if fault := row_fault(row):
            row_id = row.get("question_id") if isinstance(row, dict) else None
            return Reject(f"openeqa/{row_id}" if isinstance(row_id, str) else "", where, "VL201", fault)
        record_id = f"openeqa/{row['question_id']}"
        episode = row["episode_history"]
        located = self.locate(episode)
        if isinstance(located, Reject):
            return Reject(record_id, where, located.code, located.reason)
        return make_draft(row, where, located, self.prompt, Census(self.ignore))


def make_draft(row: dict[str, Any], where: str, media: tuple[MediaRef, ...], prompt: str, census: Census) -> Draft | Reject:
    """Make the draft of a question without fault, which sees these media."""
    episode = row["episode_history"]
    try:
        unused, extra = census.judge(row, _KNOWN)
    except RowError as error:
        return Reject(f"openeqa/{row['question_id']}", where, error.code, error.reason)
    return Draft(
        id=f"openeqa/{row['question_id']}",
        where=where,
        turns=(
            Turn("user", _fill(prompt, row["question"], len(media))),
            Turn("assistant", (row["answer"],)),
        ),
        media=media,
        references=(row["answer"], *(row.get("extra_answers") or ())),
        meta={
            "source": "openeqa",
            "task": "vqa",
            "category": row["category"],
            "episode": episode,
            "scene": scene_of(episode)[0],
            "extra": extra_json(extra),
        },
        unused=unused,
    )


def open_source(
    source: Path | None = None,
    *,
    frames: int = 8,
    frame_rule: SamplingRule = "uniform",
    step: int = 1,
    fps: float = 1.0,
    short: ShortRule = "fewer",
    questions: Path | None = None,
    prompt: Path | None = None,
    videos: Literal["frames", "keep"] = "frames",
    follow_links: bool = False,
    ignore: tuple[str, ...] = (),
) -> Source:
    """Open-EQA: questions about an episode, each with N frames of it.

    Frame folders are taken before videos; what was found and chosen is said. Records that cannot be used are counted and listed in
    NAME.rejects.jsonl.

    Args:
        source: The folder as the dataset ships, or a parquet mirror; by default the working folder.
        frames: Frames per episode.
        frame_rule: uniform: evenly from first to last; first: the first N; every: each k-th, at most N; fps: so many a second.
        step: The k of --frame-rule every.
        fps: Frames a second of --frame-rule fps; for videos.
        short: What to do with episodes of fewer frames: reject (error), repeat some, or take all (fewer).
        questions: Question file; by default the full one in the folder, else the subset.
        prompt: Text file with the user turn: {question} is replaced, {images} says where the frames stand (else in front).
        videos: Videos become frames; keeping them is refused, since the benchmark asks about frames.
        follow_links: Follow links that lead out of the folder, for example to another disk.
        ignore: Fields that may be left out although they change meaning.

    Raises:
        DataError: no questions or no media were found.
        UsageError: a number out of range, a prompt that does not hold {question}, or videos that are to be kept.
    """
    if videos == "keep":
        raise UsageError(
            "Open-EQA asks about frames of an episode; its videos are not kept as videos.",
            cure="Give --frames N. For conversations about whole videos: vldata convert sharegpt FILE --videos keep",
        )
    sampling = Sampling(rule=frame_rule, count=frames, step=step, fps=fps, short=short)
    check_sampling(sampling)
    wording = _check_prompt(read_user_text(prompt).rstrip("\n") if prompt else DEFAULT_PROMPT)
    root = source or Path()
    refuse_archive(root)
    if questions is None and not any((folder / FULL_QUESTIONS).is_file() for folder in (root, root / "data")):
        from vldata.sources.openeqa_parquet import find_parquet, open_embedded

        files, column = find_parquet(root)
        if files:
            return open_embedded(files, column, sampling, wording, tuple(ignore))
    opened = _open_folder(root, questions, sampling, wording, follow_links=follow_links)
    return msgspec.structs.replace(opened, ignore=tuple(ignore))


def _open_folder(root: Path, questions: Path | None, sampling: Sampling, prompt: str, *, follow_links: bool) -> OpenEqaSource:
    """Open a question file with the media of its episodes on disk."""
    if not root.is_dir():
        raise DataError("is not a folder.", where=str(root), cure="Give the folder that holds open-eqa-v0.json and frames/ or videos/.")
    roots = (root, root / "data")
    file = questions or _find_questions(roots, root)
    rows = strictjson.read_json(file)
    if not isinstance(rows, list):
        raise DataError("is not a list of questions.", where=str(file), cure="Give the original file with --questions.")
    said = [f"Questions: {len(rows):,} from {file}."]
    locator, sentence = _find_media(roots, root, sampling, follow_links=follow_links)
    locator = functools.cache(locator)  # an episode is asked about several times
    said.append(sentence)
    said += _missing_summary(rows, locator)
    return OpenEqaSource(
        said=tuple(said),
        annotations=(file,),
        media_root=root,
        settings={"frames": msgspec.to_builtins(sampling), "prompt": prompt},
        total=len(rows),
        questions=tuple(rows),
        locate=locator,
        prompt=prompt,
    )


def scene_of(episode: str) -> tuple[str, bool]:
    """Return the scene an episode was filmed in, and whether its name has a known form.

    HM3D: `000-hm3d-BFRyYbPCCPE` is scene `BFRyYbPCCPE`. ScanNet: `002-scannet-scene0709_00` is scene `scene0709`; the suffix counts
    scans of one room. Otherwise the episode stands for its own scene.
    """
    name = episode.rsplit("/", 1)[-1]
    for pattern in (_HM3D, _SCANNET):
        if match := pattern(name):
            return match.group(1), True
    return episode, False


def _check_prompt(prompt: str) -> str:
    if prompt.count("{question}") != 1 or prompt.count("{images}") > 1:
        raise UsageError(
            "the prompt must hold {question} once, and {images} at most once.",
            cure="For example: {images}Answer in a few words. {question}",
        )
    return prompt if "{images}" in prompt else "{images}" + prompt


def _fill(prompt: str, question: str, media: int) -> tuple[str | Slot, ...]:
    before, after = (part.replace("{question}", question) for part in prompt.split("{images}"))
    slots = tuple(Slot(index) for index in range(media))
    return ((before,) if before else ()) + slots + ((after,) if after else ())


def row_fault(row: Any) -> str:
    """Say what a question lacks, or "" for a good one."""
    if not isinstance(row, dict):
        return "is not an object."
    for field in ("question_id", "question", "answer", "category", "episode_history"):
        value = row.get(field)
        if not isinstance(value, str) or not value.strip():
            return f"{field!r} is {'missing' if field not in row else repr(value)[:80]}; a text is needed."
    extra = row.get("extra_answers")
    if extra is not None and not (isinstance(extra, list) and all(isinstance(answer, str) for answer in extra)):
        return "'extra_answers' is not a list of texts."
    return ""


def _find_questions(roots: tuple[Path, ...], root: Path) -> Path:
    for folder in roots:
        if (folder / FULL_QUESTIONS).is_file():
            return folder / FULL_QUESTIONS
    for folder in (*roots, root / "assets"):  # where the repository keeps the subset
        if subset := sorted(folder.glob("open-eqa*184*.json")):
            return subset[0]
    raise DataError(
        f"no {FULL_QUESTIONS} here or in data/.",
        where=str(root),
        cure="Give the folder as the dataset ships, or the file with --questions FILE.",
    )


def _find_media(roots: tuple[Path, ...], root: Path, sampling: Sampling, *, follow_links: bool) -> tuple[Locator, str]:
    packed = [folder for folder in roots if not any(_has_folders(folder / name) for name in ("frames", "videos"))]
    if len(packed) == len(roots) and (tars := find_tars(packed)):
        return TarFrames(tars, root, sampling), f"Frames: in {counted(len(tars), 'tar')}, the first {tars[0]}."
    for folder in roots:
        if (folder / "frames").is_dir():
            return _FrameFolders(folder / "frames", root, sampling, follow_links=follow_links), f"Frames: {folder / 'frames'}."
    for folder in roots:
        if (folder / "videos").is_dir():
            return _Videos(folder / "videos", root, sampling, follow_links=follow_links), f"Videos: {folder / 'videos'}."
    raise DataError(
        "no frames/ and no videos/ folder and no tars here or in data/.",
        where=str(root),
        cure="Download the episodes first: frames/hm3d-v0/<episode>/*-rgb.png, or videos/hm3d-v0/<episode>-0.mp4.",
    )


def _has_folders(folder: Path) -> bool:
    """Whether there is such a folder with anything but tars in it."""
    return folder.is_dir() and any(path.suffix != ".tar" for path in folder.iterdir())


def _missing_summary(rows: list[Any], locate: Locator) -> Iterator[str]:
    episodes = {row["episode_history"]: None for row in rows if isinstance(row, dict) and isinstance(row.get("episode_history"), str)}
    refused = {episode: found for episode in episodes if isinstance(found := locate(episode), Reject)}
    missing = [episode for episode, reject in refused.items() if reject.code == "VL202"]
    if missing:
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        yield f"Warning: {len(missing):,} of {len(episodes):,} episodes are not on disk: {shown}"
    unusable = [reject for reject in refused.values() if reject.code != "VL202"]
    if unusable:
        yield f"Warning: {len(unusable):,} of {len(episodes):,} episodes are on disk and cannot be used; the first: {unusable[0].reason}"
    strange = [episode for episode in episodes if not scene_of(episode)[1]]
    if strange:
        shown = ", ".join(strange[:3]) + (", ..." if len(strange) > 3 else "")
        yield f"Warning: {len(strange):,} episodes have names of an unknown form and stand for their own scene: {shown}"


class _FrameFolders:
    """Finds the sampled frames of an episode below `frames/`."""

    def __init__(self, frames: Path, root: Path, sampling: Sampling, *, follow_links: bool) -> None:
        self._follow_links = follow_links
        self._frames = frames
        self._root = root
        self._sampling = sampling

    def __call__(self, episode: str) -> tuple[MediaRef, ...] | Reject:
        folder = _first_below(self._frames, (episode, episode.rsplit("/", 1)[-1]), Path.is_dir, follow_links=self._follow_links)
        if isinstance(folder, Reject):
            return folder
        files = [entry for entry in folder.iterdir() if is_view(entry)]
        if not files:
            return Reject("", "", "VL203", f"{folder}: no picture in the folder.")
        try:
            chosen = choose_views(files, lambda entry: entry.name, self._sampling)
        except TooFewFramesError as error:
            return Reject("", "", "VL107", f"{folder}: {error}")
        return tuple(_frame_ref(path, self._root, index) for index, path in chosen)


def _frame_ref(path: Path, root: Path, index: int) -> FileRef:
    return FileRef(path=str(path.absolute()), source=path.relative_to(root).as_posix(), frame=index)


class _Videos:
    """Finds the video of an episode below `videos/`."""

    def __init__(self, videos: Path, root: Path, sampling: Sampling, *, follow_links: bool) -> None:
        self._follow_links = follow_links
        self._videos = videos
        self._root = root
        self._sampling = sampling

    def __call__(self, episode: str) -> tuple[MediaRef, ...] | Reject:
        bare = episode.rsplit("/", 1)[-1]
        names = [f"{stem}{suffix}" for stem in (f"{episode}-0", episode, f"{bare}-0", bare) for suffix in VIDEO_SUFFIXES]
        file = _first_below(self._videos, names, Path.is_file, follow_links=self._follow_links)
        if isinstance(file, Reject):
            return file
        return (ClipRef(path=str(file.absolute()), source=file.relative_to(self._root).as_posix(), sampling=self._sampling),)


def _first_below(folder: Path, names: Iterable[str], exists: Callable[[Path], bool], *, follow_links: bool) -> Path | Reject:
    """Return the first of `names` that exists below `folder`; a name that leaves the folder is a reject."""
    tried: list[str] = []
    for name in names:
        tried.append(name)
        try:
            path = find_below(folder, name, follow_links=follow_links)
        except PathError as error:
            return Reject("", "", "VL111", f"{error}.")
        if path is not None and exists(path):
            return path
    return Reject("", "", "VL202", f"{folder / tried[0]} is not on disk.")
