"""The passport: one JSON file that holds the digest of every file behind a result, to publish with it and to check it by."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.durable import write_atomic
from vldata.files.gate import below
from vldata.passports.layers import ChainFault, Layer, OnFile, digest_of, open_layer
from vldata.version import __version__


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One layer: what it is, where it was seen from the passport, and the SHA-256 of each of its files."""

    kind: str
    at: str
    files: dict[str, str]


class Passport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    schema: Literal["vlkit.passport/1"] = "vlkit.passport/1"
    version: str
    layers: tuple[Page, ...]


def write_passport(path: Path, layers: list[Layer]) -> None:
    """Write the passport of layers; places are relative to it, so that all may move together.

    Raises:
        DataError: the file cannot be written.
    """
    root = path.absolute().parent
    pages = tuple(
        Page(layer.kind, os.path.relpath(Path(layer.at).absolute(), root), dict(sorted(layer.digests.items()))) for layer in layers
    )
    passport = Passport(version=__version__, layers=pages)
    write_atomic(path, msgspec.json.format(msgspec.json.encode(passport), indent=2) + b"\n")


def read_passport(path: Path) -> Passport | None:
    """Read a passport; None for a file that is none.

    Raises:
        DataError: it says that it is one and cannot be read.
    """
    if not path.is_file() or path.suffix != ".json" or b'"vlkit.passport/' not in strictjson.read_head(path, 4_096):
        return None
    try:
        return msgspec.json.decode(strictjson.read_bytes(path), type=Passport)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DataError(f"is no passport: {error}.", where=str(path), cure="Fetch it again.") from None


def _changed(page: Page, place: Path, on_file: OnFile) -> Iterator[ChainFault]:
    """Yield the files of a layer that cannot be opened as one: those that are gone or changed."""
    root = place if page.kind in ("model", "adapter", "merged") else place.parent
    for name, known in page.files.items():
        try:
            now = digest_of(below(root, name, str(place)).checked(), on_file)
        except DataError as error:
            yield ChainFault(f"{place}: {name}", error.what)
            continue
        if now != known:
            yield ChainFault(f"{place}: {name}", f"has changed: {known[:12]} in the passport, here {now[:12]}.")


def hold(passport: Passport, path: Path, on_file: OnFile) -> Iterator[tuple[Layer, list[ChainFault]]]:
    """Open every layer a passport names, and yield it with what has changed since; a layer that is not there has one fault."""
    for page in passport.layers:
        if fault := _place_fault(page.at):
            yield Layer(kind=page.kind, at=repr(page.at)), [ChainFault(repr(page.at), f"{fault}: nothing of it is read.")]
            continue
        place = path.absolute().parent / page.at
        try:
            layer = open_layer(place, on_file)
        except DataError as error:
            yield Layer(kind=page.kind, at=str(place)), [ChainFault(error.where or str(place), error.what), *_changed(page, place, on_file)]
            continue
        faults = list(layer.faults)
        for name, known in page.files.items():
            now = layer.digests.get(name)
            if now is None and not any(fault.where == name for fault in faults):
                faults.append(ChainFault(f"{place}: {name}", "is not there."))
            elif now is not None and now != known:
                faults.append(ChainFault(f"{place}: {name}", f"has changed: {known[:12]} in the passport, here {now[:12]}."))
        faults += [ChainFault(f"{place}: {name}", "is not in the passport.") for name in layer.digests if name not in page.files]
        yield layer, faults


def _place_fault(at: str) -> str:
    """Why a place cannot be one that `write_passport` wrote: it may climb, as results and data are side by side, but it starts here."""
    if not at or not at.isprintable():
        return "is no path"
    return "is not relative to the passport" if Path(at).is_absolute() or at.startswith("~") or "\\" in at else ""
