"""Objects kept on this machine: fetched once, and again only when the store says that they are others.

A tree holds the objects of a bucket below their keys; an index next to it knows what each file was when it was fetched. Commands that read
have one tree, commands that write another, so that an upload that waits to be finished is never read as if it were there.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from vldata.aliases import call_it
from vldata.causes import write_error
from vldata.errors import DataError
from vldata.files import inside
from vldata.files.gate import UnsafePathError
from vldata.files.urls import Url, key_fault
from vldata.remote.refusals import Changed, patiently
from vldata.remote.store import Store, StoredObject

AT_ONCE = 16
_MD5 = re.compile(r'"?([0-9a-f]{32})"?').fullmatch
_BY_CONTENT = re.compile(r"(?:.*/)?(?:images|videos)/[0-9a-f]{2}/([0-9a-f]{64})\.[a-z0-9]{2,4}").fullmatch
_SPARE_BYTES = 256 * 2**20


def cache_root() -> Path:
    """Where objects are kept: `$XDG_CACHE_HOME/vlkit/remote`, by default below ~/.cache."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".cache") / "vlkit" / "remote"


class Mirror:
    """The objects of one bucket on this machine."""

    def __init__(self, url: Url, use: Literal["read", "work"], tell: Callable[[str], None]) -> None:
        base = cache_root() / use / url.scheme
        name = url.bucket.replace("/", "--")
        self.tree = base / name
        self.state = base / f".{name}"
        self.store = Store(url)
        self._bucket = Url(url.scheme, url.bucket, "")
        self._tell = tell
        self._fetched: dict[str, tuple[int, int, int]] = {}
        for folder in (self.tree, self.state):
            inside.make_folder(folder.parent, folder.name)
        call_it(self.tree, str(self._bucket))
        self._index = sqlite3.connect(self.state / "index.sqlite", timeout=60, isolation_level=None)
        self._index.execute("CREATE TABLE IF NOT EXISTS objects (key TEXT PRIMARY KEY, mark TEXT, size INTEGER, mtime_ns INTEGER)")

    def path(self, url: Url) -> Path:
        """Where an object of the bucket is on this machine."""
        return self.tree / url.key if url.key else self.tree

    def fetch(self, objects: Mapping[str, StoredObject | None], *, where: str) -> None:
        """Fetch objects by their keys; those that are here as they are in the store are left.

        Args:
            objects: key and what the store says of it; None for one named by its content, which nobody need ask about.
            where: which file or folder names them, for messages.

        Raises:
            UnsafePathError: a key would lead out of the tree, or two cannot be next to each other.
            DataError: one cannot be fetched, changes while it is, or is not what its name says.
        """
        for key in objects:
            if fault := key_fault(key):
                raise UnsafePathError(
                    f"holds the object {key!r}, which {fault}.",
                    where=where,
                    cure="Nothing is fetched: rename it in the store.",
                )
        wanted = {key: found for key, found in objects.items() if not self._is_here(key, found)}
        self._refuse_full(sum(found.size for found in wanted.values() if found), where)
        if len(wanted) > AT_ONCE:
            self._tell(f"Fetching {len(wanted):,} objects of {where} ({len(objects) - len(wanted):,} are here already).")
        cancelled = threading.Event()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            jobs = [pool.submit(self._get, key, found, cancelled) for key, found in wanted.items()]
            try:
                for job in jobs:
                    self._note(*job.result())
            except BaseException:  # Ctrl-C too must not wait for what is on its way
                cancelled.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        for key in objects:
            self._fetched[key] = self._look(key)

    def note_sent(self, key: str, found: StoredObject) -> None:
        """Remember that a file is what the store holds now."""
        self._note(key, found.mark, *self._look(key)[:2])

    def refuse_changed(self) -> None:
        """Hold the files that were fetched to be the same still: another command may have fetched newer ones meanwhile.

        Raises:
            DataError: one is another now, so that what was read may be of two states.
        """
        for key, before in self._fetched.items():
            if not _BY_CONTENT(key) and self._look(key) != before:
                raise DataError(
                    "changed in the store while it was read, and another command fetched it anew.",
                    where=str(self._bucket / key),
                    cure="Run the same command again.",
                )

    def _look(self, key: str) -> tuple[int, int, int]:
        try:
            stat = (self.tree / key).stat(follow_symlinks=False)
        except OSError:
            return -1, -1, -1
        return stat.st_size, stat.st_mtime_ns, stat.st_ino

    def _is_here(self, key: str, found: StoredObject | None) -> bool:
        row = self._index.execute("SELECT mark, size, mtime_ns FROM objects WHERE key = ?", (key,)).fetchone()
        if row is None or (row[1], row[2]) != self._look(key)[:2]:
            return False
        if found is None:
            return _BY_CONTENT(key) is not None
        return bool(found.mark) and (row[0], row[1]) == (found.mark, found.size)

    def _note(self, key: str, mark: str, size: int, mtime_ns: int) -> None:
        self._index.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", (key, mark, size, mtime_ns))

    def _get(self, key: str, found: StoredObject | None, cancelled: threading.Event) -> tuple[str, str, int, int]:
        """Fetch one object next to its place, look whether it is whole, and put it there."""
        url = self._bucket / key
        with inside.parent(self.tree, key, make=True) as (folder, last):
            part = f".{hashlib.sha256(last.encode()).hexdigest()[:16]}.{os.getpid()}.{threading.get_ident()}.part"
            beside = Path(f"/proc/self/fd/{folder}/{part}") if Path("/proc/self/fd").is_dir() else (self.tree / key).with_name(part)
            try:
                mark = patiently(lambda: self._get_whole(url, beside, found, cancelled), str(url))
                size, mtime_ns = beside.stat().st_size, beside.stat().st_mtime_ns
                os.rename(part, last, src_dir_fd=folder, dst_dir_fd=folder)
            except FileNotFoundError:
                raise DataError("no such object.", where=str(url), cure="It is named, but is not there: was everything uploaded?") from None
            except (IsADirectoryError, NotADirectoryError):
                raise UnsafePathError("is an object and a folder at once.", where=str(url), cure="Rename one in the store.") from None
            except OSError as error:
                raise write_error(self.tree / key, error) from None
            finally:
                beside.unlink(missing_ok=True)
        return key, mark, size, mtime_ns

    def _get_whole(self, url: Url, file: Path, found: StoredObject | None, cancelled: threading.Event) -> str:
        """Fetch, and hold what came to the size, and to the digest or to the mark that the store told."""
        if cancelled.is_set():
            raise DataError("was not fetched.", where=str(url))
        self.store.get(url, file)
        size = file.stat().st_size
        if named := _BY_CONTENT(url.key):
            if _digest(file, "sha256") != named[1]:
                raise Changed(f"its {size:,} bytes are not those of its name")
            return found.mark if found else named[1]
        before = found or self.store.find(url)
        if before is None:
            raise FileNotFoundError
        if size != before.size:
            raise Changed(f"{size:,} of {before.size:,} bytes came")
        if (md5 := _MD5(before.mark)) and _digest(file, "md5") == md5[1]:
            return before.mark
        if (after := self.store.find(url)) != before:
            raise Changed("it changed while it was fetched" if after else "it was removed while it was fetched")
        return before.mark

    def _refuse_full(self, size: int, where: str) -> None:
        free = shutil.disk_usage(self.tree).free
        if size + _SPARE_BYTES > free:
            raise DataError(
                f"{size:,} bytes are to be fetched, and {free:,} are free where they are kept.",
                where=where,
                cure=f"Free space, or keep them elsewhere: set XDG_CACHE_HOME (now {cache_root()}).",
            )


def _digest(file: Path, kind: str) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
