"""Staging: what a running conversion has finished, part by part, so that an interrupted one goes on where it stopped.

A part is four files of lines and a marker that is written last, after the part and its pictures are durable. A part without its marker
never happened; nor did one whose files or pictures are no longer what the marker says, and what came after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from vldata.causes import read_error, write_error
from vldata.errors import DataError
from vldata.files import inside
from vldata.files.durable import fsync_dir, fsync_files, open_durable, write_atomic
from vldata.media.refs import BytesRef, Kept, MediaRef, Rendered, Rendering
from vldata.output.folder import DatasetPaths

KINDS = ("records", "rejects", "repairs", "renders")


class FileState(NamedTuple):
    """What tells that nobody wrote to a file since: size and times; -1 for one that is not there."""

    bytes: int
    mtime_ns: int
    ctime_ns: int


class RenderLine(msgspec.Struct, frozen=True):
    """One rendered reference: its key, what became of it, the source file as it was then, and each written file as it was then."""

    key: str
    rendering: Rendering
    path: str
    bytes: int
    mtime_ns: int
    written: tuple[FileState, ...] = ()


class Marker(msgspec.Struct, frozen=True):
    """What a finished part holds. `kinds` is one character a record (see `vldata.output.spreading`); `annotations` were read for it.

    `drafts` is the digest of what was read, `digests` those of the four files.
    """

    annotations: int
    kinds: str
    rejects: int
    repairs: int
    drafts: str
    digests: tuple[str, ...]


class Stage(msgspec.Struct, frozen=True):
    """The staging folder of one dataset."""

    paths: DatasetPaths

    def file(self, number: int, kind: str) -> Path:
        """Path of one file of part `number`."""
        return self.paths.staging / f"{number:06d}.{kind}"

    def markers(self) -> list[Marker]:
        """Markers of the finished parts, from the first to the last that is whole with all before it."""
        found: list[Marker] = []
        while (marker := self._marker(len(found))) is not None:
            found.append(marker)
        return found

    def _marker(self, number: int) -> Marker | None:
        """The marker of a part, None where the part is not there, not whole, or its pictures are not."""
        try:
            marker = msgspec.json.decode(self.file(number, "done").read_bytes(), type=Marker)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        for kind, digest in zip(KINDS, marker.digests, strict=False):
            if _file_digest(self.file(number, kind)) != digest:
                return None
        return marker if len(marker.digests) == len(KINDS) and all(map(self._is_whole, self._renders(number))) else None

    def _is_whole(self, line: RenderLine) -> bool:
        """Whether what a reference was rendered to still is there: untouched since, or with the digest in its name."""
        for (path, sha256), state in zip(written_files(self.paths, line.rendering), line.written, strict=True):
            if state != written_state(path) and _file_digest(path) != sha256:
                return False
        return True

    def lines(self, number: int, kind: str) -> Iterator[bytes]:
        """Yield the lines of one file of a finished part, without line ends."""
        path = self.file(number, kind)
        try:
            with path.open("rb") as handle:
                for line in handle:
                    yield line.rstrip(b"\n")
        except OSError as error:
            raise read_error(path, error) from None

    def _renders(self, number: int) -> Iterator[RenderLine]:
        decoder = msgspec.json.Decoder(RenderLine)
        return (decoder.decode(line) for line in self.lines(number, "renders"))

    def renders(self, number: int) -> Iterator[RenderLine]:
        """Yield what a finished part rendered.

        Raises:
            DataError: a source file has changed since.
        """
        for render in self._renders(number):
            if render.path and file_state(render.path) != (render.bytes, render.mtime_ns):
                raise source_changed(render.path)
            yield render

    def write_part(
        self, number: int, lines: dict[str, list[bytes]], pictures: list[Path], *, annotations: int, kinds: str, drafts: str
    ) -> Marker:
        """Make a part durable: pictures, then its lines, then the marker."""
        fsync_files(pictures)
        for folder in {picture.parent for picture in pictures}:
            fsync_dir(folder)
        digests = []
        for kind in KINDS:
            content = b"\n".join([*lines[kind], b""])
            digests.append(hashlib.sha256(content).hexdigest())
            with open_durable(self.file(number, kind)) as handle:
                handle.write(content)
        marker = Marker(annotations, kinds, len(lines["rejects"]), len(lines["repairs"]), drafts, tuple(digests))
        write_atomic(self.file(number, "done"), msgspec.json.encode(marker))
        return marker


def open_stage(paths: DatasetPaths, fingerprint: bytes, *, fresh: bool) -> Stage:
    """Open the staging folder for a conversion with this fingerprint; an interrupted one with the same goes on.

    Raises:
        DataError: what is staged came from other settings or sources.
    """
    out, state = paths.out, paths.state / "conversion.json"
    staging, tmp = (path.relative_to(out).as_posix() for path in (paths.staging, paths.state / "tmp"))
    try:
        before = b"" if fresh or not state.is_file() else state.read_bytes()
        if not _is_fingerprint(before) or not paths.staging.is_dir():  # none, or one that a crash of the machine tore: nothing to go by
            inside.remove_tree(out, staging)
            inside.remove(out, state.relative_to(out).as_posix())
            before = b""
        if before and before != fingerprint:
            raise DataError(
                f"an interrupted conversion of {paths.name!r} was made from other settings or sources.",
                where=str(paths.state),
                cure="Repeat its command to finish it, or discard it with --fresh.",
            )
        inside.remove_tree(out, tmp)
        for folder in (tmp, staging):
            inside.make_folder(out, folder)
    except OSError as error:
        raise write_error(paths.state, error) from None
    if not before:
        write_atomic(state, fingerprint)
    return Stage(paths)


def _is_fingerprint(content: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(content), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def source_changed(where: str) -> DataError:
    """Make the message for a source that is no longer what an interrupted conversion read: its parts would not go together."""
    return DataError("changed since the interrupted conversion read it.", where=where, cure="Start over with --fresh.")


def written_files(paths: DatasetPaths, rendering: Rendering) -> list[tuple[Path, str]]:
    """The files a reference was rendered to, with the digests of their bytes."""
    if isinstance(rendering, Rendered):
        return [(paths.images / picture.name, picture.sha256) for picture in rendering.pictures]
    if isinstance(rendering, Kept):
        return [(paths.videos / rendering.video.name, rendering.video.sha256)]
    return []


def written_state(path: Path) -> FileState:
    """The state of a written file."""
    try:
        stat = path.stat(follow_symlinks=False)
    except OSError:
        return FileState(-1, -1, -1)
    return FileState(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


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


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError:
        return ""
