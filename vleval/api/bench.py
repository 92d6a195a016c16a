"""`vleval bench`: how fast a server is, by our own clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from vldata.errors import UsageError
from vldata.flags import Flag, OptionGroup
from vldata.jobs import JobResult
from vleval.api.predict import Data
from vleval.inference.ask import MOST_TOKENS
from vleval.inference.options import Adapter, AnswerTimeout, BackendName, BaseUrl, ModelName, RunOptions

if TYPE_CHECKING:
    from vldata.datasets.dataset import Dataset
    from vleval.inference.ask import Ask
    from vleval.inference.backend import BackendKind
    from vleval.inference.bench import Level, Run

_LATE_MS = 10.0  # from which a client that lags behind is named


class Load(OptionGroup, frozen=True, kw_only=True):
    """What a server is loaded with."""

    concurrency: Annotated[str, Flag("Requests in flight, one level after the other.", metavar="N,N,...")] = "1,4,16"
    requests: Annotated[int, Flag("Requests a level; 0: eight times the level, at least 16.", metavar="N", least=0)] = 0
    warmup: Annotated[int, Flag("Requests before, not counted.", metavar="N", least=0)] = 2
    max_tokens: Annotated[int, Flag("Most tokens of an answer.", metavar="N", least=1, most=MOST_TOKENS)] = 64
    fresh_images: Annotated[bool, Flag("Change a pixel in every request: no image cache can help.")] = False
    rate: Annotated[str, Flag("Requests a second that arrive at random, answered or not (an open loop).", metavar="R,R,...")] = ""
    goal_ms: Annotated[
        float, Flag("Search the highest rate whose 95th percentile stays below this; 0: no search.", ("--goal-ms",), metavar="MS", least=0)
    ] = 0.0
    goal: Annotated[Literal["first", "answer"], Flag("Of which time: to the first token, or to the whole answer.")] = "answer"

    def rates(self) -> list[float]:
        """Return the rates of an open loop; none for a closed one.

        Raises:
            UsageError: they are no numbers, or out of range.
        """
        try:
            rates = [float(part) for part in self.rate.split(",")] if self.rate else []
        except ValueError:
            raise UsageError(f"{self.rate!r} is not a list of numbers.", cure="For example: --rate 1,2,4") from None
        if not all(0.001 <= rate <= 10_000 for rate in rates):
            raise UsageError("rates are 0.001 to 10,000 requests a second.")
        if rates and self.goal_ms:
            raise UsageError("--goal-ms searches the rate itself.", cure="Leave --rate out.")
        return rates

    def levels(self) -> list[int]:
        """Return the numbers of requests in flight.

        Raises:
            UsageError: they are no numbers, or out of range.
        """
        try:
            levels = [int(part) for part in self.concurrency.split(",")]
        except ValueError:
            raise UsageError(f"{self.concurrency!r} is not a list of numbers.", cure="For example: --concurrency 1,4,16") from None
        if not levels or min(levels) < 1 or max(levels) > 1024:
            raise UsageError("requests in flight are 1 to 1024.")
        return levels


@dataclass(frozen=True, repr=False)
class BenchResult(JobResult):
    """Latency and throughput at each level; see `vleval.inference.bench.Level`."""

    levels: Sequence[Level]
    backend: str
    model: str
    max_tokens: int
    run: Run

    def lines(self) -> Iterator[str]:
        """Yield a table with a line a level."""
        names = ("in flight", "req/s", "tok/s", "first p50", "p95", "p99", "token p50", "p95", "p99", "answer p50", "p95", "p99", "errors")
        widths = (9, 9, 10, 10, 9, 9, 10, 8, 8, 11, 10, 10, 10)
        for row in (names, *(_row(level) for level in self.levels)):
            yield "".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield "Times in milliseconds by this client's clock: to the first token, a token after it, to the whole answer."
        if self.levels[0].rate:
            yield "Requests arrived at random; their clock starts when they were due."
        late = max((level.late_ms.get("p95", 0.0) for level in self.levels), default=0.0)
        if late > _LATE_MS:
            yield f"This client sent requests {late:,.0f} ms late (p95): it could not keep up, and the times are its own."
        if self.run.goal_ms:
            yield self._found()

    def _found(self) -> str:
        from vleval.inference.bench import kept_goal

        kept = [level.rate for level in self.levels if kept_goal(level, self.run)]
        what = "the first token" if self.run.goal == "first" else "the whole answer"
        goal = f"p95 of {what} below {self.run.goal_ms:,.0f} ms"
        return f"{goal}: up to {max(kept):,.2f} requests a second." if kept else f"{goal}: not kept at any rate that was tried."

    def document(self) -> dict[str, Any]:
        """Return every figure."""
        import msgspec

        levels = msgspec.to_builtins(list(self.levels))
        return {
            "model": self.model,
            "backend": self.backend,
            "max_tokens": self.max_tokens,
            "levels": levels,
            "run": msgspec.to_builtins(self.run),
        }


def _row(level: Level) -> tuple[str, ...]:
    times = [_ms(values, key) for values in (level.ttft_ms, level.per_token_ms, level.total_ms) for key in ("p50", "p95", "p99")]
    rates = (str(level.concurrency), f"{level.requests_per_s:,.2f}", f"{level.tokens_per_s:,.1f}")
    return (*rates, *times, f"{level.errors} of {level.requests}")


def _ms(values: dict[str, float], key: str) -> str:
    return f"{values[key]:,.1f}" if key in values else "-"


def bench(
    data: Data,
    *,
    model: ModelName,
    backend: BackendName = "openai",
    base_url: BaseUrl = "",
    adapter: Adapter = "",
    load: Load = Load(),
    timeout_s: AnswerTimeout = 300.0,
    chart: Annotated[Path | None, Flag("Write a chart here (.svg).", metavar="FILE", show_default=False)] = None,
    api_key: str = "",
    tell: Callable[[str], None] = lambda _: None,
) -> BenchResult:
    """Measure latency and throughput of a server, or of a model in this process, with the questions and images of a dataset.

    Raises:
        UsageError: a backend that cannot be timed, or levels that are no numbers.
        DataError: the dataset cannot be read.
    """
    from vldata.datasets.dataset import Dataset
    from vldata.files.durable import write_atomic
    from vleval.inference import ollama_wire, openai_wire
    from vleval.inference.ask import Sampler, iter_asks
    from vleval.inference.backends import find_backend, find_server
    from vleval.inference.bench import Run
    from vleval.inference.bench import bench as bench_server
    from vleval.inference.bench_chart import draw_chart
    from vleval.inference.server import make_endpoint

    run = Run(
        levels=tuple(load.levels()),
        rates=tuple(load.rates()),
        goal_ms=load.goal_ms,
        goal=load.goal,
        requests=load.requests,
        warmup=load.warmup,
        fresh_images=load.fresh_images,
    )
    options = RunOptions(
        backend=backend, model=model, base_url=base_url, sampler=Sampler(max_tokens=load.max_tokens), timeout_s=timeout_s, adapter=adapter
    )
    dataset, kind = Dataset(data), find_backend(backend)
    asks = list(iter_asks(dataset, 256))
    if kind.in_process(options):
        found = _in_process(kind, dataset, asks, options, run, tell)
    else:
        wire, url = find_server(backend)
        if wire not in (openai_wire, ollama_wire):
            raise UsageError(
                f"bench does not know how the {backend} backend streams.", cure="It times servers of OpenAI's API, and Ollama."
            )
        found = bench_server(make_endpoint(options, wire, url), wire, asks, run, api_key=api_key)
    if chart is not None:
        write_atomic(Path(chart), draw_chart(found).encode())
        tell(f"Chart: {chart}")
    return BenchResult(found, backend, model, load.max_tokens, run)


def _in_process(
    kind: BackendKind, dataset: Dataset, asks: Sequence[Ask], options: RunOptions, run: Run, tell: Callable[[str], None]
) -> list[Level]:
    """Load the model and time it.

    Raises:
        UsageError: a load that only a server can be given.
        DataError: there is nothing to ask.
    """
    from vleval.inference.ask import no_records
    from vleval.inference.backend import Opening
    from vleval.inference.bench_engine import bench_engine

    if run.rates or run.goal_ms or run.fresh_images:
        raise UsageError(
            "--rate, --goal-ms and --fresh-images are for servers: a model in this process is handed its questions.",
            cure="Start a server (vleval serve-cmd prints the line), or leave them out.",
        )
    if not asks:
        raise no_records(dataset)
    backend = kind.open(Opening(dataset=dataset, options=options, first=asks[0], api_key="", note=tell))
    return bench_engine(backend, asks, run)
