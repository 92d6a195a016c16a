"""An object store as we use it: find, list, get, put, remove; each with patience, and each refusal in one sentence."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from vldata.errors import DataError, MissingExtraError
from vldata.files.urls import SCHEMES, Url
from vldata.remote.refusals import Changed, code_of, patiently
from vldata.secrets import keep_secret

T = TypeVar("T")

# Where the stores' own tools look for what must not be shown; we read it for nothing else.
_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_CONNECTION_STRING",
            "AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_SECRET", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # fmt: skip


@dataclass(frozen=True)
class StoredObject:
    """What a store says of an object. `mark` changes with its content: an ETag, a generation, a blob id, or a time."""

    size: int
    mark: str


class Store:
    """The store that a URL leads to."""

    def __init__(self, url: Url) -> None:
        self._scheme, self._bucket = url.scheme, url.bucket
        try:
            import fsspec

            import_module(SCHEMES[url.scheme])
        except ImportError:
            raise MissingExtraError(f"{url.scheme}://", "remote") from None
        for name in _SECRETS:
            if value := os.environ.get(name):
                keep_secret(value)
        options = {} if url.scheme == "memory" else {"use_listings_cache": False}
        for library in ("gcsfs", "google", "azure", "huggingface_hub"):  # they tell every attempt; what came of it is told once, by us
            logging.getLogger(library).setLevel(logging.CRITICAL)
        try:
            self._fs: Any = self._patiently(url, lambda: fsspec.filesystem(url.scheme, **options))
        except ValueError as error:
            raise DataError(
                f"the store cannot be opened: no account or no credentials ({type(error).__name__}).",
                where=str(url),
                cure="Give them as the store's own tools take them (az: AZURE_STORAGE_ACCOUNT_NAME and a key, or az login).",
            ) from None

    def find(self, url: Url) -> StoredObject | None:
        """Ask for one object; None where there is none."""

        def ask() -> StoredObject | None:
            with contextlib.suppress(FileNotFoundError):
                info = self._fs.info(url.full)
                return _found(info) if info["type"] == "file" else None
            return None

        found = self._patiently(url, ask)
        if found is None:
            self._refuse_absent_bucket(url)
        return found

    def list(self, url: Url) -> dict[str, StoredObject]:
        """Every object below a folder, by its key; one request a thousand of them."""

        def ask() -> dict[str, StoredObject]:
            try:
                infos = self._fs.find(url.full, detail=True)
            except FileNotFoundError:
                return {}
            return {self._key(name): _found(info) for name, info in infos.items() if info["type"] == "file" and not name.endswith("/")}

        return self._patiently(url, ask)

    def get(self, url: Url, file: Path) -> None:
        """Write an object to a file of this machine. Whether it is whole, the caller looks."""
        self._patiently(url, lambda: self._fs.get_file(url.full, str(file)))

    def put(self, file: Path, url: Url) -> StoredObject:
        """Send a file, a large one in parts; an object of its size is there afterwards.

        Raises:
            DataError: it is not.
        """
        size = file.stat().st_size

        def send() -> StoredObject:
            self._fs.put_file(str(file), url.full)
            found = _found(self._fs.info(url.full))
            if found.size != size:
                raise Changed(f"{found.size:,} of {size:,} bytes are there after sending")
            return found

        return self._patiently(url, send)

    def put_bytes(self, data: bytes, url: Url, before: StoredObject | None) -> bool:
        """Send a small object in place of what was `before` (None: of nothing); False when something else is there meanwhile.

        S3 holds to the condition by itself; other stores are asked right before.
        """
        if self._scheme == "s3":
            condition = {"IfNoneMatch": "*"} if before is None else {"IfMatch": before.mark}
            return self._patiently(url, lambda: self._pipe_if(url, data, condition))
        if self.find(url) != before:
            return False
        self._patiently(url, lambda: self._fs.pipe_file(url.full, data))
        return True

    def read(self, url: Url) -> bytes:
        """Read a small object whole."""
        data: bytes = self._patiently(url, lambda: self._fs.cat_file(url.full))
        return data

    def read_all(self, urls: Sequence[Url], check: Callable[[Sequence[bytes]], None]) -> Sequence[bytes]:
        """Read objects whole, at once; `check` raises `Changed` for what is to be read again.

        Raises:
            DataError: one is not there, or stays other than it should be.
        """

        def ask() -> Sequence[bytes]:
            found = self._fs.cat([url.full for url in urls])
            bodies = [bytes(found[name]) for name in (self._fs._strip_protocol(url.full) for url in urls)]
            check(bodies)
            return bodies

        try:
            return self._patiently(urls[0], ask) if urls else []
        except FileNotFoundError as error:
            where = next((str(url) for url in urls if url.full in str(error)), str(urls[0]))
            raise DataError("no such object.", where=where, cure="It is named, but is not there: was everything uploaded?") from None

    def remove(self, url: Url) -> None:
        """Remove an object; one that is not there is no fault."""

        def ask() -> None:
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(url.full)

        self._patiently(url, ask)

    def _pipe_if(self, url: Url, data: bytes, condition: dict[str, str]) -> bool:
        try:
            self._fs.pipe_file(url.full, data, **condition)
        except OSError as error:
            if isinstance(error, FileExistsError) or code_of(error) in ("PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise
        return True

    def _refuse_absent_bucket(self, url: Url) -> None:
        """Tell an absent bucket from an absent object: the stores answer both with 404."""

        def ask() -> bool:
            try:
                return bool(self._fs.exists(self._bucket)) if self._scheme != "memory" else True
            except FileNotFoundError:
                return False

        if not self._patiently(url, ask):
            what = "repository" if self._scheme == "hf" else "bucket"
            raise DataError(
                f"there is no {what} {self._bucket!r}, or these credentials may not see it.",
                where=str(url),
                cure="Check the name and the account, or make it first.",
            )

    def _key(self, name: str) -> str:
        return name.lstrip("/").removeprefix(f"{self._bucket}/")

    def _patiently(self, url: Url, work: Callable[[], T]) -> T:
        return patiently(work, str(url))


def _found(info: dict[str, Any]) -> StoredObject:
    names = ("ETag", "etag", "generation", "blob_id", "oid", "md5Hash", "created", "LastModified", "last_modified")
    mark = next((str(info[name]) for name in names if info.get(name)), "")
    return StoredObject(int(info["size"] or 0), mark)
