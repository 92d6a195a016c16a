"""What a finished command has to send, kept until all of it is there: an upload that was killed goes on where it was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError
from vldata.files.durable import write_atomic
from vldata.jobs import JobResult

_NAME = "outbox.json"


class ToldResult(msgspec.Struct, frozen=True):
    """What the command has to say when everything is there."""

    ok: bool
    lines: tuple[str, ...]
    asides: tuple[str, ...]
    document: Any


class Outbox(msgspec.Struct, frozen=True):
    """An upload.

    Attributes:
        command: digest of the command that made the files, which alone goes on with it.
        place: the URL of the folder.
        files: what was made or changed, relative to the folder; the registry is not among them.
        removed: what was there before and is to go.
        media: whose pictures and videos must be there: files of media lines; empty: all of the folder.
        entries: what is added to the registry.
        unregister: what goes from it.
        told: the result.
    """

    command: str
    place: str
    files: tuple[str, ...]
    removed: tuple[str, ...]
    media: tuple[str, ...]
    entries: dict[str, dict[str, Any]]
    unregister: tuple[str, ...]
    told: ToldResult


class Resumed(JobResult):
    """A command whose work was done by an earlier run, and whose upload this one has finished: what that one had to say."""

    __slots__ = ("_told",)

    def __init__(self, told: ToldResult) -> None:
        self._told = told

    @property
    def ok(self) -> bool:
        """Whether the earlier run was good."""
        return self._told.ok

    def lines(self) -> tuple[str, ...]:
        """Return the lines of its result."""
        return self._told.lines

    def asides(self) -> tuple[str, ...]:
        """Return its notes."""
        return self._told.asides

    def document(self) -> Any:
        """Return its result as data."""
        return self._told.document


def command_digest(function: str, arguments: Mapping[str, Any]) -> str:
    """Digest of a call as far as it decides what is made."""
    said = {name: repr(value) for name, value in arguments.items() if not callable(value) and name not in ("workers", "fresh")}
    return hashlib.sha256(msgspec.json.encode([function, sorted(said.items())])).hexdigest()


def read_outbox(state: Path) -> Outbox | None:
    """Read what waits to be sent.

    Raises:
        DataError: it is damaged.
    """
    path = state / _NAME
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Outbox)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise DataError("the list of what is to be sent is damaged.", where=str(path), cure="Remove it, and run again.") from None


def write_outbox(state: Path, outbox: Outbox) -> None:
    """Keep what is to be sent, before anything is."""
    write_atomic(state / _NAME, msgspec.json.encode(outbox))


def drop_outbox(state: Path) -> None:
    """Everything is there, or nobody wants it any more."""
    (state / _NAME).unlink(missing_ok=True)


def refuse_other(outbox: Outbox, state: Path) -> DataError:
    """Make the message for a folder in which the upload of another command waits."""
    return DataError(
        "the upload of another command was interrupted here.",
        where=outbox.place,
        cure=f"Repeat that command to finish it, or give it up: rm {state / _NAME}",
    )
