"""From a draft and its rendered media to a record, or to the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vldata.media.refs import Failure, Kept, MediaRef, Picture, Rendering, Video
from vldata.records.boxes import BoxError, Coordinate, format_box, format_coordinate
from vldata.records.control_tokens import escape_control_tokens, find_control_token
from vldata.records.draft import Draft, Part, Reject, Slot, Turn
from vldata.records.record import IMAGE_TAG, VIDEO_TAG, Message, Record, Role
from vldata.records.rules import faults
from vldata.records.thoughts import without_thought


class Repair(msgspec.Struct, frozen=True):
    """One change that --repair made: a line of NAME.repairs.jsonl."""

    id: str
    where: str
    what: str


class Joined(msgspec.Struct, frozen=True):
    """A record with the pictures and videos it shows, in order, and what was repaired on the way."""

    record: Record
    pictures: tuple[Picture, ...]
    repairs: tuple[Repair, ...] = ()
    videos: tuple[Video, ...] = ()


Group = tuple[Picture, ...] | Video  # what became of one reference


def join(draft: Draft, rendered: Mapping[MediaRef, Rendering], *, repair: bool, videos: bool = False) -> Joined | Reject:
    """Make the record of a draft.

    Args:
        draft: what the converter read.
        rendered: what became of each of its media.
        repair: escape control tokens in source text, and take over what the converter mended, instead of rejecting the record.
        videos: whether the dataset has a column for videos.
    """
    if not draft.media and not draft.mends and not draft.tools and (plain := _join_plain(draft, videos=videos)):
        return plain
    if draft.mends and not repair:
        return Reject(draft.id, draft.where, draft.mends[0].code, draft.mends[0].reason)
    groups: list[Group] = []
    for ref in draft.media:
        outcome = rendered[ref]
        if isinstance(outcome, Failure):
            return Reject(draft.id, draft.where, outcome.code, f"{_source_of(ref)}: {outcome.reason}")
        groups.append(outcome.video if isinstance(outcome, Kept) else outcome.pictures)
    repairs = [Repair(draft.id, draft.where, mend.what) for mend in draft.mends]
    messages: list[Message] = []
    for index, turn in enumerate(draft.turns):
        fixed = _fix_text(draft, index, turn, repair=repair)
        if isinstance(fixed, Reject):
            return fixed
        parts, made = fixed
        repairs += made
        try:
            content = "".join(_written(part, groups) for part in parts)
        except BoxError as error:
            return Reject(draft.id, draft.where, "VL211", str(error))
        messages.append(Message(role=turn.role, content=content))
    ordered = _in_turn_order(draft, groups)
    pictures = tuple(picture for group in ordered if isinstance(group, tuple) for picture in group)
    kept = tuple(group for group in ordered if isinstance(group, Video))
    record = Record(
        id=draft.id,
        messages=tuple(messages),
        images=tuple(f"images/{picture.name}" for picture in pictures),
        references=_references(draft, messages),
        meta=draft.meta,
        videos=tuple(f"videos/{video.name}" for video in kept) if videos else msgspec.UNSET,
        tools=msgspec.UNSET if draft.tools is None else draft.tools,
    )
    for fault in faults(record):
        return Reject(draft.id, draft.where, fault.code, fault.message)
    return Joined(record, pictures, tuple(repairs), kept)


def _references(draft: Draft, messages: list[Message]) -> tuple[str, ...]:
    """The accepted answers, without a thought: it is learned as it stands in the turn, and no answer is judged by it."""
    given = draft.references if draft.references is not None else (messages[-1].content,) if messages else ()
    bare = tuple(without_thought(text) for text in given)
    return tuple(answer for answer, text in zip(bare, given, strict=True) if answer or answer is text)


def _join_plain(draft: Draft, *, videos: bool) -> Joined | None:
    """Make the record of a draft that is text alone and breaks no rule; None where the whole rule book must decide.

    A property test holds it to what `join` would say without it.
    """
    messages: list[Message] = []
    wanted: Role = "user"
    for turn in draft.turns:
        parts, role = turn.parts, turn.role
        content = parts[0] if len(parts) == 1 else None
        if type(content) is not str or not content or content.isspace() or ("<" in content and find_control_token(content)):
            return None
        if role == wanted:
            wanted = "assistant" if role == "user" else "user"
        elif role != "system" or messages:
            return None
        messages.append(Message(role, content))
    if not messages or messages[-1].role != "assistant" or not draft.id or draft.id.isspace():
        return None
    record = Record(
        id=draft.id,
        messages=tuple(messages),
        images=(),
        references=_references(draft, messages),
        meta=draft.meta,
        videos=() if videos else msgspec.UNSET,
        tools=msgspec.UNSET if draft.tools is None else "",
    )
    return Joined(record, ())


def _written(part: Part, groups: list[Group]) -> str:
    if isinstance(part, str):
        return part
    group = groups[part.index if isinstance(part, Slot) else part.media]
    if isinstance(group, Video):
        if isinstance(part, Slot):
            return VIDEO_TAG
        raise BoxError("a box is on a video, not on a picture.")
    if not isinstance(part, Slot) and len(group) > 1:
        raise BoxError(f"a box is on an image of {len(group)} pages or frames: on which is not said.")
    if isinstance(part, Coordinate):
        return format_coordinate(part, group[0])
    return IMAGE_TAG * len(group) if isinstance(part, Slot) else format_box(part, group[0])


def _source_of(ref: MediaRef) -> str:
    return ref.source


def _in_turn_order(draft: Draft, groups: list[Group]) -> list[Group]:
    """Media in the order their slots stand in the turns: the n-th tag is the n-th image, or the n-th video."""
    return [groups[part.index] for turn in draft.turns for part in turn.parts if isinstance(part, Slot)]


def _fix_text(draft: Draft, index: int, turn: Turn, *, repair: bool) -> Reject | tuple[tuple[Part, ...], list[Repair]]:
    parts: list[Part] = []
    repairs: list[Repair] = []
    for part in turn.parts:
        token = find_control_token(part) if isinstance(part, str) else None
        if token and isinstance(part, str):
            if not repair:
                return Reject(draft.id, draft.where, "VL008", f"messages[{index}] ({turn.role}) holds {token!r}.")
            repairs.append(Repair(draft.id, draft.where, f"escaped {token!r} in messages[{index}] ({turn.role})"))
            parts.append(escape_control_tokens(part))
        else:
            parts.append(part)
    return tuple(parts), repairs
