"""`vleval serve-cmd`: the line that starts a server for a model and the records of a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from vldata.flags import Flag
from vldata.jobs import JobResult
from vldata.wording import counted
from vleval.api.predict import Data
from vleval.inference.ask import MOST_TOKENS

if TYPE_CHECKING:
    from vldata.models.serving import Limits

ServerName = Literal["vllm", "lmdeploy", "ollama", "transformers", "llama-server"]


@dataclass(frozen=True, repr=False)
class ServeLine(JobResult):
    """The line, the limits it was made with and how they were found; for Ollama the Modelfile too."""

    backend: ServerName
    model: str
    command: str
    limits: Limits
    how: str
    modelfile: str = ""

    def lines(self) -> Iterator[str]:
        """Yield what to type."""
        if self.modelfile:
            yield f"cat > {self.model}/Modelfile <<'END'\n{self.modelfile}END"
        yield self.command

    def asides(self) -> Iterator[str]:
        """Yield the limits, and what a server needs beside the line."""
        images = f"{counted(self.limits.pictures, 'picture')} of {self.limits.max_pixels:,} pixels"
        prompt = f"Longest prompt: {self.limits.prompt_tokens:,} tokens, at most {images}"
        yield f"{prompt}; {self.how}; with {self.limits.answer_tokens:,} to answer the context is {self.limits.context:,}."
        if self.backend == "ollama":
            yield "Ollama reads a merged model whose config.json names rope_theta."
            yield "`vltrain export --to ollama` writes that and the Modelfile."
        if self.backend == "llama-server":
            yield "The GGUF files are made by llama.cpp's convert_hf_to_gguf.py: once as it is, once with --mmproj."

    def document(self) -> dict[str, Any]:
        """Return line, limits, context and how they were counted."""
        import msgspec

        limits = msgspec.to_builtins(self.limits)
        document = {"command": self.command, "limits": limits, "context": self.limits.context, "counted": self.how}
        return {**document, "modelfile": self.modelfile} if self.modelfile else document


def serve_cmd(
    data: Data,
    *,
    model: Annotated[str, Flag("Folder of the model to serve, or its name on the hub.")],
    backend: Annotated[ServerName, Flag("The server to start.")] = "vllm",
    gpu: Annotated[Literal["any", "t4"], Flag("t4: 16 GB and no bfloat16.")] = "any",
    answer_tokens: Annotated[int, Flag("Tokens an answer may take.", metavar="N", least=1, most=MOST_TOKENS)] = 512,
    port: Annotated[int, Flag("Port to listen on; 0: the server's usual one.", metavar="N", least=0, most=65_535)] = 0,
) -> ServeLine:
    """Print the line that starts a server so that every record of a dataset fits, at the pixels it was made with; nothing is started.

    Raises:
        DataError: the dataset or the model folder cannot be read.
    """
    from vldata.datasets.dataset import Dataset
    from vldata.datasets.limits import dataset_limits
    from vldata.models.families import find_family
    from vldata.models.families_of import folder_family
    from vldata.models.layout import check_model_folder
    from vldata.models.serving import launch_line, modelfile

    if Path(model).is_dir() and backend != "llama-server":  # whose folder holds GGUF files
        check_model_folder(Path(model))
    dataset = Dataset(data)
    local = (Path(model) / "config.json").is_file()
    family = folder_family(Path(model)) if local else find_family(dataset.contract.pixels.processor)
    limits, how = dataset_limits(dataset, model, answer_tokens=answer_tokens)
    line = launch_line(backend, model, limits, t4=gpu == "t4", port=port, family=family)
    return ServeLine(backend, model, line, limits, how, modelfile(".", limits, family) if backend == "ollama" else "")
