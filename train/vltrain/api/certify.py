"""`vltrain certify`: samples of a batch do not see each other, shown by running them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from vldata.flags import Flag
from vldata.jobs import JobResult
from vltrain.api.params import RecipeFile

if TYPE_CHECKING:
    from vltrain.certifying import BatchOutcome


@dataclass(frozen=True, repr=False)
class BatchCertificate(JobResult):
    """What was measured, and whether it holds."""

    outcome: BatchOutcome

    @property
    def ok(self) -> bool:
        """Whether every sample teaches in the batch what it teaches alone."""
        return self.outcome.holds

    def lines(self) -> Iterator[str]:
        """Yield a line a record, the greatest errors, and the control."""
        found = self.outcome
        for row in found.checked:
            losses = f"loss {row.loss_alone:.6f} alone, {row.loss_batched:.6f} {found.way}"
            yield f"{row.id}: {losses}; gradients differ by {row.gradient_error:.1e} of their norm."
        verdict = "holds" if found.holds else "FAILS"
        errors = f"losses differ by at most {found.loss_error:.1e}, gradients by {found.gradient_error:.1e}"
        yield f"{verdict}  {len(found.checked)} samples {found.way}, {found.precision}: {errors}; the limit is {found.limit:.0e}."
        if found.control_error is not None:
            yield f"control: packed without borders, gradients differ by {found.control_error:.1e}."
        if not found.holds:
            yield "Samples of one batch change each other's lesson. Set packing: false, and run this again."

    def document(self) -> Any:
        """Return every figure."""
        import msgspec

        return {"holds": self.outcome.holds, **msgspec.to_builtins(self.outcome)}


def certify(
    recipe: RecipeFile,
    *,
    records: Annotated[int, Flag("Samples that share the batch.", metavar="N", least=2, most=64)] = 4,
    precision: Annotated[Literal["fp32", "bf16"], Flag("Of the arithmetic; bf16 needs a GPU, and runs its kernels.")] = "fp32",
    tell: Callable[[str], None] = lambda _: None,
) -> BatchCertificate:
    """Show on the model and data at hand that loss and gradients of each sample in a batch equal those alone; exit 1 where they do not.

    Raises:
        UsageError: a recipe that cannot run.
        DataError: data or model that cannot be read.
    """
    from vltrain.certifying import certify_batches
    from vltrain.quiet import hush
    from vltrain.recipe import read_recipe

    read, notes = read_recipe(Path(recipe))
    for note in notes:
        tell(note)
    hush()
    return BatchCertificate(certify_batches(read, records=records, precision=precision, tell=tell))
