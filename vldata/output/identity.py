"""What decides the bytes of a dataset: settings, annotations, pixel rules, library builds. Two runs with one identity give one result."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vldata.causes import read_error
from vldata.errors import DataError
from vldata.media.pixels import find_processor
from vldata.output.contract import Contract, PixelContract, SourceDigest, read_contract
from vldata.output.dataset_info import read_dataset_info
from vldata.output.folder import DatasetPaths
from vldata.records.draft import Setting, Source, Traits, traits_of
from vldata.version import __version__

if TYPE_CHECKING:
    from vldata.output.options import ConvertOptions


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """The identity of a dataset: every field goes into its contract."""

    name: str
    converter: str
    version: str
    builds: dict[str, str]
    sources: tuple[SourceDigest, ...]
    settings: dict[str, Setting]
    pixels: PixelContract
    columns: tuple[str, ...]
    traits: Traits = Traits()


def make_identity(source: Source, name: str, options: ConvertOptions) -> Identity:
    """Collect the identity of a conversion; reads the annotation files once to hash them."""
    image_format = source.image_format if options.image_format == "auto" else options.image_format
    settings = dict(source.settings)
    settings |= {"limit": options.limit, "repair": options.repair, "shard_size": options.shard_size}
    if options.pages != "first":
        settings["pages"] = options.pages
    if options.ignore:
        settings["ignore"] = ", ".join(sorted(options.ignore))
    return Identity(
        name=name,
        converter=source.converter,
        version=__version__,
        builds=library_builds(options.decoder),
        sources=tuple(_digest(path, source.media_root) for path in source.annotations),
        settings=settings,
        pixels=PixelContract(
            options.processor,
            options.min_pixels,
            options.max_pixels,
            image_format,
            options.quality,
            "grid" if find_processor(options.processor).on_grid else "aspect",
        ),
        columns=source.columns,
        traits=traits_of(source),
    )


def make_fingerprint(identity: Identity) -> bytes:
    """Encode an identity for comparison with an interrupted run's."""
    return msgspec.json.encode(identity)


def library_builds(decoder: str) -> dict[str, str]:
    """Name the builds that decide the bytes of a written picture."""
    from PIL import features

    builds = {"pillow": _version("pillow"), decoder: _version("av" if decoder == "pyav" else decoder)}
    for library in ("libjpeg_turbo", "zlib", "webp"):
        builds[library] = str(features.version(library) or "none")
    return builds


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _digest(path: Path, root: Path) -> SourceDigest:
    try:
        with path.open("rb") as handle:
            sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
        size = path.stat().st_size
    except OSError as error:
        raise read_error(path, error) from None
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return SourceDigest(name, size, sha256)


def refuse_foreign(paths: DatasetPaths, identity: Identity, *, overwrite: bool) -> None:
    """Refuse a NAME that stands for something else already.

    Raises:
        DataError: it is the user's own file or entry, or was made from other inputs or settings and `overwrite` is not set.
    """
    registered = paths.name in read_dataset_info(paths.out)
    present = registered or paths.records.exists() or paths.shards.exists()
    if not present:
        return
    if not paths.contract.exists():
        raise DataError(
            f"{paths.name!r} is there already and was not made by vldata.",
            where=str(paths.out),
            cure="Choose another --name or another --out.",
        )
    if overwrite:
        return
    differing = _differences(read_contract(paths), identity)
    if differing:
        raise DataError(
            f"{paths.name!r} was made with other {', '.join(differing)}.",
            where=str(paths.contract),
            cure="Choose another --name, or replace it with --overwrite.",
        )


def _differences(contract: Contract, identity: Identity) -> list[str]:
    if contract.split is not None:
        return [f"origin (it is one side of a split of {contract.split.parent!r})"]
    found = []
    for field in ("converter", "sources", "columns"):
        if getattr(contract, field) != getattr(identity, field):
            found.append({"sources": "annotations", "columns": "meta columns"}.get(field, field))
    before = {**contract.settings, **msgspec.to_builtins(contract.pixels)}
    now = {**identity.settings, **msgspec.to_builtins(identity.pixels)}
    found += [f"{key} ({before.get(key)!r}, now {now.get(key)!r})" for key in {**before, **now} if before.get(key) != now.get(key)]
    return found
