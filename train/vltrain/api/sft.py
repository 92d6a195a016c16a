"""`vltrain sft`: train an adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from vldata.flags import Flag
from vldata.jobs import JobResult
from vltrain.api.params import RecipeFile

if TYPE_CHECKING:
    from vltrain.training import TrainResult


@dataclass(frozen=True, repr=False)
class Trained(JobResult):
    """What a run came to; with `labels` what would be learned of the first records, and no run."""

    result: TrainResult | None
    labels: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield loss, speed and the adapter's folder."""
        yield from self.labels
        found = self.result
        if found is None:
            return
        evaluated = f", evaluation loss {found.eval_loss:.4f}" if found.eval_loss is not None else ""
        yield f"{found.steps:,} steps, mean training loss {found.train_loss:.4f}{evaluated}; adapter in {found.output}."
        speed = f"{found.train_samples_per_second:.2f} samples/s, {found.train_tokens_per_second:,.0f} tokens/s"
        yield f"{speed}; waited for data {found.data_wait_share:.1%} of the time; {found.trainable_parameters:,} trainable parameters."

    def document(self) -> Any:
        """Return every figure, or the lines of labels."""
        import msgspec

        return msgspec.to_builtins(self.result) if self.result is not None else {"labels": list(self.labels)}


def sft(
    recipe: RecipeFile,
    *,
    max_steps: Annotated[int | None, Flag("Stop after so many steps, whatever the recipe says.", least=1, show_default=False)] = None,
    output: Annotated[str, Flag("Output folder, whatever the recipe says.", metavar="DIR", show_default=False)] = "",
    labels: Annotated[int, Flag("Show what is learned of the first N records, and stop.", ("--show-labels",), metavar="N", least=0)] = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Train an adapter as the recipe says; go on where a killed run stopped.

    Only what the assistant says is learned. On several GPUs start it with torchrun.

    Raises:
        UsageError: a recipe that cannot run.
        DataError: data or model that cannot be read.
    """
    import msgspec

    from vltrain.checkpoints import after_interrupt
    from vltrain.quiet import hush
    from vltrain.recipe import read_recipe
    from vltrain.training import run_sft, show_labels

    read, notes = read_recipe(Path(recipe))
    changes: dict[str, object] = {}
    if max_steps is not None:
        changes["max_steps"] = max_steps
    if output:
        changes["output"] = str(output)
    read = msgspec.structs.replace(read, **changes)
    if labels:
        return Trained(None, tuple(show_labels(read, labels)))
    hush()
    try:
        return Trained(run_sft(read, notes=notes, say=tell))
    except KeyboardInterrupt:
        tell(f"Interrupted. {after_interrupt(read)}")
        raise
