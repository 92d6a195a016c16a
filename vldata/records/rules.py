"""The rules of a record, in one place: the writer and `validate` judge by the same ones.

`faults` is the rule book. `surely_clean` is a shortcut for the common record (one user turn, one assistant turn) that decides on
the bytes of the line; it may say no to a good record but never yes to a bad one, which a property test holds it to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from vldata.files import strictjson
from vldata.files.paths import path_fault
from vldata.records.control_tokens import find_control_token
from vldata.records.parts import PARTS, TASKS, Parts, parts_of
from vldata.records.record import IMAGE_TAG, VIDEO_TAG, Message, Record
from vldata.records.tool_calls import ToolCallError, read_calls

MAX_TEXT_ONLY_RUN = 999  # 1,000 leading rows without a picture fix an Arrow column to null

_ASKING = frozenset({"user", "observation"})  # only they may show media
_ANSWERING = frozenset({"assistant", "function_call"})
_UNSET = msgspec.UNSET
_OUR_PATH = re.compile(r"images/[0-9a-f]{2}/[0-9a-f]{64}\.(?:jpg|png|webp)").fullmatch


class Fault(NamedTuple):
    """A broken rule: its code and one sentence."""

    code: str
    message: str


def faults(record: Record) -> Iterator[Fault]:
    """Yield every rule of a single record that this one breaks; nothing here touches a disk."""
    if not record.id.strip():
        yield Fault("VL003", "the id is empty.")
    yield from _turn_faults(record)
    yield from _media_faults(record)
    for path in record.media:
        if reason := path_fault(path):
            yield Fault("VL009", f"{path!r} {reason}.")
    if record.tools is not msgspec.UNSET and (message := _tools_fault(record.tools)):
        yield Fault("VL013", message)
    if parts := parts_of(record):
        yield from _part_faults(record, parts)


def _turn_faults(record: Record) -> Iterator[Fault]:
    messages = record.messages
    if not messages:
        yield Fault("VL004", "there are no messages.")
        return
    first = 1 if messages[0].role == "system" else 0
    for index, message in enumerate(messages[first:], start=first):
        wanted = _ASKING if (index - first) % 2 == 0 else _ANSWERING
        if message.role not in wanted:
            expected = "user" if wanted is _ASKING else "assistant"
            yield Fault("VL004", f"messages[{index}] has role {message.role!r} where the {expected} must speak.")
            break
    else:
        prompt = record.solution is not msgspec.UNSET
        if (len(messages) - first) % 2 != prompt or len(messages) == first:
            who = "the user's, though the record has a solution and no answer to learn" if prompt else "the assistant's"
            yield Fault("VL004", f"the last turn is not {who}.")
    for index, message in enumerate(messages):
        if not message.content.strip():
            yield Fault("VL005", f"messages[{index}] ({message.role}) is empty.")
        elif message.role == "function_call" and (said := _call_fault(message.content)):
            yield Fault("VL028", f"messages[{index}] (function_call) {said}.")


def _media_faults(record: Record) -> Iterator[Fault]:
    for tag, files, name in ((IMAGE_TAG, record.images, "image"), (VIDEO_TAG, record.kept_videos, "video")):
        in_user = 0
        for index, message in enumerate(record.messages):
            count = message.content.count(tag)
            if message.role in _ASKING:
                in_user += count
            elif count:
                yield Fault("VL007", f"messages[{index}] ({message.role}) holds {tag}.")
        if in_user != len(files):
            where = "the user turns have"
            yield Fault("VL006", f"{where} {in_user} {tag} tag{_s(in_user)}, but the record has {len(files)} {name}{_s(len(files))}.")
    for index, message in enumerate(record.messages):
        text = message.content.replace(IMAGE_TAG, "").replace(VIDEO_TAG, "") if message.role in _ASKING else message.content
        token = find_control_token(text)
        if token and token not in (IMAGE_TAG, VIDEO_TAG):
            yield Fault("VL008", f"messages[{index}] ({message.role}) holds {token!r}.")


def _part_faults(record: Record, parts: Parts) -> Iterator[Fault]:
    """Yield what is wrong with the optional parts of a record."""
    tasks = [name for name in parts if name in TASKS]
    if len(tasks) > 1:
        kinds = " or ".join(PARTS[name].training for name in tasks)
        yield Fault("VL015", f"it has both {' and '.join(map(repr, tasks))}; a record is for {kinds}.")
    turns = list(enumerate(record.spoken))
    for index, message in turns:
        name = f"messages[{index}]" if index < len(record.messages) else "rejected"
        there = {part for part, value in (("reasoning", message.reasoning), ("loss", message.loss)) if value is not msgspec.UNSET}
        if differs := there ^ {"reasoning", "loss"}.intersection(parts):
            yield Fault("VL011", f"{name} and the first turn do not both have {' and '.join(map(repr, sorted(differs)))}.")
        if not message.answers and (message.thought or message.loss is True):
            part = "a thought" if message.thought else "`loss` true"
            yield Fault("VL014", f"{name} ({message.role}) has {part}; only the model's turns may.")
        if message.thought and (token := find_control_token(message.thought)):
            yield Fault("VL008", f"the thought of {name} holds {token!r}.")
    if "loss" in parts and "solution" not in parts and not any(message.learned for message in record.messages):
        yield Fault("VL014", "`loss` is false in every turn, so that nothing of it is learned.")
    if record.rejected is not msgspec.UNSET and record.messages:
        yield from _rejected_faults(record.rejected, record.messages[-1])
    if record.solution is not msgspec.UNSET and not record.solution.strip() and record.references:
        yield Fault("VL005", "the solution is empty, though there are references.")


def _rejected_faults(rejected: Message, chosen: Message) -> Iterator[Fault]:
    if not rejected.answers:
        yield Fault("VL004", f"the rejected answer has the role {rejected.role!r}.")
    elif not rejected.content.strip():
        yield Fault("VL005", "the rejected answer is empty.")
    elif (rejected.role, rejected.content, rejected.thought) == (chosen.role, chosen.content, chosen.thought):
        yield Fault("VL016", "the rejected answer is the chosen one.")
    elif rejected.role == "function_call" and (said := _call_fault(rejected.content)):
        yield Fault("VL028", f"rejected (function_call) {said}.")
    if token := find_control_token(rejected.content):
        yield Fault("VL008", f"the rejected answer holds {token!r}.")


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _call_fault(content: str) -> str:
    try:
        read_calls(content)
    except ToolCallError as error:
        return str(error)
    return ""


def _tools_fault(tools: str) -> str:
    if not tools:
        return ""
    try:
        value = strictjson.loads(tools)
    except strictjson.StrictJsonError as error:
        return f"`tools` is {error}."
    return "" if isinstance(value, list) else "`tools` holds no list."


def videos_fault(record: Record) -> str:
    """Say why LLaMA-Factory (0.9.5) would misread the kept videos of a record, or "".

    It takes the marks of time by the number of the turn and the number of steps of the first video for all: it is right for one video
    in the first question alone.
    """
    if not record.kept_videos:
        return ""
    first = next((message for message in record.messages if message.role == "user"), None)
    if len(record.kept_videos) > 1:
        return f"has {len(record.kept_videos)} videos, of which LLaMA-Factory counts all like the first"
    return "" if first is not None and VIDEO_TAG in first.content else "has its video after the first question, where LLaMA-Factory stops"


_PLAIN_STRINGS = 14  # five keys, two of each of two turns, the values of those, and the id
_encode = msgspec.json.Encoder().encode


def surely_clean(record: Record, line: bytes) -> bool:
    """Tell quickly that `faults(record)` is empty and `line`, from which it was decoded, strict JSON.

    What a typed decode lets pass is a key that stands twice: then the line has more quotes than the strings of the record need. And a tag
    can hide behind an escape of its "<", which the canonical encoding never writes. Lines with either are not settled here.
    """
    messages = record.messages
    if len(messages) != 2 or record.tools is not _UNSET or record.videos is not _UNSET:
        return False
    user, assistant = messages
    question, answer, images = user.content, assistant.content, record.images
    if not (b"\\" in line and _encode(record) == line):  # searching two bytes costs more than encoding the record
        strings = _PLAIN_STRINGS + len(images) + len(record.references) + 2 * len(record.meta)
        if line.count(b'"') != 2 * strings or (b"\\" in line and b"\\u003" in line):
            return False
    # Every "<" of the whole line opens one of the question's image tags: no other tag or token is anywhere.
    if line.count(b"<") != len(images) or question.count(IMAGE_TAG) != len(images):
        return False
    if user.role != "user" or assistant.role != "assistant" or not question or not answer or not record.id:
        return False
    if question.isspace() or answer.isspace() or record.id.isspace():
        return False
    if record.rejected is not _UNSET or record.wanted is not _UNSET or record.solution is not _UNSET:
        return False
    if user.loss is not _UNSET or user.reasoning is not _UNSET or assistant.loss is not _UNSET or assistant.reasoning is not _UNSET:
        return False
    return all(map(_OUR_PATH, images)) if len(images) != 1 else _OUR_PATH(images[0]) is not None
