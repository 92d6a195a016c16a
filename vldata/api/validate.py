"""`vldata validate`: every rule over every dataset of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from vldata.api.params import OnProgress, TimeoutS, Workers
from vldata.flags import Arg, Flag
from vldata.jobs import JobResult
from vldata.media.engines import Engine, RayAddress
from vldata.output.dataset_info import read_dataset_info
from vldata.output.folder import DATASET_INFO, DatasetPaths, Target
from vldata.remote.reach import reaches
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.records.findings import FindingList
    from vldata.validation import ValidatedDataset, Validation


@dataclass(frozen=True, repr=False)
class ValidationResult(JobResult):
    """What was checked and found; see `vldata.validation.Validation`."""

    validation: Validation
    files: bool

    @property
    def ok(self) -> bool:
        """Whether there is no finding."""
        return not self.validation.findings.total

    @property
    def findings(self) -> FindingList:
        """The findings; empty, and so false, when there are none."""
        return self.validation.findings

    @property
    def datasets(self) -> tuple[ValidatedDataset, ...]:
        """What was checked."""
        return self.validation.datasets

    def lines(self) -> Iterator[str]:
        """Yield the findings with their cures, a line a dataset, and the count."""
        yield from self.findings.lines()
        for dataset in self.datasets:
            images = f", {counted(dataset.pictures, 'picture')}" if self.files else ""
            videos = f", {counted(dataset.videos, 'video')}" if dataset.videos and self.files else ""
            yield f"{dataset.name}: {counted(dataset.records, 'record')}{images}{videos}."
        yield f"{counted(self.findings.total, 'finding')}." if self.findings.total else "No findings."

    def asides(self) -> Iterator[str]:
        """Yield what is not finished, and what was skipped."""
        for name in self.validation.unfinished:
            yield f"Warning: a command was interrupted while it put {name!r} in place, or is doing so now. Run it again to finish it."
        for name, reason in self.validation.skipped.items():
            yield f"Skipped {name!r}: {reason}."

    def document(self) -> dict[str, Any]:
        """Return folder, datasets, counts and findings."""
        import msgspec

        return {
            "folder": str(self.validation.folder),
            "datasets": msgspec.to_builtins(self.datasets),
            "skipped": self.validation.skipped,
            "unfinished": list(self.validation.unfinished),
            "counts": self.validation.counts,
            "findings": [{**msgspec.to_builtins(finding), "cure": finding.cure} for finding in self.findings.kept],
        }


@reaches(folder="folder")
def validate(
    folder: Annotated[
        Target | None, Arg("Folder of dataset_info.json, or DIR/NAME for one dataset; by default . and then ./prepared.", "FOLDER")
    ] = None,
    *,
    headers_only: Annotated[bool, Flag("Read headers; decode and hash nothing.")] = False,
    no_files: Annotated[bool, Flag("Check the records alone.")] = False,
    workers: Workers = 0,
    engine: Engine = "local",
    ray_address: RayAddress = "",
    timeout_s: TimeoutS = 60.0,
    on_progress: OnProgress | None = None,
) -> ValidationResult:
    """Check records, images and contract of every dataset in a folder; exit 1 with findings.

    Raises:
        DataError: there is no registry, or it cannot be read.
    """
    from vldata.media.engines import using
    from vldata.validation import find_folder
    from vldata.validation import validate as run

    names: tuple[str, ...] = ()
    place = None if folder is None else folder.out / folder.name if isinstance(folder, DatasetPaths) else Path(folder)
    if place is not None and place.name != DATASET_INFO and _is_of_registry(place):
        place, names = place.parent, (place.name.removesuffix(".jsonl"),)
    place = find_folder(place)
    with using(engine, ray_address, seen=(place / DATASET_INFO,)):
        found = run(
            place,
            names=names,
            headers_only=headers_only,
            files=not no_files,
            workers=workers,
            timeout_s=timeout_s,
            on_progress=on_progress,
        )
    return ValidationResult(found, files=not no_files)


def _is_of_registry(place: Path) -> bool:
    """Whether a place is DIR/NAME rather than a folder of datasets: the shards of NAME may be in a folder of its name."""
    if (place / DATASET_INFO).is_file() or not (place.parent / DATASET_INFO).is_file():
        return False
    return not place.is_dir() or place.name in read_dataset_info(place.parent)
