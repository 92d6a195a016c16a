"""`vldata stats`, `budget` and `doctor`: knowing the data and the machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from vldata.api.params import DatasetTarget, Tokenizer
from vldata.flags import Flag
from vldata.jobs import JobResult
from vldata.remote.reach import reaches
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.datasets.budget import Budget
    from vldata.datasets.stats import Statistics
    from vldata.models.examine import Line
    from vldata.output.contract import Spread


@dataclass(frozen=True, repr=False)
class StatsResult(JobResult):
    """Statistics of a dataset; see `vldata.datasets.stats.Statistics`. `note` says that its files are not those of the contract."""

    statistics: Statistics
    note: str = ""

    def lines(self) -> Iterator[str]:
        """Yield counts, token figures, sizes and categories."""
        found = self.statistics
        videos = f", {counted(found.videos, 'video')}, {found.video_bytes / 2**20:,.1f} MiB" if found.videos else ""
        images = f"{counted(found.pictures, 'picture')}, {found.picture_bytes / 2**20:,.1f} MiB"
        yield f"{found.name}: {counted(found.records, 'record')}, {images}{videos}"
        yield f"{'a record':<28} {'mean':>10} {'p50':>8} {'p95':>8} {'max':>8}"
        text = "text tokens" if found.text_counted else "text tokens (estimated)"
        rows = (("pictures", found.images_per_record), ("vision tokens", found.vision_tokens), (text, found.text_tokens))
        yield from (_row(name, spread) for name, spread in (*rows, ("all tokens", found.total_tokens)))
        yield f"longest record: {found.longest_id}"
        if found.parts:
            yield "; ".join(f"{name}: {count:,}" for name, count in found.parts.items())
        if found.videos:
            yield _VIDEOS
        if found.sizes:
            yield "sizes: " + ", ".join(f"{size} ({count:,})" for size, count in found.sizes.items())
        if len(found.categories) > 1:
            yield f"\n{'all tokens by ' + found.by:<28} {'mean':>10} {'p50':>8} {'p95':>8} {'max':>8} {'records':>8}"
            for name, category in found.categories.items():
                yield f"{_row(name or '(none)', category.tokens)} {category.records:>8,}"

    def document(self) -> Any:
        """Return every figure."""
        import msgspec

        return msgspec.to_builtins(self.statistics)

    def asides(self) -> Iterator[str]:
        """Yield the note."""
        yield from [self.note] if self.note else []


_VIDEOS = "Videos are counted as Qwen3-VL's processor samples them (2 frames a second, 4 to 768); their marks of time are estimated."


def _row(name: str, spread: Spread) -> str:
    return f"{name[:28]:<28} {spread.mean:>10,.1f} {spread.p50:>8,} {spread.p95:>8,} {spread.max:>8,}"


@reaches(target="dataset")
def stats(
    target: DatasetTarget,
    *,
    by: Annotated[str, Flag("Meta key of the table; by default category.", show_default=False)] = "",
    tokenizer: Tokenizer = "",
) -> StatsResult:
    """Count records, images and tokens of a dataset, per category; opens no image.

    Raises:
        DataError: the dataset cannot be read.
        UsageError: no such meta key.
    """
    from vldata.datasets.dataset import changed_note
    from vldata.datasets.stats import compute_stats

    return StatsResult(compute_stats(target, by=by, tokenizer=tokenizer), changed_note(target, "what is counted"))


@dataclass(frozen=True, repr=False)
class BudgetResult(JobResult):
    """The pixel budget of a dataset; see `vldata.datasets.budget.Budget`."""

    budget: Budget

    def lines(self) -> Iterator[str]:
        """Yield how many records are too long, and what makes them fit."""
        found = self.budget
        estimated = "" if found.text_counted else " (text estimated)"
        yield f"{found.over:,} of {found.records:,} records are over {found.cutoff:,} tokens; the longest has {found.longest:,}{estimated}."
        most = counted(found.max_pictures, "picture")
        if found.max_pixels is not None:
            yield f"--max-pixels {found.max_pixels} fits every record; at the dataset's own budget at most {most} a record fit."
        elif found.longest_text >= found.cutoff:
            longest = f"the longest text alone has {found.longest_text:,} tokens"
            yield f"No budget fits them all: {longest}. Raise --cutoff, or filter by tokens."
        elif not found.max_pictures:
            yield "No budget fits them all, and at the dataset's own not one picture fits next to the longest text. Raise --cutoff."
        else:
            yield f"No budget fits them all: at the dataset's own at most {most} a record fit. Take fewer, or raise --cutoff."

    def document(self) -> Any:
        """Return every figure."""
        import msgspec

        return msgspec.to_builtins(self.budget)


@reaches(target="dataset")
def budget(
    target: DatasetTarget,
    *,
    cutoff: Annotated[int, Flag("Tokens a record may have (cutoff_len).", least=1)] = 2048,
    tokenizer: Tokenizer = "",
) -> BudgetResult:
    """Solve for the largest --max-pixels, or the most images, with which every record fits a cutoff.

    Raises:
        DataError: the dataset cannot be read, or has no images.
    """
    from vldata.datasets.budget import solve_budget

    return BudgetResult(solve_budget(target, cutoff=cutoff, tokenizer=tokenizer))


@dataclass(frozen=True, repr=False)
class Examination(JobResult):
    """What was looked at on this machine."""

    found: tuple[Line, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is bad."""
        return all(line.level != "bad" for line in self.found)

    def lines(self) -> Iterator[str]:
        """Yield a line for each thing, with the cure where it is not good."""
        yield from (f"{line.level:<5} {line.what}" + (f"\n      {line.cure}" if line.cure else "") for line in self.found)

    def document(self) -> Any:
        """Return a list of level, what and cure."""
        import msgspec

        return msgspec.to_builtins(list(self.found))


def doctor(
    *,
    model: Annotated[
        Path | None,
        Flag("Look at this model folder too: its files, its family, the transformers it needs.", metavar="DIR", show_default=False),
    ] = None,
) -> Examination:
    """Say what is installed, what is missing, and which traps are set here; exit 1 when something is bad.

    With --model a model folder is looked at too: its files, its family, and the release of transformers that it needs.
    """
    from vldata.installation import examine

    return Examination(tuple(examine(Path(), model)))
