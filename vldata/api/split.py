"""`vldata split` and `vldata certify`: sides that do not leak, and the proof of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from vldata.api.params import DatasetTarget, ImageDistance, OnProgress, Replace, Seed, TextSimilarity, Workers
from vldata.flags import Arg, Flag
from vldata.jobs import JobResult
from vldata.media.engines import Engine, RayAddress
from vldata.output.folder import DATASET_INFO, DatasetPaths, Target
from vldata.remote.reach import reaches
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.splits.certification import Certification
    from vldata.splits.splitting import SplitResult


@dataclass(frozen=True, repr=False)
class Split(JobResult):
    """The sides that were registered; see `vldata.splits.splitting.SplitResult`."""

    parent: DatasetPaths
    group_by: str
    result: SplitResult

    @property
    def names(self) -> dict[str, str]:
        """The dataset of each side."""
        return self.result.names

    @property
    def sizes(self) -> dict[str, int]:
        """The records of each side."""
        return self.result.sizes

    def lines(self) -> Iterator[str]:
        """Yield a line a side, and what a split by rows would have leaked."""
        for side, dataset in self.names.items():
            groups = f" in {counted(self.result.groups[side], 'group')}" if self.group_by != "none" else ""
            yield f"{dataset}: {counted(self.sizes[side], 'record')}{groups}."
        if self.result.leak:
            held_out = "test" if "test" in self.sizes else "val"
            thing = "picture" if self.group_by == "image" else self.group_by
            yield f"No {thing} is on two sides. A split by rows would have leaked: {self.result.leak.share:.1%} of its {held_out} records"
            yield f"would share a {thing} with train (mean of {self.result.leak.shuffles} shuffles)."
        else:
            yield "Split by rows: nothing proves that related records are on one side. --group-by names what they share."

    def asides(self) -> Iterator[str]:
        """Yield warnings, and the next step."""
        yield from self.result.notes
        yield f"Next: vldata certify {self.parent.out / self.parent.name}"

    def document(self) -> Any:
        """Return names, sizes, groups and leak."""
        import msgspec

        return msgspec.to_builtins(self.result)


@reaches(target="derive")
def split(
    target: DatasetTarget,
    *,
    test: Annotated[float, Flag("Records of the test side; below 1, a fraction.", least=0)] = 0,
    val: Annotated[float, Flag("Records of the validation side; below 1, a fraction of what remains after test.", least=0)] = 0,
    group_by: Annotated[
        str, Flag("What stays whole: a meta key (scene, episode, ...), image (records that show a same picture), or none.")
    ] = "scene",
    seed: Seed = 0,
    overwrite: Replace = False,
) -> Split:
    """Split a dataset by whole groups into NAME_train, NAME_val and NAME_test of exact sizes, with a certificate.

    Raises:
        UsageError: sizes that cannot be.
        DataError: unknown dataset or key, a name in use, or no choice of groups of the exact size.
    """
    from vldata.splits.splitting import split as run

    paths = DatasetPaths.at(target)
    result = run(paths.out, paths.name, test=test, val=val, group_by=group_by, seed=seed, overwrite=overwrite)
    return Split(paths, group_by, result)


@dataclass(frozen=True, repr=False)
class CertifyResult(JobResult):
    """What held of a split; see `vldata.splits.certification.Certification`."""

    certification: Certification
    strict: bool

    @property
    def ok(self) -> bool:
        """Whether every proof held, and with `strict` nothing is left to look at."""
        return self.certification.spotless if self.strict else self.certification.good

    def lines(self) -> Iterator[str]:
        """Yield a line a check, with examples of what is shared."""
        sides = ", ".join(f"{side} {count:,}" for side, count in self.certification.sides.items())
        yield f"Split of {self.certification.parent!r} by {self.certification.group_by}: {sides}."
        for check in self.certification.checks:
            word = "holds" if check.good else "FAILS" if check.proof or self.strict else "LOOK"
            yield f"{word:5}  {check.name}: {check.detail}"
            yield from (f"         {example}" for example in check.examples)

    def document(self) -> dict[str, Any]:
        """Return the sides and the checks."""
        import msgspec

        found: dict[str, Any] = msgspec.to_builtins(self.certification)
        return {**found, "good": self.certification.good, "spotless": self.certification.spotless}


@reaches(target="split")
def certify(
    target: Annotated[Target, Arg("DIR/NAME of the dataset that was split, or of one of its sides.", "DIR/NAME")],
    *,
    image_distance: ImageDistance = 16,
    text_similarity: TextSimilarity = 0.8,
    workers: Workers = 0,
    engine: Engine = "local",
    ray_address: RayAddress = "",
    strict: Annotated[bool, Flag("Exit 1 for near-duplicates too.")] = False,
    on_progress: OnProgress | None = None,
) -> CertifyResult:
    """Prove from the files that no group, id or image is on two sides of a split; exit 1 when one is.

    Near-duplicates across sides are shown as something to look at: a threshold finds them, and --strict makes them fail.

    Raises:
        DataError: there is no split, or a side cannot be read.
    """
    from vldata.media.engines import using
    from vldata.splits.certification import certify as run
    from vldata.splits.leaks import Nearness

    paths = DatasetPaths.at(target)
    near = Nearness(image_distance, text_similarity)
    with using(engine, ray_address, seen=(paths.out / DATASET_INFO,)):
        return CertifyResult(run(paths.out, paths.name, near=near, workers=workers, on_progress=on_progress), strict)
