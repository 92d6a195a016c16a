"""Addresses in object stores: `s3://bucket/key`, `gs://`, `az://`, `hf://datasets/owner/name/path`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from vldata.errors import UsageError
from vldata.files.paths import path_fault

# The package that fsspec opens each scheme with.
SCHEMES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "hf": "huggingface_hub", "memory": "fsspec"}
_URL = re.compile(rf"({'|'.join(SCHEMES)}):/{{1,2}}(?!/)(.*)", re.DOTALL)  # a Path keeps one of the two strokes
_LONGEST_PART = 255


@dataclass(frozen=True)
class Url:
    """An object, or what begins with its key. `bucket` of the hub is `datasets/owner/name`, with its revision."""

    scheme: str
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.full}"

    @property
    def full(self) -> str:
        """Bucket and key, as fsspec takes them."""
        return f"{self.bucket}/{self.key}" if self.key else self.bucket

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> Url:
        """The folder it is in."""
        return Url(self.scheme, self.bucket, self.key.rpartition("/")[0])

    def __truediv__(self, name: str) -> Url:
        return Url(self.scheme, self.bucket, f"{self.key}/{name}" if self.key else name)


def find_url(value: Any) -> Url | None:
    """Read a URL of an object store; None for what is none.

    Raises:
        UsageError: it is one, but names no bucket, holds credentials, or has a key that is no plain path.
    """
    if not isinstance(value, str | PurePath) or (found := _URL.fullmatch(str(value))) is None:
        return None
    scheme, rest = found.groups()
    parts = [part for part in rest.rstrip("/").split("/")]
    if scheme != "hf" and any(sign in parts[0] for sign in "@:"):
        raise UsageError(
            f"the {scheme} address holds credentials.",
            cure="Give them where the store's own tools look (a profile, the environment), and the address without.",
        )
    long = 3 if scheme == "hf" else 1
    if len(parts) < long or not all(parts[:long]) or (scheme == "hf" and parts[0] not in ("datasets", "models", "spaces")):
        example = "hf://datasets/owner/name" if scheme == "hf" else f"{scheme}://bucket/folder"
        raise UsageError(f"{str(value)!r} names no {'repository' if scheme == 'hf' else 'bucket'}.", cure=f"For example: {example}")
    bucket, key = "/".join(parts[:long]), "/".join(parts[long:])
    if fault := key_fault(key) if key else path_fault(bucket):
        raise UsageError(f"{str(value)!r} {fault}.", cure="Give the address without it.")
    return Url(scheme, bucket, key)


def key_fault(key: str) -> str:
    """Say why a key cannot be a path below a folder of this machine, or "" for one that can."""
    if fault := path_fault(key):
        return fault
    if any(len(part.encode()) > _LONGEST_PART for part in key.split("/")):
        return f"has a part of more than {_LONGEST_PART} bytes"
    return ""


def holds_url(value: Any) -> bool:
    """Whether an argument is a URL of an object store, or a list with one, or DIR/NAME=WEIGHT of one."""
    if isinstance(value, Sequence | Mapping) and not isinstance(value, str | bytes):
        return len(value) < 1_000 and any(find_url(one) is not None for one in value)
    return find_url(value) is not None


def refuse_urls(given: Mapping[str, Any]) -> None:
    """Refuse a URL where a command knows only files.

    Raises:
        UsageError: it names the option.
    """
    for name, value in given.items():
        if holds_url(value):
            raise UsageError(f"{name} takes no URL of a store: {str(value)!r}.", cure="Give a file or folder of this machine.")
