"""The record: what crosses package boundaries. One frozen struct, one JSON line.

The line is what LLaMA-Factory's sharegpt reader takes as it is: `messages` carry `<image>` where a picture stands, `images` are
paths relative to the folder of `dataset_info.json`, `references` are all accepted answers, `meta` is strings only with the same
keys in every record of a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.gate import refuse_unsafe

Role = Literal["system", "user", "assistant", "function_call", "observation"]

IMAGE_TAG = "<image>"
VIDEO_TAG = "<video>"


class Message(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One turn. `content` holds `<image>` and `<video>` where the media stand.

    `reasoning` (the thought before an answer, "" for none) and `loss` (whether the turn is learned) are absent unless the dataset uses
    them; then every turn of every record has them.
    """

    role: Role
    content: str
    reasoning: str | msgspec.UnsetType = msgspec.UNSET
    loss: bool | msgspec.UnsetType = msgspec.UNSET

    @property
    def thought(self) -> str:
        """The thought before the answer; "" where there is none or the dataset has no such part."""
        return "" if self.reasoning is msgspec.UNSET else self.reasoning

    @property
    def answers(self) -> bool:
        """Whether the model speaks in it."""
        return self.role in ("assistant", "function_call")

    @property
    def learned(self) -> bool:
        """Whether a trainer learns it: an answer, unless its `loss` is false."""
        return self.answers and self.loss is not False


class Record(msgspec.Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """One training or evaluation example.

    What follows `meta` is absent unless the dataset uses it; then every record has it. `rejected` is the answer that the last turn is
    preferred to; `wanted` says whether the last turn is a good answer (KTO); with `solution` the last turn is the user's, and it is what
    a reward compares an answer with (GRPO); an empty one is a question to ask, of which nobody knows the answer.
    """

    id: str
    messages: tuple[Message, ...]
    images: tuple[str, ...]
    references: tuple[str, ...]
    meta: dict[str, str]
    videos: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    tools: str | msgspec.UnsetType = msgspec.UNSET
    rejected: Message | msgspec.UnsetType = msgspec.UNSET
    wanted: bool | msgspec.UnsetType = msgspec.UNSET
    solution: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def kept_videos(self) -> tuple[str, ...]:
        """Paths of the videos that stand in it as videos; none where the dataset has no such column."""
        return () if self.videos is msgspec.UNSET else self.videos

    @property
    def media(self) -> tuple[str, ...]:
        """Paths of all its files: pictures, then videos."""
        return self.images if self.videos is msgspec.UNSET else self.images + self.videos

    @property
    def spoken(self) -> tuple[Message, ...]:
        """Every turn that is written in it: the messages, then the rejected answer."""
        return self.messages if self.rejected is msgspec.UNSET else (*self.messages, self.rejected)


def plain_text(content: str) -> str:
    """The text of a turn without the tags of its media."""
    return content.replace(IMAGE_TAG, "").replace(VIDEO_TAG, "").strip()


_decoder = msgspec.json.Decoder(Record)
_encoder = msgspec.json.Encoder()


def encode_record(record: Record) -> bytes:
    """Encode to the one canonical line of a record, without its line end."""
    return _encoder.encode(record)


def decode_record(line: bytes) -> Record:
    """Decode one line strictly.

    A line equal to its own canonical encoding cannot hold a duplicate key; any other line is parsed a second time by the strict reader.

    Raises:
        vldata.files.strictjson.StrictJsonError: not strict JSON.
        msgspec.ValidationError: JSON, but not a record.
    """
    try:
        record = _decoder.decode(line)
    except msgspec.ValidationError:
        strictjson.loads(line)  # a fault of the JSON itself is the better message
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        strictjson.loads(line)
        raise strictjson.StrictJsonError(str(error)) from None
    if _encoder.encode(record) != line:
        strictjson.loads(line)
    return record


def iter_records(path: Path) -> Iterator[tuple[int, Record]]:
    """Stream `(line number, record)` of one JSON Lines file.

    Raises:
        DataError: at the first line that is not a record, or names a file outside; `vldata validate` lists them all.
    """
    folder = path.parent
    for number, line in strictjson.iter_lines(path):
        try:
            record = decode_record(line)
        except (strictjson.StrictJsonError, msgspec.ValidationError) as error:
            raise DataError(f"not a record: {error}.", where=f"{path}:{number}", cure="Run: vldata validate") from None
        if record.media:
            refuse_unsafe(folder, record.media, f"{path}:{number}")
        yield number, record
