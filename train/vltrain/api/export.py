"""`vltrain export`: a merged model made ready for a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from vldata.flags import Flag
from vldata.jobs import JobResult
from vltrain.api.params import ModelFolder

if TYPE_CHECKING:
    from vldata.models.serving import Limits


@dataclass(frozen=True, repr=False)
class HandOver(JobResult):
    """The line that starts the server, and the limits it was made with."""

    command: str
    limits: Limits

    def lines(self) -> Iterator[str]:
        """Yield the line."""
        yield self.command

    def document(self) -> dict[str, Any]:
        """Return line, limits and context."""
        import msgspec

        return {"command": self.command, "limits": msgspec.to_builtins(self.limits), "context": self.limits.context}


def export(
    model: ModelFolder,
    *,
    to: Annotated[Literal["vllm", "lmdeploy", "ollama"], Flag("The server.")] = "vllm",
    data: Annotated[
        tuple[str, ...], Flag("Dataset whose records must fit; may be given again.", metavar="DIR/NAME", show_default=False)
    ] = (),
    answer_tokens: Annotated[int, Flag("Tokens an answer may take.", metavar="N", least=1)] = 512,
    t4: Annotated[bool, Flag("The variant for a T4 (16 GB, no bfloat16).")] = False,
) -> HandOver:
    """Print the launch line of a server, limits taken from the data; for Ollama write the Modelfile too.

    Raises:
        DataError: the model or a dataset cannot be read.
    """
    from vltrain.handing_over import export as run
    from vltrain.handing_over import limits_of

    targets = [data] if isinstance(data, str) else list(data)
    limits = limits_of(Path(model), targets, answer_tokens=answer_tokens)
    return HandOver(run(Path(model), to, limits, t4=t4), limits)
