"""`vldata leaks`: what datasets share that they should not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from vldata.api.params import ImageDistance, OnProgress, TextSimilarity, Workers
from vldata.errors import UsageError
from vldata.flags import Arg
from vldata.jobs import JobResult
from vldata.media.engines import Engine, RayAddress
from vldata.output.folder import DATASET_INFO, DatasetPaths, Target
from vldata.remote.reach import reaches
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.splits.leaks import Leaks

_SHOWN = 10


@dataclass(frozen=True, repr=False)
class LeakResult(JobResult):
    """What each pair of datasets shares."""

    pairs: tuple[Leaks, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is shared."""
        return not any(pair.total for pair in self.pairs)

    def lines(self) -> Iterator[str]:
        """Yield each pair with its counts and the first leaks of each kind."""
        from vldata.splits.leaks import KINDS

        for pair in self.pairs:
            yield f"{pair.first} and {pair.second}: " + (f"{counted(pair.total, 'leak')}." if pair.total else "nothing shared.")
            for kind, title in KINDS.items():
                found = [leak for leak in pair.leaks if leak.kind == kind]
                yield f"  {pair.counts[kind]:>7,} {title}"
                for leak in found[:_SHOWN]:
                    yield f"          {leak.first.at} [{leak.first.id}] and {leak.second.at} [{leak.second.id}]: {leak.what}"
                if len(found) > _SHOWN:
                    yield "          ... --json has more"

    def asides(self) -> Iterator[str]:
        """Yield what was not compared."""
        yield from dict.fromkeys(text for pair in self.pairs for text in pair.notes)

    def document(self) -> Any:
        """Return a list of pairs."""
        import msgspec

        return msgspec.to_builtins(list(self.pairs))


@reaches(targets="pictures")
def leaks(
    targets: Annotated[Sequence[Target], Arg("DIR/NAME of two datasets or more.", "DIR/NAME...")],
    *,
    image_distance: ImageDistance = 16,
    text_similarity: TextSimilarity = 0.8,
    workers: Workers = 0,
    engine: Engine = "local",
    ray_address: RayAddress = "",
    on_progress: OnProgress | None = None,
) -> LeakResult:
    """Find what datasets share: images and near-duplicates of them, whole examples, near-duplicate texts; exit 1 when anything is.

    Raises:
        DataError: one of the datasets cannot be read.
        UsageError: fewer than two datasets.
    """
    from vldata.media.engines import using
    from vldata.splits.leaks import Nearness, find_leaks

    if isinstance(targets, str | DatasetPaths) or len(targets) < 2:
        raise UsageError("one dataset has nothing to be compared with.", cure="Give two: vldata leaks prepared/train prepared/test")
    near = Nearness(image_distance, text_similarity)
    seen = {DatasetPaths.at(target).out / DATASET_INFO for target in targets}
    with using(engine, ray_address, seen=sorted(seen)):
        return LeakResult(tuple(find_leaks(list(targets), near=near, workers=workers, on_progress=on_progress)))
