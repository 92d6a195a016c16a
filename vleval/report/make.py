"""From files to a report document, and from the document to each output format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from vldata.errors import UsageError
from vleval.compare import compare, display_names
from vleval.joining import Allow
from vleval.metrics.options import MetricOptions
from vleval.predict.origin import find_dataset
from vleval.report.document import ReportDocument, build_report
from vleval.scoring import score

SUFFIXES = (".html", ".md", ".json")


@dataclass(frozen=True)
class Request:
    """What is to be reported; the fields are those of `vleval report`."""

    files: tuple[str, ...]
    references: str | None
    profile: str
    metrics: tuple[str, ...]
    format: str
    group_by: str | None
    options: MetricOptions
    allow: Allow
    image_root: Path | None
    title: str
    gallery: int
    seed: int


@dataclass(frozen=True)
class Made:
    """A report, its pictures as `data:` URLs by name, and sentences to be said aloud."""

    document: ReportDocument
    thumbs: dict[str, str]
    notes: tuple[str, ...]


def check_outputs(paths: Sequence[Path] | None) -> list[Path]:
    """The output files.

    Raises:
        UsageError: an ending that is not one of html, md and json, or no such folder.
    """
    for path in paths or ():
        if path.suffix not in SUFFIXES:
            raise UsageError(f"cannot write a report as {str(path)!r}.", cure="Name a file that ends in " + ", ".join(SUFFIXES) + ".")
        if not path.parent.is_dir():
            raise UsageError(f"no folder {str(path.parent)!r}.", cure="Create it first.")
    return list(paths or ())


def make_report(request: Request, *, with_images: bool) -> Made:
    """Score, compare where there are several files, choose rows and read their pictures."""
    shared = {
        "references": request.references,
        "profile": request.profile,
        "metrics": request.metrics,
        "format": request.format,
        "group_by": request.group_by,
        "options": request.options,
        "allow": request.allow,
        "seed": request.seed,
    }
    if len(request.files) > 1:
        compared = compare(request.files, extras=True, **shared)  # type: ignore[arg-type]
        results, names = compared.results, compared.names
    else:
        compared = None
        results = (score(request.files[0], **shared),)  # type: ignore[arg-type]
        names = tuple(display_names([results[0].name]))
    title = request.title or " and ".join(names[:3])
    document = build_report(compared, results, names, title=title, limit=request.gallery, seed=request.seed)
    notes = [note for result in results for note in result.notes]
    thumbs: dict[str, str] = {}
    if with_images:
        from vldata.web.thumbs import thumbnails

        wanted = [name for item in document.gallery.items for name in item.images]
        root = request.image_root or _root_of(request.references) or _root_asked(request.files)
        thumbs, note = thumbnails(wanted, root)
        if note and root is None:
            cure = "--data DIR/NAME names the dataset, or --image-root the folder they lie in."
            note = f"{len(set(wanted)):,} pictures are not shown: {cure}"
        notes += [note] if note else []
    return Made(document, thumbs, tuple(dict.fromkeys(notes)))


def render(made: Made, suffix: str) -> bytes:
    """The report in one of `SUFFIXES`."""
    if suffix == ".json":
        return msgspec.json.format(msgspec.json.encode(made.document), indent=2) + b"\n"
    if suffix == ".md":
        from vleval.report.markdown import render_markdown

        return render_markdown(made.document).encode("utf-8")
    from vleval.report.html import render_html

    return render_html(made.document, made.thumbs).encode("utf-8")


def _root_asked(files: Sequence[str]) -> Path | None:
    """The folder of the dataset that `vleval predict` asked for these files, where they are all of one."""
    found = [find_dataset(Path(name)) for name in files if name != "-"]
    roots = {None if dataset is None else dataset.paths.out.resolve() for dataset in found}
    return roots.pop() if len(roots) == 1 else None


def _root_of(references: str | None) -> Path | None:
    """The folder that picture paths of a dataset are relative to."""
    if references is None or references == "-":
        return None
    path = Path(references)
    registered = [folder for folder in (path, path.parent, path.parent.parent) if (folder / "dataset_info.json").is_file()]
    return registered[0] if registered else path.parent
