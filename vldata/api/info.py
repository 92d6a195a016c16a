"""`vldata info`: what an output folder holds, and looking after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from vldata.aliases import stands_for_another
from vldata.errors import UsageError
from vldata.flags import Arg, Flag
from vldata.jobs import JobResult
from vldata.output.folder import DatasetPaths
from vldata.remote.reach import reaches
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.datasets.info import Entry


@dataclass(frozen=True, repr=False)
class FolderInfo(JobResult):
    """What a folder registers after what was done to it, and sentences on that."""

    folder: Path
    entries: tuple[Entry, ...]
    done: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield a line a dataset."""
        if not self.entries:
            yield f"{self.folder} registers no dataset."
        yield from (_describe(entry) for entry in self.entries)

    def asides(self) -> Iterator[str]:
        """Yield what was renamed, taken over or removed."""
        yield from self.done

    def document(self) -> Any:
        """Return a list of datasets with their contracts."""
        import msgspec

        return [msgspec.to_builtins(entry) for entry in self.entries]


def _describe(entry: Entry) -> str:
    contract = entry.contract
    if contract is None:
        return f"{entry.name}: another tool's or your own"
    pixels, counts = contract.pixels, contract.counts
    videos = f" {counted(counts.videos, 'video')}," if counts.videos else ""
    held = f"{counted(counts.written, 'record')}, {counted(counts.pictures, 'picture')}"
    shown = f"{held},{videos} {pixels.processor} up to {pixels.max_pixels:,} px"
    parts = f", with {', '.join(contract.parts)}" if contract.parts else ""
    return f"{entry.name}: {shown}, from {contract.converter}{parts}" + (f"; {entry.note}" if entry.note else "")


@reaches(folder="registry")
def info(
    folder: Annotated[Path, Arg("Output folder.", "FOLDER")] = Path("prepared"),
    *,
    rename: Annotated[tuple[str, str], Flag("Give a dataset another name.", metavar="OLD NEW", show_default=False)] = ("", ""),
    merge: Annotated[Path | None, Flag("Take over every dataset of another output folder.", metavar="DIR", show_default=False)] = None,
    prune: Annotated[bool, Flag("Remove images and videos that no registered dataset uses.")] = False,
    dry_run: Annotated[bool, Flag("With --prune: only say what would go.")] = False,
) -> FolderInfo:
    """List what an output folder holds; rename, merge and prune.

    Raises:
        DataError: there is no such folder, or something in it cannot be read or written.
    """
    from vldata.datasets import info as care

    folder = Path(folder)
    if (any(rename) or merge is not None or prune) and stands_for_another(folder):
        raise UsageError("a folder in an object store is listed, not changed.", cure="Change it on this machine, and send it again.")
    done = []
    if any(rename):
        care.rename(DatasetPaths(folder, rename[0]), rename[1])
        done.append(f"Renamed {rename[0]!r} to {rename[1]!r}.")
    if merge is not None:
        done += [f"Took over {name!r} from {merge}." for name in care.merge_folder(folder, Path(merge))]
    if prune:
        files, size = care.prune(folder, dry_run=dry_run)
        done.append(f"{'Would remove' if dry_run else 'Removed'} {counted(files, 'unused file')}, {size / 2**20:,.1f} MiB.")
    return FolderInfo(folder, tuple(care.list_datasets(folder)), tuple(done))
