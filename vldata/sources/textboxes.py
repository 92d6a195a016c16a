"""Moves the coordinates of texts with their images: found in a first pass over a file, put into typed parts in the second."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.media.refs import BytesRef, FileRef, MediaRef
from vldata.media.sizes import upright_size
from vldata.records.boxes import Coordinate, Space, Target
from vldata.records.draft import Draft, Part, Reject, Turn
from vldata.sources.census import Unused
from vldata.sources.coordinates import FREE, MARKS, FoundCoordinates, find_coordinates, has_bare_box, strip_names, unread_boxes
from vldata.sources.encodings import open_utf8
from vldata.sources.errors import RowError
from vldata.sources.rows import Row, RowFile
from vldata.sources.textspace import Evidence, TextBoxes

S = TypeVar("S", bound=Any)

# A system turn shows no image. What a tool takes is the tool's own: in its space, and not in that of the model.
_LEFT = frozenset({"system", "function_call"})
_mark = re.compile("|".join(map(re.escape, MARKS))).search
# By what they have in common: most blocks hold none of these few, and plain searches are many times faster than one for any of them.
_CORES: tuple[bytes, ...] = (
    b"box",
    b"xyxy",
    b"object_ref",
    b"point",
    b"poly",
    b"quad",
    b"segmentation",
    b"coordinate",
    b"<loc",
    b"|det|",
    b"lick(",
)
_CORES += (b"moveTo(", b"dragTo(", b"mouse_move(", b"tap(", b"long_press(", b"swipe(")
_BY_CORE = {core: tuple(mark.encode() for mark in MARKS if core in mark.encode()) for core in _CORES}
_LONGEST_MARK = max(map(len, MARKS)) + 1
_BY_BYTES = frozenset({".json", ".jsonl", ".csv", ".tsv", ".ssv"})


class TextBoxMover:
    """Finds the coordinates in the texts of a draft, and makes parts of them that are written once the image has its size.

    Args:
        target: the space they are written in.
        spaces: the space of each dialect of the file; None while they are collected.
        evidence: takes what is found while they are collected.
    """

    def __init__(self, target: Target, spaces: dict[str, Space] | None, evidence: Evidence | None = None) -> None:
        self._target = target
        self._spaces = spaces
        self._evidence = evidence

    def move(self, turns: tuple[Turn, ...], media: Sequence[MediaRef], where: str) -> tuple[Turn, ...]:
        """Return the turns with the coordinates of their texts as parts.

        Raises:
            RowError: nobody can say on which image they are or in which space, or they are no boxes.
        """
        texts = [part for turn in turns if turn.role not in _LEFT for part in turn.parts if isinstance(part, str)]
        if not any(map(_mark, texts)):
            return turns
        pictures = [index for index, ref in enumerate(media) if isinstance(ref, FileRef | BytesRef)]
        tags = any("<box>" in text for text in texts)
        groups: list[FoundCoordinates] = []
        moved = []
        for turn in turns:
            parts: list[Part] = []
            for part in turn.parts:
                if not isinstance(part, str) or turn.role in _LEFT or not pictures:
                    parts.append(part)
                    continue
                text = strip_names(part, tags=tags)
                found = find_coordinates(text)
                groups += found
                parts += self._parts(text, found, pictures[0]) if self._spaces is not None else [text]
            moved.append(Turn(turn.role, tuple(part for part in parts if part != "") or ("",)))
        if self._evidence is None and pictures and (key := next(filter(None, map(unread_boxes, texts)), "")):
            what = f"{key!r} in its text is no list of numbers, and they would not move with the image"
            raise RowError("VL211", f"{what}: write [x1, y1, x2, y2] or [x, y]; --text-boxes none leaves texts as they are.")
        if not groups:
            return tuple(moved)
        sizes = [size for index in pictures if (size := upright_size(media[index]))]
        if self._evidence is not None:
            self._evidence.add(where, groups, sizes if len(set(sizes)) == 1 else ())
            return turns
        self._check(groups, sizes)
        return tuple(moved)

    def _check(self, groups: Sequence[FoundCoordinates], sizes: Sequence[tuple[int, int]]) -> None:
        spaces = self._spaces or {}
        in_pixels = self._target == "pixels" or any(group.share is None and spaces[group.dialect] == "pixels" for group in groups)
        if in_pixels and len(set(sizes)) > 1:
            raise RowError("VL211", f"its texts hold {groups[0].shape}s, and its images have {len(set(sizes))} sizes: on which are they?")
        for group in groups:
            values = [number.value for number in group.numbers]
            if min(values) < 0:
                raise RowError("VL211", f"a {group.shape} in the text has the negative value {min(values):g}.")
            if bad := next((box for box in group.boxes if box[2] <= box[0] or box[3] <= box[1]), None):
                raise RowError("VL211", f"the box {[*bad]} in the text has no area or its corners are not in order.")

    def _parts(self, text: str, found: Sequence[FoundCoordinates], media: int) -> Iterator[Part]:
        """Yield a text with its coordinates as parts."""
        end = 0
        for group in found:
            numbers = [self._part(group, place, media) for place in range(len(group.numbers))]
            if group.pieces:
                yield text[end : group.start]
                yield from (numbers[piece] if isinstance(piece, int) else piece for piece in group.pieces)
                end = group.end
                continue
            for number, part in zip(group.numbers, numbers, strict=True):
                yield text[end : number.start]
                yield part
                end = number.end
        yield text[end:]

    def _part(self, group: FoundCoordinates, place: int, media: int) -> Coordinate:
        number = group.numbers[place]
        if group.share is not None:
            return Coordinate(media, group.share(number.value), number.axis, "0-1", self._target)
        space = (self._spaces or {}).get(group.dialect)
        if space is None:
            what = f"its texts hold coordinates ({group.dialect}), of which the first rows had none"
            raise RowError("VL218", f"{what}; --text-boxes says their space.")
        return Coordinate(media, number.value, number.axis, space, self._target)


def check_resized(unused: Iterable[Unused], turns: tuple[Turn, ...]) -> None:
    """Refuse pixels of an image that the row has resized for its model: they count on that size, and the file has another.

    Raises:
        RowError: with what the row says.
    """
    sized = next((item for item in unused if item.name in ("resized_height", "resized_width")), None)
    if sized and any(isinstance(part, Coordinate) and part.space == "pixels" for turn in turns for part in turn.parts):
        what = f"its texts hold coordinates in pixels, and `{sized.name}` {sized.value!r} says that those are of a resized image"
        raise RowError("VL211", f"{what}; write them for the file's own size, or on 0 to 1000.")


def calls_with_coordinates(turns: Iterable[Turn]) -> bool:
    """Whether a tool call holds coordinates, which stay as they are."""
    return any(_mark(part) for turn in turns if turn.role == "function_call" for part in turn.parts if isinstance(part, str))


BARE = ("numbers in a text that may be coordinates", "left as they are, also where the image changes its size")


def bare_boxes(turns: Iterable[Turn]) -> bool:
    """Whether a text holds numbers that may be coordinates of no known dialect, and stay as they are."""
    return any(has_bare_box(part) for turn in turns if turn.role not in _LEFT for part in turn.parts if isinstance(part, str))


class Settled(msgspec.Struct, frozen=True):
    """What a file's texts hold: the space of each dialect, what to say; `looked` is whether there may be coordinates at all."""

    looked: bool = False
    spaces: dict[str, Space] = {}
    said: tuple[str, ...] = ()


def with_texts(source: S, texts: Settled, target: Target) -> S:
    """Return a source that moves the coordinates of its texts, and says so."""
    if not texts.looked:
        return source
    changes: dict[str, Any] = {"texts": texts}
    if texts.said:
        traits, settings = source.traits, {**source.settings, "text_boxes": dict(texts.spaces) or "fixed", "boxes": target}
        how = "on a scale of 0 to 1000" if target == "0-1000" else "in pixels of the written image"
        changes |= {"settings": settings, "traits": msgspec.structs.replace(traits, coordinate_space=target)}
        changes["said"] = (*source.said, *texts.said, f"They are written {how}.")
    return msgspec.structs.replace(source, **changes)


def space_of_ours(path: Path, wish: TextBoxes) -> TextBoxes:
    """Return the space of the coordinates in records of ours, which the contract beside them tells; `wish` where it does not."""
    contract = path.with_suffix(".contract.json")
    if wish != "auto" or not contract.is_file():
        return wish
    try:
        value = strictjson.read_json(contract)
    except DataError:
        return wish
    space = value.get("coordinate_space") if isinstance(value, dict) else None
    return space if space in ("pixels", "0-1000") else wish


def may_hold(files: Iterable[Any], sample: Iterable[tuple[str, Row]]) -> tuple[bool, bool]:
    """Tell whether texts of these files may hold coordinates: (in rows to come, in these first ones)."""
    by_bytes = [given for file in files if isinstance(given := getattr(file, "file", file), RowFile) and given.kind in _BY_BYTES]
    if any(_has_mark(file) for file in by_bytes):
        return True, True
    first = any(_mark(text) for _, row in sample for text in _texts(row))
    return len(by_bytes) < len(list(files)), first


def _has_mark(file: RowFile) -> bool:
    """Whether a mark stands anywhere in the bytes of a text file."""
    tail = b""
    with contextlib.suppress(UnicodeDecodeError, OSError), open_utf8(file.path, file.encoding) as handle:
        while block := handle.read(1 << 20):
            text = tail + block
            if any(mark in text for core in _CORES if core in text for mark in _BY_CORE[core]):
                return True
            tail = block[-_LONGEST_MARK:]
    return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) < 100_000:
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def settle(
    files: Sequence[Any],
    sample: Iterable[tuple[str, Row]],
    wish: TextBoxes,
    path: str,
    drafts: Callable[[Evidence], Iterator[Draft | Reject]],
    *,
    shows: bool,
) -> Settled:
    """Tell the spaces of the coordinates in a file's texts, by reading it once where it has any.

    Args:
        files: those of the dataset.
        sample: their first rows.
        wish: --text-boxes.
        path: how the dataset is called in messages.
        drafts: yields the drafts, and gives what is found to the evidence.
        shows: whether any of the first rows shows an image; texts without one are left as they are.

    Raises:
        DataError: they could be in two spaces.
    """
    if wish == "none":
        return Settled()
    later, now = may_hold(files, sample) if shows else (True, False)
    if not now:
        if later and wish != "auto":
            told = f"{path}: coordinates in its texts, should there be any, are read as {wish} (--text-boxes)."
            return Settled(looked=True, spaces=dict.fromkeys(FREE, wish), said=(told,))
        return Settled(looked=later)
    evidence = Evidence()
    for _ in drafts(evidence):
        pass
    spaces, said = evidence.settle(path, wish)
    return Settled(looked=True, spaces=spaces, said=tuple(said))
