"""`vldata export`: a dataset in the form another trainer reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from vldata.api.params import DatasetTarget
from vldata.errors import UsageError
from vldata.exports import FORMATS
from vldata.flags import Flag
from vldata.jobs import JobResult
from vldata.output.folder import DatasetPaths
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.exports.plan import Exported

EMBEDDING = ("openai", "parquet")


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
        yield "Train on it:"
        yield self.snippet.rstrip()

    def document(self) -> dict[str, Any]:
        """Return format, files, records and snippet."""
        files = [str(file) for file in self.files]
        return {"format": self.exported.format, "files": files, "records": self.exported.records, "snippet": self.snippet}


def export(
    target: DatasetTarget,
    to: Annotated[str, Flag("; ".join(f"{name}: {kind.title}" for name, kind in FORMATS.items()) + ".", metavar="FORMAT")],
    *,
    out: Annotated[Path | None, Flag("Folder of the export; by default DIR/exports/FORMAT.", metavar="DIR", show_default=False)] = None,
    images: Annotated[
        Literal["auto", "absolute", "copy", "embed"],
        Flag("Name images where they are, copy them beside the export, or embed their bytes (openai, parquet; their default)."),
    ] = "auto",
    rows_per_shard: Annotated[int, Flag("Records a shard, for parquet and webdataset.", least=1, most=1_000_000_000)] = 1000,
    push: Annotated[str, Flag("With --to hf: upload to this dataset of the hub, private.", metavar="REPO", show_default=False)] = "",
    public: Annotated[bool, Flag("With --push: let everybody see it.")] = False,
) -> ExportResult:
    """Write a dataset for another trainer, with the snippet that trains on it.

    Raises:
        UsageError: there is no such format, or it cannot hold what the records have.
        DataError: there are no records, or a file cannot be written.
    """
    from vldata.exports import export as run
    from vldata.exports.plan import ExportPlan

    if images == "embed" and to not in EMBEDDING:
        raise UsageError(f"the {to} format names images by path.", cure="Use --images absolute or copy.")
    if push and to != "hf":
        raise UsageError(f"the {to} format is not uploaded.", cure="Use --to hf --push REPO.")
    if public and not push:
        raise UsageError("--public says who may see an upload.", cure="Add --push REPO, or leave it out.")
    paths = DatasetPaths.at(target)
    places: Literal["absolute", "copy", "embed"] = ("embed" if to in EMBEDDING else "absolute") if images == "auto" else images
    folder = paths.out / "exports" / to if out is None else Path(out)
    return ExportResult(run(to, ExportPlan(paths, folder, images=places, rows_per_shard=rows_per_shard, push=push, public=public)))
