"""From a dataset to the file of its gallery."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path

import msgspec

from vldata.errors import UsageError
from vldata.files.durable import write_atomic
from vldata.files.gate import below
from vldata.files.paths import path_fault
from vldata.media.refs import Failure
from vldata.output.folder import DatasetPaths, Target
from vldata.previews.gather import Gathered, gather
from vldata.previews.items import PreviewImage, PreviewItem
from vldata.previews.page import gallery_parts
from vldata.web.thumbs import make_thumbnails
from vldata.workers import count_workers

DEFAULT_LIMIT = 5_000
BUDGET_BYTES = 44 * 1024 * 1024
"""Of all pictures as they stand in the page, in base64."""
_SIDES = ((300, 448), (1_500, 384), (5_000, 320), (9_000, 256))
_SMALLEST = 208

OnProgress = Callable[[str, int, int], None]


class Made(msgspec.Struct, frozen=True):
    """A page that was written: how much of the dataset it shows, and sentences about what it does not."""

    path: Path
    bytes: int
    records: int
    shown: int
    pictures: int
    pictures_shown: int
    findings: int
    notes: tuple[str, ...]


def default_path(paths: DatasetPaths) -> Path:
    """Where the page goes without `--out`: next to the dataset."""
    return paths.out / f"{paths.name}.preview.html"


def make_preview(
    target: Target,
    *,
    out: Path | None = None,
    limit: int = DEFAULT_LIMIT,
    tokenizer: str = "",
    budget_bytes: int = BUDGET_BYTES,
    workers: int = 0,
    on_progress: OnProgress | None = None,
) -> Made:
    """Write the gallery of `DIR/NAME`.

    Args:
        target: the dataset.
        out: the file; by default NAME.preview.html next to the dataset.
        limit: most records to show.
        tokenizer: a tokenizer.json or a model folder, to count text exactly instead of estimating it.
        budget_bytes: most bytes of all pictures; beyond it records keep the first of theirs.
        workers: processes that make thumbnails; 0: one a core.
        on_progress: called with the dataset's name, pictures done, pictures in all.

    Raises:
        DataError: no such dataset, or the page cannot be written.
        UsageError: `out` is no place for a file.
    """
    paths = DatasetPaths.at(target)
    path = out if out is not None else default_path(paths)
    if not path.parent.is_dir() or path.is_dir():
        raise UsageError("the page cannot be put here.", where=str(path), cure="Name a file in a folder that is there: --out page.html")
    found = gather(paths, limit=limit, tokenizer=tokenizer)
    wanted = by_turn(found.items)
    inside = [number for number in wanted if not path_fault(found.pictures[number].path)]
    made, lost = _thumbnails(found, inside, paths, budget_bytes, workers, on_progress)
    lost += len(wanted) - len(inside)
    order = sorted(made)  # the table is in order of first use: blocks then come in the order they are looked at
    places = {number: place for place, number in enumerate(order)}
    pictures = tuple(msgspec.structs.replace(picture, shown=places.get(number, -1)) for number, picture in enumerate(found.pictures))
    found = msgspec.structs.replace(found, pictures=pictures)
    notes = (*found.overview.notes, *_picture_notes(found.pictures, len(made), lost))
    write_atomic(path, b"".join(part.encode("utf-8") for part in gallery_parts(found, [made[number] for number in order], notes)))
    return Made(
        path=path,
        bytes=path.stat().st_size,
        records=found.overview.records,
        shown=len(found.items),
        pictures=len(found.pictures),
        pictures_shown=len(made),
        findings=sum(found.overview.counts.values()),
        notes=notes,
    )


def by_turn(items: Sequence[PreviewItem]) -> list[int]:
    """The pictures in the order they deserve a place: the first of every record, then the second of every record, and so on."""
    turns = zip_longest(*(item.pictures for item in items), fillvalue=-1)
    return [number for number in dict.fromkeys(number for turn in turns for number in turn) if number >= 0]


def _thumbnails(
    found: Gathered, wanted: Sequence[int], paths: DatasetPaths, budget_bytes: int, workers: int, on_progress: OnProgress | None
) -> tuple[dict[int, bytes], int]:
    """Thumbnails by number until the budget is used, and how many files could not be read. The same whatever the workers."""
    side = next((side for most, side in _SIDES if len(wanted) <= most), _SMALLEST)
    made: dict[int, bytes] = {}
    waiting: dict[int, bytes | Failure] = {}
    lost = used = place = 0
    files = (below(paths.out.absolute(), found.pictures[number].path) for number in wanted)
    for done, (index, result) in enumerate(make_thumbnails(files, side=side, workers=count_workers(workers)) if wanted else (), start=1):
        waiting[index] = result
        if on_progress:
            on_progress(found.name, done, len(wanted))
        while place in waiting:
            thumb = waiting.pop(place)
            if isinstance(thumb, Failure):
                lost += 1
            else:
                used += -(-len(thumb) // 3) * 4
                if used > budget_bytes:
                    return made, lost
                made[wanted[place]] = thumb
            place += 1
    return made, lost


def _picture_notes(pictures: Sequence[PreviewImage], made: int, lost: int) -> list[str]:
    notes = []
    if lost:
        notes.append(f"Pictures that cannot be read and are not shown: {lost:,}. vldata validate names them.")
    if left := len(pictures) - made - lost:
        kept = f"{made:,} of {len(pictures):,} pictures are shown"
        notes.append(f"{kept}; {left:,} were left out to keep the file small: --limit shows fewer records.")
    return notes
