"""`vleval predict` and `vleval ping`: asking a server, a model in this process, or a fleet by batch files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from vldata.flags import Flag
from vldata.jobs import JobResult
from vldata.output.folder import Target
from vleval.inference.options import AnswerTimeout, BackendName, BaseUrl, ModelName, RunOptions, ServerStrict

if TYPE_CHECKING:
    from vleval.inference.batch import BatchResult
    from vleval.inference.preflight import Preflight
    from vleval.inference.run import RunResult

Data = Annotated[Target, Flag("DIR/NAME of a dataset of vldata.", metavar="DIR/NAME")]


@dataclass(frozen=True, repr=False)
class Answers(JobResult):
    """Predictions that were written; see `vleval.inference.run.RunResult`. `cure` says what to do where errors remain."""

    result: RunResult | BatchResult
    out: Path
    max_tokens: int
    cure: str

    @property
    def ok(self) -> bool:
        """Whether every question was answered."""
        return not self.result.first_error

    def lines(self) -> Iterator[str]:
        """Yield the counts and the file."""
        yield f"{self.result.answered:,} of {self.result.total:,} answered, {self.result.errors:,} errors: {self.out}"

    def asides(self) -> Iterator[str]:
        """Yield what was cut, the first error, or the next step."""
        from vleval.inference.retry import as_sentence

        asked = self.result.total - getattr(self.result, "taken_over", self.result.total)
        seconds = getattr(self.result, "seconds", 0.0)
        if asked and seconds:
            yield f"{asked:,} asked in {seconds:,.1f} s: {asked / seconds:,.2f} answers a second, loading included."

        if truncated := getattr(self.result, "truncated", 0):
            yield f"{truncated:,} answers were cut at --max-tokens {self.max_tokens}, or are a thought without an answer."
        if refused := getattr(self.result, "refused", 0):
            yield f"{refused:,} replies are refusals, were stopped by a filter, or call a tool: finish_reason says which."
        if unopened := getattr(self.result, "unopened", 0):
            yield (
                f"{unopened:,} answers close a thought that they never opened: what stands before the mark is taken for the thought and "
                "kept in `reasoning`, mark included. Of a model that does not think it is a part of the answer."
            )
        if self.result.first_error:
            yield f"The first error: {as_sentence(self.result.first_error)} {self.cure}"
        else:
            yield f"Next: vleval score {self.out}"

    def document(self) -> Any:
        """Return every count."""
        import msgspec

        return msgspec.to_builtins(self.result, enc_hook=str)


@dataclass(frozen=True, repr=False)
class Requests(JobResult):
    """A batch file that was written."""

    out: Path
    requests: int
    model: str

    def lines(self) -> Iterator[str]:
        """Yield the count and the file."""
        yield f"{self.requests:,} requests: {self.out}"

    def asides(self) -> Iterator[str]:
        """Yield what to do with it."""
        yield f"Have them answered, for example: vllm run-batch -i {self.out} -o answers.jsonl --model {self.model}"
        yield "Then the same command with --from-batch answers.jsonl and another --out, for the predictions."

    def document(self) -> dict[str, Any]:
        """Return file and count."""
        return {"out": str(self.out), "requests": self.requests}


def predict(
    data: Data,
    out: Annotated[Path, Flag("Predictions file, one line a record; with --format batch the requests.", metavar="FILE")],
    *,
    options: RunOptions,
    format: Annotated[
        Literal["predictions", "batch"], Flag("batch: ask nobody; write the requests to --out as an OpenAI batch file.")
    ] = "predictions",
    from_batch: Annotated[
        Path | None, Flag("Ask nobody: read the answers from the output of such a batch.", metavar="FILE", show_default=False)
    ] = None,
    samples: Annotated[int, Flag("Answers a question, drawn with a seed each; needs a --temperature.", metavar="K", least=1, most=128)] = 1,
    api_key: str = "",
    tell: Callable[[str], None] = lambda _: None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Answers | Requests:
    """Ask a model every question of a dataset; the same command goes on after an interruption, and asks nothing twice.

    Raises:
        UsageError: there is no such backend, it cannot be asked like this, or `out` is no place for a file; nothing was asked.
        DataError: there is nothing to ask, or something on this disk cannot be read or written.
    """
    from vldata.datasets.dataset import Dataset
    from vleval.inference.batch import read_batch, write_batch
    from vleval.inference.run import predict as run
    from vleval.inference.samples import check_samples, predict_samples

    dataset, out, most = Dataset(data), Path(out), options.sampler.max_tokens
    check_samples(samples, options, batch=from_batch is not None or format == "batch")
    if from_batch is not None:
        cure = "Have the batch answered again and read the new output."
        return Answers(read_batch(dataset, Path(from_batch), out, options, note=tell), out, most, cure)
    if format == "batch":
        return Requests(out, write_batch(dataset, out, options, note=tell), options.model)

    def show(done: int, total: int) -> None:
        if on_progress is not None:
            on_progress(dataset.name, done, total)

    try:
        ask = predict_samples(samples) if samples > 1 else run
        result = ask(dataset, out, options, api_key=api_key, note=tell, on_progress=show)
    except KeyboardInterrupt:
        tell(f"Interrupted. What was answered is in {out}.journal; the same command goes on from there.")
        raise
    return Answers(result, out, most, "The same command asks only these again.")


@dataclass(frozen=True, repr=False)
class Ping(JobResult):
    """What a server is like; see `vleval.inference.preflight.Preflight`."""

    preflight: Preflight
    backend: str
    model: str
    strict: bool = False

    @property
    def ok(self) -> bool:
        """Whether the server sees the images, and is as the contract says where that is asked for."""
        return not any(check.good is False and (self.strict or check.vital) for check in self.preflight.checks)

    def lines(self) -> Iterator[str]:
        """Yield a line a check."""
        for check in self.preflight.checks:
            mark = {True: "yes", False: "NO", None: "?"}[check.good]
            yield f"{mark:<4} {check.name}: {check.detail}"

    def document(self) -> Any:
        """Return the checks."""
        import msgspec

        return {"model": self.model, "backend": self.backend, **msgspec.to_builtins(self.preflight)}


def ping(
    data: Data,
    *,
    model: ModelName,
    backend: BackendName = "openai",
    base_url: BaseUrl = "",
    timeout_s: AnswerTimeout = 60.0,
    strict: ServerStrict = False,
    api_key: str = "",
) -> Ping:
    """Look at a server with the first question of a dataset: is the model there, and does it see the images we see?

    Raises:
        UsageError: there is no such backend, or it has no server.
        DataError: the dataset cannot be read.
    """
    from vldata.datasets.dataset import Dataset
    from vleval.inference.run import check_server

    options = RunOptions(backend=backend, model=model, base_url=base_url, timeout_s=timeout_s, retries=1)
    return Ping(check_server(Dataset(data), options, api_key=api_key), backend, model, strict)
