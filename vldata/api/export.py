"""`vldata export`: a dataset in the form another trainer reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from vldata.aliases import stands_for_another
from vldata.api.params import DatasetTarget
from vldata.errors import UsageError
from vldata.exports import FORMATS, find_format
from vldata.files.urls import find_url
from vldata.flags import Flag
from vldata.jobs import JobResult
from vldata.output.folder import DatasetPaths
from vldata.remote.reach import reaches
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.exports.plan import Exported

_ROWS_PER_SHARD = 1000
_FETCH_FIRST = "Paths are relative to the folder: fetch it to a disk, and run what follows inside it."
_TRAINING = ", ".join(name for name, kind in FORMATS.items() if kind.trains)
_SHARDED = " and ".join(name for name, kind in FORMATS.items() if kind.sharded)


@dataclass(frozen=True, repr=False)
class ExportResult(JobResult):
    """What was written; see `vldata.exports.plan.Exported`."""

    exported: Exported

    @property
    def files(self) -> tuple[Path, ...]:
        """The files, data first."""
        return self.exported.files

    @property
    def snippet(self) -> str:
        """The command or code that trains on them."""
        return self.exported.snippet

    def lines(self) -> Iterator[str]:
        """Yield the files, and what trains on them."""
        shown = ", ".join(str(file) for file in self.files[:3]) + (" ..." if len(self.files) > 3 else "")
        yield f"{counted(self.exported.records, 'row')}: {shown}"
        if self.exported.note:
            yield f"Note: {self.exported.note}"
        if self.snippet:
            yield "Train on it:"
            yield self.snippet.rstrip()

    def document(self) -> dict[str, Any]:
        """Return format, files, records and snippet."""
        files = [str(file) for file in self.files]
        return {
            "format": self.exported.format,
            "files": files,
            "records": self.exported.records,
            "snippet": self.snippet,
            "note": self.exported.note,
        }


def _beside(given: Mapping[str, Any]) -> dict[str, str]:
    """The place of an export of a URL's dataset that names none: next to the dataset."""
    url = find_url(given.get("target"))
    return {"out": str(url.parent / "exports" / str(given.get("to")))} if url and given.get("out") is None else {}


@reaches(beside=_beside, target="pictures", out="out")
def export(
    target: DatasetTarget,
    to: Annotated[
        str, Flag("; ".join(f"{name}: {kind.title}" for name, kind in FORMATS.items()) + ".", metavar="FORMAT", complete=FORMATS)
    ],
    *,
    out: Annotated[Path | None, Flag("Folder of the export; by default DIR/exports/FORMAT.", metavar="DIR", show_default=False)] = None,
    images: Annotated[
        Literal["auto", "absolute", "copy", "embed"],
        Flag("Name images where they are, copy them into the export's folder, or embed their bytes; auto: as the format does it."),
    ] = "auto",
    model: Annotated[
        str,
        Flag(
            f"Base model that the training file names, for {_TRAINING}; by default a Qwen3-VL of 4B.", metavar="MODEL", show_default=False
        ),
    ] = "",
    rows_per_shard: Annotated[
        int | None, Flag(f"Records a shard, for {_SHARDED}; by default {_ROWS_PER_SHARD}.", least=1, most=1_000_000_000, show_default=False)
    ] = None,
    push: Annotated[str, Flag("With --to hf: upload to this dataset of the hub, private.", metavar="REPO", show_default=False)] = "",
    public: Annotated[bool, Flag("With --push: let everybody see it.")] = False,
    license: Annotated[str, Flag("With --push: the licence of the source, for the card.", metavar="NAME", show_default=False)] = "",
) -> ExportResult:
    """Write a dataset for another trainer, with the snippet that trains on it.

    Raises:
        UsageError: there is no such format, or it cannot hold what the records have.
        DataError: there are no records, or a file cannot be written.
    """
    from vldata.exports import export as run
    from vldata.exports.plan import ExportPlan

    kind = find_format(to)
    if images != "auto" and images not in kind.images:
        how = "puts the pictures inside" if kind.images == ("embed",) else "names images by path"
        raise UsageError(f"the {to} format {how}.", cure=f"Use --images {' or '.join(kind.images)}, or leave it out.")
    if rows_per_shard is not None and not kind.sharded:
        raise UsageError(f"the {to} format has no shards.", cure=f"--rows-per-shard is for {_SHARDED}; leave it out.")
    if model and not kind.trains:
        raise UsageError(f"the {to} format names no model.", cure=f"--model is for {_TRAINING}; leave it out.")
    if push and to != "hf":
        raise UsageError(f"the {to} format is not uploaded.", cure="Use --to hf --push REPO.")
    if public and not push:
        raise UsageError("--public says who may see an upload.", cure="Add --push REPO, or leave it out.")
    if license and not push:
        raise UsageError("--license is for the card of an upload.", cure="Add --push REPO; or write a card with vldata card.")
    paths = DatasetPaths.at(target)
    folder = paths.out / "exports" / to if out is None else Path(out)
    places = kind.images[0] if images == "auto" else images
    if stands_for_another(folder) and places == "absolute":  # a path of this machine is nothing to whoever reads the bucket
        if images == "absolute":
            raise UsageError("an export in an object store cannot name images by path.", cure="Use --images copy.")
        places = "copy"
    rows = rows_per_shard or _ROWS_PER_SHARD
    plan = ExportPlan(paths, folder, images=places, rows_per_shard=rows, push=push, public=public, license=license, model=model)
    exported = run(to, plan)
    if stands_for_another(folder):
        exported = msgspec.structs.replace(
            exported,
            snippet=exported.snippet.replace(f"{folder}/", "").replace(str(folder), "."),
            note=f"{exported.note} {_FETCH_FIRST}".strip(),
        )
    return ExportResult(exported)
