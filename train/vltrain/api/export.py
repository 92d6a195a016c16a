"""`vltrain export`: a merged model made ready for a server, or turned into GGUF."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from vldata.errors import UsageError
from vldata.flags import Flag
from vldata.jobs import JobResult
from vltrain.api.params import ModelFolder

OutType = Literal["bf16", "f16", "f32", "q8_0"]

if TYPE_CHECKING:
    from vldata.models.serving import Limits
    from vltrain.gguf import GgufConversion


@dataclass(frozen=True, repr=False)
class HandOver(JobResult):
    """The line that starts the server, and the limits it was made with; for GGUF, the two runs of llama.cpp's converter too."""

    command: str
    limits: Limits
    conversion: GgufConversion | None = None

    def lines(self) -> Iterator[str]:
        """Yield what is to be run: the conversion where it was not run here, then the server."""
        if self.conversion is not None and not self.conversion.made:
            yield from map(shlex.join, self.conversion.lines)
        yield self.command

    def asides(self) -> Iterator[str]:
        """Yield what was made, or why not."""
        if self.conversion is None:
            return
        if self.conversion.made:
            yield "Made: " + ", ".join(f"{path} ({path.stat().st_size / 2**20:,.1f} MiB)" for path in self.conversion.files)
        else:
            yield "No converter of llama.cpp is here: run the first two lines where it is, or name its check-out: --llama-cpp DIR"
        yield "Then check that it gets the same input: vleval parity --backends hf@MODEL,llama-server@NAME=URL"

    def document(self) -> dict[str, Any]:
        """Return line, limits and context; for GGUF the runs, the files and whether they were made."""
        import msgspec

        found = {"command": self.command, "limits": msgspec.to_builtins(self.limits), "context": self.limits.context}
        if self.conversion is not None:
            found["conversion"] = [shlex.join(line) for line in self.conversion.lines]
            found["files"] = [str(path) for path in self.conversion.files]
            found["made"] = self.conversion.made
        return found


def export(
    model: ModelFolder,
    *,
    to: Annotated[Literal["vllm", "lmdeploy", "ollama", "gguf"], Flag("The server; gguf: files for llama-server.")] = "vllm",
    data: Annotated[
        tuple[str, ...], Flag("Dataset whose records must fit; may be given again.", metavar="DIR/NAME", show_default=False)
    ] = (),
    answer_tokens: Annotated[int, Flag("Tokens an answer may take.", metavar="N", least=1)] = 512,
    t4: Annotated[bool, Flag("The variant for a T4 (16 GB, no bfloat16).")] = False,
    out: Annotated[Path | None, Flag("Folder of the GGUF files; by default MODEL-gguf.", metavar="DIR", show_default=False)] = None,
    outtype: Annotated[OutType, Flag("Type of the GGUF's weights; with q8_0 the vision tower stays in 16 bits.")] = "bf16",
    llama_cpp: Annotated[
        Path | None, Flag("Check-out of llama.cpp, whose converter is run. Default: $LLAMA_CPP.", metavar="DIR", show_default=False)
    ] = None,
) -> HandOver:
    """Print the launch line of a server, limits taken from the data; for Ollama write the Modelfile, as GGUF convert the model.

    Raises:
        DataError: the model or a dataset cannot be read, or the converter failed.
        UsageError: the server does not serve the family.
    """
    from vldata.models.layout import check_model_folder
    from vltrain.handing_over import export as run
    from vltrain.handing_over import limits_of

    if to != "gguf" and (out is not None or llama_cpp is not None or outtype != "bf16"):
        raise UsageError(f"--out, --outtype and --llama-cpp are for --to gguf, not for {to}.", cure="Leave them out, or give --to gguf.")
    if to == "gguf" and t4:
        raise UsageError("--t4 is for --to vllm and lmdeploy.", cure="Leave it out: llama-server has no such variant.")
    targets = [data] if isinstance(data, str) else list(data)
    check_model_folder(Path(model))  # before its tokenizer is loaded
    limits = limits_of(Path(model), targets, answer_tokens=answer_tokens)
    if to != "gguf":
        return HandOver(run(Path(model), to, limits, t4=t4), limits)
    from vldata import terminal
    from vltrain.gguf import as_gguf

    folder = Path(out) if out is not None else Path(f"{str(model).rstrip('/')}-gguf")
    converter = Path(llama_cpp) if llama_cpp is not None else None
    made, command = as_gguf(Path(model), folder, limits, outtype=outtype, llama_cpp=converter, tell=terminal.note)
    return HandOver(command, limits, made)
