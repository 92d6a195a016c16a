"""`vldata convert`: a source turned into one dataset or several."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from vldata.conversion import convert as convert_source
from vldata.converted import Conversion, Progress
from vldata.errors import DataError, UsageError, VlkitError
from vldata.flags import check_value, is_group
from vldata.jobs import JobResult
from vldata.models.families import find_family
from vldata.output.options import ConvertOptions
from vldata.records.codes import CODES
from vldata.records.draft import Guess, traits_of
from vldata.remote.reach import reaches
from vldata.sources import load_converter
from vldata.sources.official import cure_of
from vldata.suggest import nearest
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.records.draft import Source


@dataclass(frozen=True, repr=False)
class Conversions(JobResult, Sequence[Conversion]):
    """One conversion for each dataset of the source. With `strict` a rejected record is a fault."""

    made: tuple[Conversion, ...]
    strict: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing was rejected, or that is allowed."""
        return not (self.strict and self.rejected)

    @property
    def rejected(self) -> int:
        """The records that were left out, over all datasets."""
        return sum(one.counts.rejected for one in self.made)

    @property
    def names(self) -> tuple[str, ...]:
        """The datasets that were registered."""
        return tuple(name for one in self.made for name in one.names)

    def __len__(self) -> int:
        return len(self.made)

    def __getitem__(self, place: Any) -> Any:
        return self.made[place]

    def lines(self) -> Iterator[str]:
        """Yield counts, verdict and registered names."""
        for one in self.made:
            yield from conversion_lines(one)

    def document(self) -> Any:
        """Return the conversion, or a list of several."""
        documents = [msgspec.to_builtins(msgspec.structs.replace(one, out=str(one.out))) for one in self.made]
        return documents[0] if len(documents) == 1 else documents


@reaches(source="tree", out="out")
def convert(
    converter: str,
    source: str | Path | None = None,
    *,
    strict: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    on_made: Callable[[Conversion], None] = lambda _: None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> Conversions:
    """Convert a source, as `vldata convert CONVERTER SOURCE` does.

    With several datasets in the source, `name` is the beginning of their names: chartqa_train under `name="charts"` becomes charts_train.

    Args:
        converter: `openeqa`, `chartqa`, ... (see `vldata.sources.CONVERTERS`).
        source: folder or file; by default the working folder.
        strict: the result is not good when anything was rejected.
        tell: is given what was found in the source, as soon as it is known.
        on_made: is given each conversion when it is done.
        on_progress: is called with the progress of each conversion.
        settings: the command's options by their names: those of the converter's `open_source`, which a package may bring, and those of
            `vldata.ConvertOptions`. They are checked by name and type, and any other is refused.

    Raises:
        UsageError: an option that neither knows; the message offers the nearest.
        DataError: see `vldata.conversion.convert`; with `strict` also a guess, before anything is registered.
    """
    open_source = load_converter(converter)
    first, *own = inspect.signature(open_source).parameters.values()
    hints = get_type_hints(open_source)
    groups = {parameter.name: hints[parameter.name] for parameter in own if is_group(hints[parameter.name])}
    plain = [parameter.name for parameter in own if parameter.name not in groups]
    names = [*plain, *(field for group in groups.values() for field in group.__struct_fields__)]
    shared = ConvertOptions.__struct_fields__
    for name in settings:
        if name not in names and name not in shared:
            raise UsageError(f"no option {name!r}.{nearest(name, (*names, *shared))}")
    if source is None and first.default is inspect.Parameter.empty:
        raise UsageError(f"{converter} needs a source.", cure=f"Give a file or folder: vldata.convert({converter!r}, PATH).")
    options = ConvertOptions(**{name: value for name, value in settings.items() if name in shared})
    told = {name: getattr(options, name) if name in shared else settings[name] for name in names if name in shared or name in settings}
    given = {
        name: told[name] if name in shared else check_value(f"--{name.replace('_', '-')}", told[name], hints[name])
        for name in plain
        if name in told
    }
    for name, group in groups.items():
        given[name] = group(**{field: told[field] for field in group.__struct_fields__ if field in told})
    try:
        opened = open_source(Path(source) if source is not None else None, **given)
    except VlkitError as error:
        if source is not None and converter != "official" and (cure := cure_of(Path(source))):
            raise type(error)(error.what, where=error.where, cure=cure) from None
        raise
    sources = list(opened) if isinstance(opened, Sequence) else [opened]
    named_sources = [
        (one, named, (*one.said, *_guessed_boxes(one, named.processor, told.get("boxes"))))
        for one, named in zip(sources, _named(sources, options), strict=True)
    ]
    if strict and (guess := next((sentence for _, _, said in named_sources for sentence in said if isinstance(sentence, Guess)), None)):
        for _, _, said in named_sources:
            for sentence in said:
                tell(sentence)
        raise DataError("--strict: what the source means was guessed.", where=guess, cure="Say it with the option that is named there.")
    made = []
    for one, named, said in named_sources:
        for sentence in said:
            tell(sentence)
        made.append(convert_source(one, named, strict=strict, on_progress=on_progress))
        if made[-1].mixed and not any(
            "rows of several splits" in sentence for sentence in one.said
        ):  # past the rows that were looked at first
            tell(made[-1].mixed)
        on_made(made[-1])
    return Conversions(tuple(made), strict)


def _named(sources: Sequence[Source], options: ConvertOptions) -> Iterator[ConvertOptions]:
    """Give each dataset of several a name of its own.

    Raises:
        UsageError: two would have one name.
    """
    names = [source.name for source in sources]
    if options.name:
        names = [options.name] if len(sources) == 1 else [f"{options.name}_{_part_of(source)}" for source in sources]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise UsageError(
            f"two datasets of the source would be called {twice!r}.", cure="Convert them one after the other, each with its --name."
        )
    yield from (msgspec.structs.replace(options, name=name) for name in names)


def _part_of(source: Source) -> str:
    """Return what tells a dataset of a source from its others: its subset and split, or the end of its name."""
    return getattr(source, "part", "") or source.name.rpartition("_")[2]


def conversion_lines(one: Conversion) -> Iterator[str]:
    """Yield what came of a conversion: counts, verdict and registered names."""
    counts = one.counts
    excluded = f", {counts.excluded:,} left out by --limit" if counts.excluded else ""
    resumed = f" ({one.resumed:,} taken over from the interrupted run)" if one.resumed else ""
    videos = f", {counted(counts.videos, 'video')}" if counts.videos else ""
    written = f"{counted(counts.written, 'record')}, {counted(counts.pictures, 'picture')}{videos}"
    yield f"{written}; {counts.rejected:,} rejected{excluded}{resumed}."
    if counts.repaired:
        yield f"{counted(counts.repaired, 'repair')}, listed in {one.out / one.contract.name}.repairs.jsonl"
    if one.verdict:
        yield one.verdict
    for name in one.names:
        yield f"Registered {name!r} in {one.out / 'dataset_info.json'}"


def reject_lines(one: Conversion) -> Iterator[str]:
    """Yield the notes of a conversion, and what was rejected with its cures."""
    for sentence, count in sorted(one.notes.items()):
        yield f"Note ({count:,}): {sentence}"
    for code, count in sorted(one.reject_counts.items()):
        yield f"Rejected {count:,}: {code} {CODES[code].title}"
        yield from (f"  {reject.where}: [{reject.id}] {reject.reason}" for reject in one.rejects if reject.code == code)
        if count > 10:
            yield f"  ... and {count - 10:,} more in {one.out / one.contract.name}.rejects.jsonl"
        yield f"  Cure: {CODES[code].cure}"
    if one.unused:
        yield "Source fields that no record has a place for:"
    yield from (f"  {unused.field}: {counted(unused.rows, 'row')}, {unused.fate}" for unused in one.unused)


def _guessed_boxes(source: Source, processor: str, wish: object) -> Iterator[Guess]:
    """Say that nobody knows how the models name boxes, where boxes are written for them and the user did not say how."""
    family = find_family(processor)
    if traits_of(source).coordinate_space == "0-1000" and not family.boxes_known and wish in (None, "auto"):
        yield Guess(f"Boxes are written from 0 to 1000: how {family.title} was trained is not published, a guess (--boxes names another).")
