"""`vleval bench`: how fast a server is, by our own clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from vldata.errors import UsageError
from vldata.flags import Flag, Group
from vldata.jobs import JobResult
from vleval.api.predict import Data
from vleval.inference.ask import MOST_TOKENS
from vleval.inference.options import AnswerTimeout, BackendName, BaseUrl, ModelName, RunOptions

if TYPE_CHECKING:
    from vleval.inference.bench import Level


class Load(Group, frozen=True, kw_only=True):
    """What a server is loaded with."""

    concurrency: Annotated[str, Flag("Requests in flight, one level after the other.", metavar="N,N,...")] = "1,4,16"
    requests: Annotated[int, Flag("Requests a level; 0: eight times the level, at least 16.", metavar="N", least=0)] = 0
    warmup: Annotated[int, Flag("Requests before, not counted.", metavar="N", least=0)] = 2
    max_tokens: Annotated[int, Flag("Most tokens of an answer.", metavar="N", least=1, most=MOST_TOKENS)] = 64
    fresh_images: Annotated[bool, Flag("Change a pixel in every request: no image cache can help.")] = False

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

    def lines(self) -> Iterator[str]:
        """Yield a table with a line a level."""
        names = ("in flight", "req/s", "tok/s", "first p50", "p95", "p99", "token p50", "p95", "p99", "answer p50", "p95", "p99", "errors")
        widths = (9, 9, 10, 10, 9, 9, 10, 8, 8, 11, 10, 10, 10)
        for row in (names, *(_row(level) for level in self.levels)):
            yield "".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield "Times in milliseconds by this client's clock: to the first token, a token after it, to the whole answer."

    def document(self) -> dict[str, Any]:
        """Return every figure."""
        import msgspec

        levels = msgspec.to_builtins(list(self.levels))
        return {"model": self.model, "backend": self.backend, "max_tokens": self.max_tokens, "levels": levels}


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
    load: Load = Load(),
    timeout_s: AnswerTimeout = 300.0,
    chart: Annotated[Path | None, Flag("Write a chart here (.svg).", metavar="FILE", show_default=False)] = None,
    api_key: str = "",
    tell: Callable[[str], None] = lambda _: None,
) -> BenchResult:
    """Measure latency and throughput of a server with the questions and images of a dataset.

    Raises:
        UsageError: a backend that cannot be timed, or levels that are no numbers.
        DataError: the dataset cannot be read.
    """
    from vldata.datasets.dataset import Dataset
    from vldata.files.durable import write_atomic
    from vleval.inference import ollama_wire, openai_wire
    from vleval.inference.ask import Sampler, iter_asks
    from vleval.inference.backends import find_server
    from vleval.inference.bench import bench as run
    from vleval.inference.bench_chart import draw_chart
    from vleval.inference.server import make_endpoint

    levels = load.levels()
    wire, url = find_server(backend)
    if wire not in (openai_wire, ollama_wire):
        raise UsageError(f"bench does not know how the {backend} backend streams.", cure="It times servers of OpenAI's API, and Ollama.")
    sampler = Sampler(max_tokens=load.max_tokens)
    endpoint = make_endpoint(RunOptions(backend=backend, model=model, base_url=base_url, sampler=sampler, timeout_s=timeout_s), wire, url)
    counts = {"requests": load.requests, "warmup": load.warmup}
    asks = list(iter_asks(Dataset(data), 256))
    found = run(endpoint, wire, asks, levels, fresh_images=load.fresh_images, api_key=api_key, **counts)
    if chart is not None:
        write_atomic(Path(chart), draw_chart(found).encode())
        tell(f"Chart: {chart}")
    return BenchResult(found, backend, model, load.max_tokens)
