"""Staging: what a running conversion has finished, part by part, so that an interrupted one goes on where it stopped.

A part is four files of lines and a marker that is written last, after the part and its pictures are durable. A part without its
marker never happened.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from vldata.causes import write_error
from vldata.errors import DataError
from vldata.files.durable import fsync_dir, fsync_files, open_durable, write_atomic
from vldata.media.refs import BytesRef, MediaRef, Rendering
from vldata.output.folder import DatasetPaths

KINDS = ("records", "rejects", "repairs", "renders")


class RenderLine(msgspec.Struct, frozen=True):
    """One rendered reference: its key, what became of it, and the source file as it was then."""

    key: str
    rendering: Rendering
    path: str
    bytes: int
    mtime_ns: int


class Marker(msgspec.Struct, frozen=True):
    """What a finished part holds. `kinds` is one character a record (see `vldata.output.spreading`); `annotations` were read for it."""

    annotations: int
    kinds: str
    rejects: int
    repairs: int


class Stage(msgspec.Struct, frozen=True):
    """The staging folder of one dataset."""

    paths: DatasetPaths

    def file(self, number: int, kind: str) -> Path:
        """Path of one file of part `number`."""
        return self.paths.staging / f"{number:06d}.{kind}"

    def markers(self) -> list[Marker]:
        """Markers of the finished parts, from the first to the last without a gap."""
        found: list[Marker] = []
        while (path := self.file(len(found), "done")).is_file():
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Marker))
            except msgspec.DecodeError:
                break
        return found

    def lines(self, number: int, kind: str) -> Iterator[bytes]:
        """Yield the lines of one file of a finished part, without line ends."""
        with self.file(number, kind).open("rb") as handle:
            for line in handle:
                yield line.rstrip(b"\n")

    def renders(self, number: int) -> Iterator[RenderLine]:
        """Yield what a finished part rendered.

        Raises:
            DataError: a source file has changed since.
        """
        for line in self.lines(number, "renders"):
            render = msgspec.json.decode(line, type=RenderLine)
            if render.path and file_state(render.path) != (render.bytes, render.mtime_ns):
                raise DataError(
                    "changed since the interrupted conversion read it.",
                    where=render.path,
                    cure="Start over with --fresh.",
                )
            yield render

    def write_part(self, number: int, marker: Marker, lines: dict[str, list[bytes]], pictures: list[Path]) -> None:
        """Make a part durable: pictures, then its lines, then the marker."""
        fsync_files(pictures)
        for folder in {picture.parent for picture in pictures}:
            fsync_dir(folder)
        for kind in KINDS:
            with open_durable(self.file(number, kind)) as handle:
                handle.writelines(line + b"\n" for line in lines[kind])
        write_atomic(self.file(number, "done"), msgspec.json.encode(marker))


def open_stage(paths: DatasetPaths, fingerprint: bytes, *, fresh: bool) -> Stage:
    """Open the staging folder for a conversion with this fingerprint; an interrupted one with the same goes on.

    Raises:
        DataError: what is staged came from other settings or sources.
    """
    state = paths.state / "conversion.json"
    try:
        if fresh:
            shutil.rmtree(paths.staging, ignore_errors=True)
            state.unlink(missing_ok=True)
        if state.is_file() and paths.staging.is_dir():
            if state.read_bytes() != fingerprint:
                raise DataError(
                    f"an interrupted conversion of {paths.name!r} was made from other settings or sources.",
                    where=str(paths.state),
                    cure="Repeat its command to finish it, or discard it with --fresh.",
                )
        else:
            shutil.rmtree(paths.staging, ignore_errors=True)
        shutil.rmtree(paths.state / "tmp", ignore_errors=True)
        (paths.state / "tmp").mkdir(parents=True)
        paths.staging.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(paths.state, error) from None
    if not state.is_file():
        write_atomic(state, fingerprint)
    return Stage(paths)


def ref_key(ref: MediaRef) -> str:
    """Name a reference by a digest; bytes by their content alone."""
    if isinstance(ref, BytesRef):
        return hashlib.blake2b(ref.data, digest_size=16, person=b"bytes").hexdigest()
    return hashlib.blake2b(msgspec.msgpack.encode(ref), digest_size=16).hexdigest()


def file_state(path: str) -> tuple[int, int]:
    """Size and mtime of a source file, (-1, -1) for one that is not there."""
    try:
        stat = Path(path).stat()
    except OSError:
        return -1, -1
    return stat.st_size, stat.st_mtime_ns
