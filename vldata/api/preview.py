"""`vldata preview`: a dataset as one HTML file to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from vldata.api.params import DatasetTarget, OnProgress, Tokenizer, Workers
from vldata.files.urls import find_url
from vldata.flags import Flag
from vldata.jobs import JobResult
from vldata.remote.reach import reaches
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.previews.make import Made


@dataclass(frozen=True, repr=False)
class PreviewResult(JobResult):
    """The page that was written; see `vldata.previews.make.Made`."""

    made: Made

    @property
    def path(self) -> Path:
        """The file."""
        return self.made.path

    def lines(self) -> Iterator[str]:
        """Yield what the page shows and where it is."""
        found = self.made
        findings = f", {counted(found.findings, 'finding')}" if found.findings else ""
        shown = f"{counted(found.shown, 'record')}, {counted(found.pictures_shown, 'picture')}{findings}"
        yield f"{shown}: {found.path} ({found.bytes / 2**20:,.1f} MiB)"

    def asides(self) -> Iterator[str]:
        """Yield what the page does not show."""
        yield from self.made.notes

    def document(self) -> Any:
        """Return every count."""
        import msgspec

        return msgspec.to_builtins(msgspec.structs.asdict(self.made) | {"path": str(self.made.path)})


def _beside(given: Mapping[str, Any]) -> dict[str, str]:
    """The place of the page of a URL's dataset that names none: next to the dataset."""
    url = find_url(given.get("target"))
    return {"out": str(url.parent / f"{url.name.removesuffix('.jsonl')}.preview.html")} if url and given.get("out") is None else {}


@reaches(beside=_beside, target="pictures", out="file_out")
def preview(
    target: DatasetTarget,
    *,
    out: Annotated[Path | None, Flag("The file; by default DIR/NAME.preview.html.", metavar="FILE", show_default=False)] = None,
    limit: Annotated[int, Flag("Most records to show; of more, those with findings and a sample.", least=1)] = 5_000,
    tokenizer: Tokenizer = "",
    workers: Workers = 0,
    serve: Annotated[bool, Flag("Then show the page at 127.0.0.1, made again when the dataset changes, until Ctrl-C.")] = False,
    port: Annotated[int, Flag("Port for --serve; 0: any that is free.", least=0, most=65_535)] = 0,
    on_progress: OnProgress | None = None,
) -> PreviewResult:
    """Write a gallery of records, images, tokens and findings: one HTML file that opens without a network.

    Raises:
        DataError: no such dataset, or the page cannot be written.
        UsageError: `out` is no place for a file.
    """
    from vldata.previews.make import make_preview

    file = None if out is None else Path(out)

    def make() -> Made:
        return make_preview(target, out=file, limit=limit, tokenizer=tokenizer, workers=workers, on_progress=on_progress)

    made = make()
    if serve:
        from vldata import terminal
        from vldata.output.folder import DatasetPaths
        from vldata.web.live import Live, serve_live

        paths = DatasetPaths.at(target)
        serve_live(
            Live(made.path, [paths.contract, paths.records, paths.media, paths.shards], lambda: (make(), None)[1], terminal.note),
            port=port,
            tell=terminal.note,
        )
    return PreviewResult(made)
