"""The merged tensors on disk: shards written one by one, each durable before the next, so that a merge goes on where it was killed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from vldata.causes import write_error
from vldata.errors import DataError
from vldata.files import inside
from vldata.files.durable import fsync_files, open_to_all, write_atomic
from vldata.models.fingerprint import fingerprint, weights_digest
from vldata.models.layout import INDEX, model_file, weight_files
from vltrain.saving import told_writes

Factors = dict[str, tuple[Any, Any, float]]
_PROGRESS = ".merge.json"


class _Part(msgspec.Struct, frozen=True):
    """A finished shard: its tensors in order, their bytes, how many were merged and into what, and the digest of the file."""

    names: tuple[str, ...]
    bytes: int
    merged: int
    dtype: str
    sha256: str


class _Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What a merge has finished, and what it is a merge of."""

    base: str
    adapter: str
    shard_gb: float
    parts: tuple[_Part, ...] = ()


def write_shards(
    base: Path, adapter: Path, output: Path, factors: Factors, shard_gb: float, say: Callable[[str], None]
) -> tuple[int, int, str]:
    """Stream the base's tensors into shards, adding to those in `factors`. Returns shards, tensors changed, and their type.

    Raises:
        DataError: a factor changes a tensor that the base has not, or the disk is full.
    """
    writer = _Writer(base, adapter, output, factors, shard_gb, say)
    writer.write()
    if writer.left:
        cure = "Give the adapter's own base."
        raise DataError(f"the base has no {next(iter(writer.left))!r}, which the adapter changes.", where=str(base), cure=cure)
    return writer.name_shards()


class _Writer:
    def __init__(self, base: Path, adapter: Path, output: Path, factors: Factors, shard_gb: float, say: Callable[[str], None]) -> None:
        self._base, self._output, self._say = base, output, say
        self.left = dict(factors)
        self._limit = shard_gb * 1e9
        self._progress = _take_up(output, _Progress(base=weights_digest(base), adapter=fingerprint(adapter), shard_gb=shard_gb), say)
        self._held: dict[str, Any] = {}
        self._size = self._merged = 0
        self._dtype = ""

    def write(self) -> None:
        from safetensors import safe_open

        done = {name for part in self._progress.parts for name in part.names}
        for name in done:
            self.left.pop(name, None)
        for file_name in weight_files(self._base):
            with safe_open(model_file(self._base, file_name).checked(), framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 - not a dict
                    if name not in done:
                        self._add(name, file.get_tensor(name))
        self._flush()

    def _add(self, name: str, tensor: Any) -> None:
        if name in self.left:
            up, down, scale = self.left.pop(name)
            self._dtype = str(tensor.dtype).removeprefix("torch.")
            tensor = (tensor.float() + scale * (up.float() @ down.float())).to(tensor.dtype)
            self._merged += 1
        nbytes = tensor.numel() * tensor.element_size()
        if self._size and self._size + nbytes > self._limit:
            self._flush()
        self._held[name] = tensor.contiguous()
        self._size += nbytes

    def _flush(self) -> None:
        """Write the tensors held as one shard: to a temporary file, durable, renamed, and then noted as done."""
        if not self._held:
            return
        from safetensors.torch import save_file

        number = len(self._progress.parts)
        path, beside = self._output / _part_name(number), self._output / f"{_part_name(number)}.tmp"
        try:
            with told_writes(path):
                save_file(self._held, beside, metadata={"format": "pt"})
            open_to_all(beside)
            fsync_files([beside])
            beside.replace(path)
        except OSError as error:
            raise write_error(path, error) from None
        part = _Part(tuple(self._held), self._size, self._merged, self._dtype, _sha256(path))
        self._progress = msgspec.structs.replace(self._progress, parts=(*self._progress.parts, part))
        write_atomic(self._output / _PROGRESS, msgspec.json.encode(self._progress))
        written = f"{self._size / 1e9:.2f} GB" if self._size >= 1e7 else f"{self._size / 1e6:.2f} MB"
        self._say(f"Wrote part {number + 1} ({written}).")
        self._held, self._size, self._merged = {}, 0, 0

    def name_shards(self) -> tuple[int, int, str]:
        """Give the parts their usual names, and write the index where there are several."""
        parts = self._progress.parts
        table: dict[str, str] = {}
        for number, part in enumerate(parts):
            name = "model.safetensors" if len(parts) == 1 else f"model-{number + 1:05}-of-{len(parts):05}.safetensors"
            inside.move(self._output, _part_name(number), name)
            table.update(dict.fromkeys(part.names, name))
        if len(parts) > 1:
            index = {"metadata": {"total_size": sum(part.bytes for part in parts)}, "weight_map": dict(sorted(table.items()))}
            write_atomic(self._output / INDEX, (json.dumps(index, indent=2) + "\n").encode())
        inside.remove(self._output, _PROGRESS)
        dtype = next((part.dtype for part in reversed(parts) if part.dtype), "")
        return len(parts), sum(part.merged for part in parts), dtype


def _part_name(number: int) -> str:
    return f"part-{number:05}.safetensors"


def _take_up(output: Path, wanted: _Progress, say: Callable[[str], None]) -> _Progress:
    """What an interrupted merge of the same has finished and still is there whole; anything else in the folder goes."""
    kept: tuple[_Part, ...] = ()
    try:
        found = msgspec.json.decode((output / _PROGRESS).read_bytes(), type=_Progress)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if found is not None and msgspec.structs.replace(found, parts=()) == wanted:
        for number, part in enumerate(found.parts):
            if _sha256(output / _part_name(number)) != part.sha256:
                break
            kept = found.parts[: number + 1]
    names = {_part_name(number) for number in range(len(kept))}
    for path in output.iterdir():
        if path.name not in names:
            inside.remove_tree(output, path.name) if path.is_dir() and not path.is_symlink() else inside.remove(output, path.name)
    if kept:
        say(f"{len(kept)} parts are taken over from an interrupted merge.")
    return msgspec.structs.replace(wanted, parts=kept)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError:
        return ""
