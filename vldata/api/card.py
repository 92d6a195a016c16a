"""`vldata card`: the README.md that a hub shows of a dataset, and its Croissant metadata."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from vldata.api.params import DatasetTarget
from vldata.flags import Flag
from vldata.jobs import JobResult

License = Annotated[
    str,
    Flag("Licence of the source, as the hub names them (cc-by-4.0, mit ...); without it the card says that nobody told.", metavar="NAME"),
]


@dataclass(frozen=True, repr=False)
class CardResult(JobResult):
    """A card: its text, its Croissant metadata, and the files that were written."""

    text: str
    croissant: dict[str, Any]
    files: tuple[Path, ...]
    unlicensed: bool

    def lines(self) -> Iterator[str]:
        """Yield the files, or the card itself."""
        if self.files:
            yield from map(str, self.files)
        else:
            yield self.text.rstrip()

    def asides(self) -> Iterator[str]:
        """Yield what the card lacks."""
        if self.unlicensed:
            yield "The card names no licence: --license NAME."

    def document(self) -> dict[str, Any]:
        """Return card, metadata and files."""
        return {"readme": self.text, "croissant": self.croissant, "files": list(map(str, self.files))}


def card(
    target: DatasetTarget,
    *,
    license: License = "",
    url: Annotated[str, Flag("Where the dataset will be.", metavar="URL", show_default=False)] = "",
    out: Annotated[
        Path | None,
        Flag("Write README.md and croissant.json into this folder; without it the card is printed.", metavar="DIR", show_default=False),
    ] = None,
) -> CardResult:
    """Write the card of a dataset from its contract: what is in it, how it was made and split, and the files' digests.

    Raises:
        UsageError: a licence that is no name.
        DataError: there is no such dataset, or its files are not the ones that its contract names.
    """
    import re

    import msgspec

    from vldata.datasets.card import NO_LICENSE, changed_files, croissant, make_card, readme
    from vldata.errors import DataError, UsageError
    from vldata.exports.plan import make_folder
    from vldata.files.durable import write_atomic
    from vldata.output.folder import DatasetPaths

    if license and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,80}", license):
        raise UsageError(f"{license!r} is no name of a licence.", cure="For example: --license cc-by-4.0")
    if url and not re.fullmatch(r"https?://[^\s\"<>]{1,500}", url):
        raise UsageError(f"{url!r} is no address.", cure="For example: --url https://example.org/data")
    found = make_card(DatasetPaths.at(target), license=license, url=url)
    if changed := changed_files(found):
        raise DataError("was changed after it was written.", where=changed[0], cure="Run: vldata validate")
    text, metadata = readme(found), croissant(found)
    files: tuple[Path, ...] = ()
    if out is not None:
        folder = make_folder(Path(out))
        files = (folder / "README.md", folder / "croissant.json")
        for path in files:
            if path.exists() and path.name == "README.md" and "vldata convert" not in path.read_text(encoding="utf-8", errors="replace"):
                raise DataError("is there already and is no card of vldata.", where=str(path), cure="Choose another --out.")
        write_atomic(files[0], text.encode())
        write_atomic(files[1], msgspec.json.format(msgspec.json.encode(metadata), indent=2) + b"\n")
    return CardResult(text, metadata, files, found.license == NO_LICENSE)
