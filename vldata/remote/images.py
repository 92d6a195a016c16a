"""Images and videos of a remote dataset read as they are needed, with no copy on this machine: held to the digest in their name.

A training run reads each image when its sample is made. Objects are fetched by their keys, never listed; a store that is busy is asked
again for a while, a body with other bytes too.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import re
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from vldata.errors import DataError
from vldata.files.gate import UnsafePathError
from vldata.files.urls import Url, find_url, key_fault
from vldata.remote.refusals import Changed
from vldata.remote.store import Store

_BY_CONTENT = re.compile(r"(?:images|videos)/[0-9a-f]{2}/([0-9a-f]{64})\.[a-z0-9]{2,4}").fullmatch
_MOST_ASKED = 64  # objects that a listing lacks and that are asked for one by one: a listing may be stale


class RemoteImage:
    """An image in a store. `open` is that of `vldata.files.gate.SafePath`."""

    def __init__(self, where: Url, data: bytes) -> None:
        self._where, self._data = where, data

    def __str__(self) -> str:
        return str(self._where)

    def open(self) -> BinaryIO:
        """The image as a file."""
        return io.BytesIO(self._data)


def read_images(folder: str, names: Sequence[str]) -> list[RemoteImage]:
    """Read the images of a record, all at once.

    Args:
        folder: the URL of the dataset's folder.
        names: as the record has them.

    Raises:
        UnsafePathError: a name that leads out of the folder.
        DataError: an image is not there, has other bytes than its name says, or the store does not answer.
    """
    root, store = _open(folder, os.getpid())
    urls = [_url(root, name) for name in names]
    bodies = store.read_all(urls, functools.partial(_refuse_other, names))
    return [RemoteImage(url, data) for url, data in zip(urls, bodies, strict=True)]


def missing_images(folder: str, names: Iterable[str]) -> list[str]:
    """Which of the images a folder does not hold: by one listing, and by asking for the first of those it lacks.

    Raises:
        UnsafePathError: a name that leads out of the folder.
    """
    root, store = _open(folder, os.getpid())
    keys = {name: _url(root, name) for name in names}
    tops = {name.partition("/")[0] for name in keys}
    there = {key for top in sorted(tops) for key in store.list(root / top)}
    lost = [name for name, url in keys.items() if url.key not in there]
    return [name for place, name in enumerate(lost) if place >= _MOST_ASKED or store.find(keys[name]) is None]


@functools.lru_cache(maxsize=64)
def _open(folder: str, process: int) -> tuple[Url, Store]:
    """A store for each folder and process: connections do not survive a fork."""
    root = find_url(folder)
    assert root is not None and process
    return root, Store(root)


def _url(root: Url, name: str) -> Url:
    if fault := key_fault(name):
        raise UnsafePathError(f"holds the image {name!r}, which {fault}.", where=str(root), cure="Convert again.")
    return root / name


def _refuse_other(names: Sequence[str], bodies: Sequence[bytes]) -> None:
    for name, data in zip(names, bodies, strict=True):
        digest = _BY_CONTENT(name)
        if digest is None:
            raise DataError("is not named by its content, so what comes cannot be held to be the same.", where=name, cure="Convert again.")
        if hashlib.sha256(data).hexdigest() != digest[1]:
            raise Changed(f"the {len(data):,} bytes of {name} are not those of its name")
