"""`vleval gap`: why two harnesses differ on the same items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from vldata.flags import Arg, Flag
from vldata.jobs import JobResult
from vleval.settings import Reading

if TYPE_CHECKING:
    from vleval.gaps.views import GapDocument


@dataclass(frozen=True, repr=False)
class GapResult(JobResult):
    """The difference of two harnesses with its causes; see `vleval.gaps.views.GapDocument`."""

    gap: GapDocument
    exact: bool = False

    @property
    def ok(self) -> bool:
        """Whether the files could be compared; with `exact`, whether no item differs and none was guessed."""
        return not (self.exact and (self.gap.differing or self.gap.guesses))

    def lines(self) -> Iterator[str]:
        """Yield the scores, the causes and items of each."""
        from vleval.gaps.text import gap_lines

        yield from gap_lines(self.gap)

    def document(self) -> dict[str, Any]:
        """Return everything that was found; schemas/gap.schema.json describes it."""
        import msgspec

        document: dict[str, Any] = msgspec.to_builtins(self.gap)
        return document


def gap(
    first: Annotated[str, Arg("Predictions or results of one harness.", "A")],
    second: Annotated[str, Arg("Those of another, on the same items.", "B")],
    *,
    references: Annotated[
        Path | None, Flag("References that both are joined with, a file or DIR/NAME.", metavar="FILE", show_default=False)
    ] = None,
    metric: Annotated[
        str, Flag("Metric of answers in words where a file tells no score; by default relaxed_accuracy or exact_match.", show_default=False)
    ] = "",
    reading: Reading = Reading(),
    exact: Annotated[bool, Flag("Exit 1 where an item differs or was guessed.")] = False,
    tell: Callable[[str], None] = lambda _: None,
) -> GapResult:
    """Say why two harnesses differ on the same items: extraction, guesses, judge, cut answers, prompts, images, or the model's answer.

    The files of VLMEvalKit, lmms-eval and evalscope are known with what their harness does on the whole way; others are read by our rules.

    Raises:
        DataError: a file cannot be read, or they have no item in common.
        UsageError: an unknown metric.
    """
    from vleval.gaps.run import find_gap

    return GapResult(find_gap(first, second, references, reading=reading, metric=metric, tell=tell), exact)
