"""From a draft and its rendered media to a record, or to the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vldata.media.refs import Failure, Kept, MediaRef, Picture, Rendering, Video
from vldata.records.boxes import BoxError, Coordinate, format_box, format_coordinate
from vldata.records.control_tokens import escape_control_tokens, find_control_token
from vldata.records.draft import Draft, Part, Reject, Slot, Traits, Turn
from vldata.records.parts import Parts
from vldata.records.record import IMAGE_TAG, VIDEO_TAG, Message, Record
from vldata.records.rules import faults
from vldata.records.solutions import answer_in
from vldata.records.texts import plain_bytes
from vldata.records.thoughts import may_hold_thought, without_thought


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


_PLAIN = Traits()


def join(draft: Draft, rendered: Mapping[MediaRef, Rendering], *, repair: bool, traits: Traits = _PLAIN) -> Joined | Reject:
    """Make the record of a draft.

    Args:
        draft: what the converter read.
        rendered: what became of each of its media.
        repair: escape control tokens in source text, and take over what the converter mended, instead of rejecting the record.
        traits: the optional columns and parts of the dataset.
    """
    if (plain := text_alone(draft, traits)) is not None:
        return Joined(plain, ())
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
    turns = draft.turns if draft.rejected is None else (*draft.turns, draft.rejected)
    for index, turn in enumerate(turns):
        name = f"messages[{index}] ({turn.role})" if index < len(draft.turns) else "the rejected answer"
        try:
            content = _text(draft, name, turn.parts, groups, repairs, repair=repair)
            if traits.parts:
                thought = _text(draft, f"the thought of {name}", turn.reasoning or (), groups, repairs, repair=repair)
                messages.append(_with_parts(turn, content, thought, traits.parts))
            else:
                messages.append(Message(turn.role, content))
        except _ControlToken as error:
            return Reject(draft.id, draft.where, "VL008", str(error))
        except BoxError as error:
            return Reject(draft.id, draft.where, "VL211", str(error))
        except _NoTimeError as error:
            return Reject(draft.id, draft.where, "VL107", str(error))
    if draft.solution is not None and not draft.solution.strip() and not draft.unanswered:
        return Reject(draft.id, draft.where, "VL005", "the solution is empty.")
    rejected = messages.pop() if draft.rejected is not None else msgspec.UNSET
    ordered = _in_turn_order(draft, groups)
    pictures = tuple(picture for group in ordered if isinstance(group, tuple) for picture in group)
    kept = tuple(group for group in ordered if isinstance(group, Video))
    record = Record(
        id=draft.id,
        messages=tuple(messages),
        images=tuple(f"images/{picture.name}" for picture in pictures),
        references=_references(draft, messages),
        meta=draft.meta,
        videos=tuple(f"videos/{video.name}" for video in kept) if traits.videos else msgspec.UNSET,
        tools=msgspec.UNSET if draft.tools is None else draft.tools,
        rejected=rejected,
        wanted=msgspec.UNSET if draft.wanted is None else draft.wanted,
        solution=msgspec.UNSET if draft.solution is None else draft.solution,
    )
    for fault in faults(record):
        return Reject(draft.id, draft.where, fault.code, fault.message)
    return Joined(record, pictures, tuple(repairs), kept)


def _references(draft: Draft, messages: list[Message]) -> tuple[str, ...]:
    """The accepted answers, without a thought: it is learned as it stands in the turn, and no answer is judged by it.

    An answer that is not wanted is none of them.
    """
    if draft.references is not None:
        given = draft.references
    elif draft.solution is not None:
        given = tuple(filter(None, (answer_in(draft.solution),)))
    else:
        given = (messages[-1].content,) if messages and draft.wanted is not False else ()
    bare = tuple(without_thought(text) for text in given)
    return tuple(answer for answer, text in zip(bare, given, strict=True) if answer or answer is text)


def text_alone(draft: Draft, traits: Traits) -> Record | None:
    """Make the record of a draft that is text alone and breaks no rule; None where `join` must decide by the whole rule book.

    A property test holds it to what `join` would say without it.
    """
    if draft.media or draft.mends or draft.tools or traits.parts or not draft.id or draft.id.isspace():
        return None
    messages: list[Message] = []
    for turn in draft.turns:
        content = turn.parts[0] if len(turn.parts) == 1 else None
        if not isinstance(content, str):
            return None
        messages.append(Message(turn.role, content))
    if not plain_bytes(messages):
        return None
    last = messages[-1].content
    plain = draft.references is None and not may_hold_thought(last)
    return Record(
        id=draft.id,
        messages=tuple(messages),
        images=(),
        references=(last,) if plain else _references(draft, messages),
        meta=draft.meta,
        videos=() if traits.videos else msgspec.UNSET,
        tools=msgspec.UNSET if draft.tools is None else "",
    )


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
    if isinstance(part, Slot) and part.times:
        return "".join(_mark(picture) + IMAGE_TAG for picture in group)
    if isinstance(part, Coordinate):
        return format_coordinate(part, group[0])
    return IMAGE_TAG * len(group) if isinstance(part, Slot) else format_box(part, group[0])


def _mark(picture: Picture) -> str:
    """The time of a frame, as the chat template of Qwen3-VL writes it before the frames of a video.

    Raises:
        _NoTimeError: nobody knows it.
    """
    if picture.time_s is None:
        raise _NoTimeError(f"{picture.source}: the video does not say when its frames are shown, as --frame-times needs.")
    return f"<{picture.time_s:.1f} seconds>"


class _NoTimeError(ValueError):
    """A frame has no time; the message is a sentence."""


def _source_of(ref: MediaRef) -> str:
    return ref.source


def _in_turn_order(draft: Draft, groups: list[Group]) -> list[Group]:
    """Media in the order their slots stand in the turns: the n-th tag is the n-th image, or the n-th video."""
    return [groups[part.index] for turn in draft.turns for part in turn.parts if isinstance(part, Slot)]


class _ControlToken(ValueError):
    """A text of the source holds a control token, and is not to be repaired."""


def _text(draft: Draft, name: str, parts: tuple[Part, ...], groups: list[Group], repairs: list[Repair], *, repair: bool) -> str:
    """Write the parts of a turn or thought; with `repair` control tokens of the source are escaped and listed.

    Raises:
        _ControlToken: the source's text holds one.
        BoxError: a box cannot be written.
    """
    written = []
    for part in parts:
        if isinstance(part, str) and (token := find_control_token(part)):
            if not repair:
                raise _ControlToken(f"{name} holds {token!r}.")
            repairs.append(Repair(draft.id, draft.where, f"escaped {token!r} in {name}"))
            written.append(escape_control_tokens(part))
        else:
            written.append(_written(part, groups))
    return "".join(written)


def _with_parts(turn: Turn, content: str, thought: str, parts: Parts) -> Message:
    """Make a turn of a dataset with optional parts; without a word of the source every answer is learned."""
    answers = turn.role in ("assistant", "function_call")
    return Message(
        turn.role,
        content,
        reasoning=thought if "reasoning" in parts else msgspec.UNSET,
        loss=(answers if turn.loss is None else turn.loss) if "loss" in parts else msgspec.UNSET,
    )
