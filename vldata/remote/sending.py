"""Sending what a command made: pictures first, then records, then contracts, and the registry last, when all the rest was seen to be there.

Nobody who reads by the registry sees half of a dataset. One that replaces another is not registered while its files are exchanged.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vldata.datasets.derive import read_media
from vldata.errors import DataError
from vldata.files import inside, strictjson
from vldata.files.gate import below
from vldata.files.urls import Url
from vldata.output.folder import DATASET_INFO, IMAGES_DIR, STATE_DIR, VIDEOS_DIR, DatasetPaths
from vldata.remote.mirror import AT_ONCE, Mirror
from vldata.remote.outbox import Outbox
from vldata.remote.store import StoredObject
from vldata.wording import counted

_FEW = 3  # names in a folder up to which each is asked for by itself
_TRIES = 8
_MEDIA_END = ".media.jsonl"
_LAST = (".contract.json", ".mds/index.json")  # what a reader begins with

Snapshot = dict[str, tuple[int, int, int]]


def snapshot(folder: Path) -> Snapshot:
    """Size, time and inode of every file of a folder, but for pictures and state."""
    found: Snapshot = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        parts = path.relative_to(folder).parts
        if parts[0] in (IMAGES_DIR, VIDEOS_DIR) or STATE_DIR in parts or path.name.endswith((".lock", ".part", ".tmp")):
            continue
        if path.is_file() and not path.is_symlink():
            stat = path.stat()
            found["/".join(parts)] = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    return found


def send(mirror: Mirror, out: Url, outbox: Outbox, tell: Callable[[str], None]) -> None:
    """Send everything of an outbox, in the order that keeps the folder whole.

    Raises:
        DataError: the store refuses, or a file here is not what its name says.
    """
    sender = _Sender(mirror, out, tell)
    media = _media_of(mirror.path(out), outbox.media)  # by name, with their bytes
    sender.send_media(media)
    registered = sender.registry()[0]
    if replaced := [name for name in outbox.entries if name in registered]:
        sender.merge({}, tuple(replaced))
    last = [name for name in outbox.files if name.endswith(_LAST)]
    sender.send_files([name for name in outbox.files if name not in last])
    sender.send_files(last)
    if absent := sender.absent(media):
        raise DataError(
            f"{counted(len(absent), 'picture')} of {len(media):,} are not there after sending, the first is {absent[0]}.",
            where=str(out),
            cure="The store lost them, or somebody removes them: run the same command again.",
        )
    if outbox.entries or outbox.unregister:
        sender.merge(outbox.entries, outbox.unregister)
    for name in outbox.removed:
        mirror.store.remove(out / name)
    tell(f"Sent {counted(sender.sent, 'object')}, {sender.bytes / 2**20:,.1f} MiB, to {out}.")


def refuse_foreign(mirror: Mirror, out: Url, outbox: Outbox, registered: Mapping[str, Any]) -> None:
    """Refuse to send over what is there under the names of a new dataset and is registered by nobody.

    Raises:
        DataError: something does.
    """
    for name in outbox.entries:
        if name in registered:
            continue
        paths = DatasetPaths(mirror.path(out), name)
        for file in outbox.files:
            if paths.owns(file) and mirror.store.find(out / file) is not None:
                raise DataError(
                    "is there already, and no registry names it.",
                    where=str(out / file),
                    cure="Choose another name, or remove it: it is somebody's own, or of an upload that another machine has not finished.",
                )


class _Sender:
    def __init__(self, mirror: Mirror, out: Url, tell: Callable[[str], None]) -> None:
        self._mirror, self._out, self._tell = mirror, out, tell
        self._folder = mirror.path(out)
        self.sent = self.bytes = 0

    def send_media(self, media: Mapping[str, int]) -> None:
        """Send the pictures that are not there."""
        wanted = self.absent(media)
        if wanted:
            self._tell(f"Sending {len(wanted):,} pictures to {self._out} ({len(media) - len(wanted):,} are there already).")
        self._each(wanted, self._send_medium)

    def send_files(self, names: Sequence[str]) -> None:
        """Send files that are named, whatever is there."""
        for name, found in self._each(names, self._send_file):
            self._mirror.note_sent((self._out / name).key, found)

    def absent(self, media: Mapping[str, int]) -> list[str]:
        """The pictures that are not there with their size: by a listing of each folder that holds many of them."""
        folders: dict[str, list[str]] = defaultdict(list)
        for name in media:
            folders[name.rpartition("/")[0]].append(name)
        store, absent = self._mirror.store, []
        for folder, those in folders.items():
            listed = store.list(self._out / folder) if len(those) > _FEW else {}
            for name in those:
                url = self._out / name
                found = listed.get(url.key) or store.find(url)  # a listing may be old: what it does not hold is asked for
                if found is None or found.size != media[name]:
                    absent.append(name)
        return absent

    def registry(self) -> tuple[dict[str, Any], StoredObject | None]:
        """The registry as it is there, and what the store says of it."""
        url = self._out / DATASET_INFO
        for _ in range(_TRIES):
            found = self._mirror.store.find(url)
            if found is None:
                return {}, None
            data = self._mirror.store.read(url)
            if self._mirror.store.find(url) == found:
                try:
                    table = strictjson.loads(data)
                except strictjson.StrictJsonError as error:
                    raise DataError(f"is no registry: {error}.", where=str(url), cure="Repair it, or choose another --out.") from None
                if isinstance(table, dict):
                    return table, found
                raise DataError("is not a table of datasets.", where=str(url), cure="Repair it, or choose another --out.")
        raise DataError("changes all the time.", where=str(url), cure="See who writes it, then run the same command again.")

    def merge(self, entries: dict[str, dict[str, Any]], unregister: tuple[str, ...]) -> None:
        """Change the registry there; whoever changed it meanwhile is not overwritten."""
        url = self._out / DATASET_INFO
        for _ in range(_TRIES):
            table, found = self.registry()
            merged = {name: entry for name, entry in table.items() if name not in unregister} | entries
            if merged == table:
                return
            content = json.dumps(merged, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
            if self._mirror.store.put_bytes(content.encode("ascii"), url, found):
                self.sent, self.bytes = self.sent + 1, self.bytes + len(content)
                return
        raise DataError("changes all the time.", where=str(url), cure="See who writes it, then run the same command again.")

    def _send_medium(self, name: str) -> StoredObject:
        with below(self._folder, name).open() as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        stem = name.rpartition("/")[2].partition(".")[0]
        if len(stem) == 64 and digest != stem:
            raise DataError(
                "its bytes are not those of its name.", where=str(self._folder / name), cure="Remove it, and run the command again."
            )
        return self._send_file(name)

    def _send_file(self, name: str) -> StoredObject:
        file = below(self._folder, name).checked()
        return self._mirror.store.put(file, self._out / name)

    def _each(self, names: Sequence[str], work: Callable[[str], StoredObject]) -> list[tuple[str, StoredObject]]:
        done = []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            jobs = [pool.submit(work, name) for name in names]
            try:
                for name, job in zip(names, jobs, strict=True):
                    found = job.result()
                    self.sent, self.bytes = self.sent + 1, self.bytes + found.size
                    done.append((name, found))
            except BaseException:  # Ctrl-C too must not wait for what is on its way
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return done


def _media_of(folder: Path, lines: Sequence[str]) -> dict[str, int]:
    """The pictures and videos that media files name, with their bytes; without any, all of the folder."""
    if lines:
        named: dict[str, int] = {}
        for name in lines:
            named |= {path: line.bytes for path, line in read_media(DatasetPaths(folder, name.removesuffix(_MEDIA_END))).items()}
        return named
    found = [path for kind in (IMAGES_DIR, VIDEOS_DIR) if inside.is_folder(folder, kind) for path in (folder / kind).rglob("*")]
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in sorted(found) if path.is_file()}
