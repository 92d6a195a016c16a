"""From files to a report document, and from the document to each output format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import UsageError
from vldata.files.durable import write_atomic
from vldata.jobs import JobResult
from vleval.comparing import compare, display_names, given_names
from vleval.inference.origin import find_dataset
from vleval.reports.document import ReportDocument, build_report
from vleval.reports.options import Showing
from vleval.reports.text import interval_text
from vleval.scoring import score
from vleval.settings import Reading, Scoring

SUFFIXES = (".html", ".md", ".json")


@dataclass(frozen=True, repr=False)
class MadeReport(JobResult):
    """A report, its images as `data:` URLs by name, notes on it, and the files it was written to."""

    report: ReportDocument
    thumbs: dict[str, str]
    notes: tuple[str, ...]
    files: tuple[Path, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield a line a system with its first number."""
        for system in self.report.systems:
            yield f"{system.name}: " + ", ".join(f"{name} = {interval_text(score)}" for name, score in system.metrics.items())

    def document(self) -> dict[str, Any]:
        """Return the report as data: what `--out report.json` holds."""
        document: dict[str, Any] = msgspec.to_builtins(self.report)
        return document


def check_outputs(paths: Sequence[str | Path]) -> list[Path]:
    """The output files.

    Raises:
        UsageError: an ending that is not one of html, md and json, or no such folder.
    """
    outputs = [Path(path) for path in paths]
    for path in outputs:
        if path.suffix not in SUFFIXES:
            raise UsageError(f"cannot write a report as {str(path)!r}.", cure="Name a file that ends in " + ", ".join(SUFFIXES) + ".")
        if not path.parent.is_dir():
            raise UsageError(f"no folder {str(path.parent)!r}.", cure="Create it first.")
    return outputs


def report(
    systems: Sequence[str | Path] | str | Path,
    references: str | Path | None = None,
    *,
    out: Sequence[str | Path] | str | Path = (),
    reading: Reading = Reading(),
    scoring: Scoring = Scoring(),
    showing: Showing = Showing(),
) -> MadeReport:
    """Score one or more predictions files and write what a person would look at, as `vleval report` does.

    Args:
        systems: one predictions file or several, each compared with the first.
        references: as `score` takes them.
        out: files to write, ending in .html, .md or .json; none: the report is only returned.
        reading: how the files are read.
        scoring: profile, metrics and their settings.
        showing: title, images and gallery.

    Raises:
        DataError: as `score` and `compare`.
        UsageError: an output with another ending, or in no folder.
    """
    files = [systems] if isinstance(systems, str | Path) else list(systems)
    outputs = check_outputs([out] if isinstance(out, str | Path) else out)
    made = make_report(
        [str(file) for file in files],
        references,
        reading=reading,
        scoring=scoring,
        showing=showing,
        with_images=any(path.suffix == ".html" for path in outputs),
    )
    for path in outputs:
        write_atomic(path, render(made, path.suffix))
    return replace(made, files=tuple(outputs))


def make_report(
    files: Sequence[str],
    references: str | Path | None,
    *,
    reading: Reading,
    scoring: Scoring,
    showing: Showing,
    with_images: bool,
) -> MadeReport:
    """Score, compare where there are several files, choose rows and read their images."""
    given = given_names(showing.names, len(files))
    if len(files) > 1:
        compared = compare(files, references, reading=reading, scoring=scoring, names=given)
        results, names = compared.results, compared.names
    else:
        compared = None
        results = (score(files[0], references, reading=reading, scoring=scoring),)
        names = given or tuple(display_names([results[0].name]))
    title = showing.title or " and ".join(names[:3])
    document = build_report(compared, results, names, title=title, limit=showing.gallery, seed=scoring.seed)
    notes = [note for result in results for note in result.notes]
    thumbs: dict[str, str] = {}
    if with_images:
        from vldata.web.thumbs import thumbnails

        wanted = [name for item in document.gallery.items for name in item.images]
        root = showing.image_root or _root_of(references) or _root_asked(files)
        thumbs, note = thumbnails(wanted, root)
        if note and root is None:
            cure = "--data DIR/NAME names the dataset, or --image-root the folder that holds them."
            note = f"{len(set(wanted)):,} pictures are not shown: {cure}"
        notes += [note] if note else []
    return MadeReport(document, thumbs, tuple(dict.fromkeys(notes)))


def render(made: MadeReport, suffix: str) -> bytes:
    """The report in one of `SUFFIXES`."""
    if suffix == ".json":
        return msgspec.json.format(msgspec.json.encode(made.report), indent=2) + b"\n"
    if suffix == ".md":
        from vleval.reports.markdown import render_markdown

        return render_markdown(made.report).encode("utf-8")
    from vleval.reports.html import render_html

    return render_html(made.report, made.thumbs).encode("utf-8")


def _root_asked(files: Sequence[str]) -> Path | None:
    """The folder of the dataset that `vleval predict` asked for these files, where they are all of one."""
    found = [find_dataset(Path(name)) for name in files if name != "-"]
    roots = {None if dataset is None else dataset.paths.out.resolve() for dataset in found}
    return roots.pop() if len(roots) == 1 else None


def _root_of(references: str | Path | None) -> Path | None:
    """The folder that picture paths of a dataset are relative to."""
    if references is None or references == "-":
        return None
    path = Path(references)
    registered = [folder for folder in (path, path.parent, path.parent.parent) if (folder / "dataset_info.json").is_file()]
    return registered[0] if registered else path.parent
