"""`vleval bench`: how fast a server is, by our own clock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vleval.cli import options as o

if TYPE_CHECKING:
    from vleval.inference.bench import Level


def bench(
    data: o.Data,
    model: o.Model,
    backend: o.Backend = "openai",
    base_url: o.BaseUrl = "",
    concurrency: Annotated[str, typer.Option(help="Requests in flight, one level after the other.", metavar="N,N,...")] = "1,4,16",
    requests: Annotated[int, typer.Option(help="Requests a level; 0: eight times the level, at least 16.", min=0)] = 0,
    warmup: Annotated[int, typer.Option(help="Requests before, not counted.", min=0)] = 2,
    max_tokens: o.MaxTokens = 64,
    fresh_images: Annotated[
        bool, typer.Option("--fresh-images", help="Change a pixel in every request: no picture cache can help.")
    ] = False,
    timeout_s: o.TimeoutS = 300.0,
    chart: Annotated[Path | None, typer.Option(help="Write a chart here (.svg).", show_default=False)] = None,
    json: o.Json = False,
) -> None:
    """Measure latency and throughput of a server with the questions and pictures of a dataset."""
    import msgspec

    from vldata.datasets.dataset import Dataset
    from vldata.errors import UsageError
    from vldata.terminal import note, say, say_json
    from vleval.inference import ollama_wire, openai_wire
    from vleval.inference.ask import Sampler, iter_asks
    from vleval.inference.bench import bench as run_bench
    from vleval.inference.options import RunOptions, find_wire, make_endpoint

    try:
        levels = [int(part) for part in concurrency.split(",")]
    except ValueError:
        raise UsageError(f"{concurrency!r} is not a list of numbers.", cure="For example: --concurrency 1,4,16") from None
    if not levels or min(levels) < 1 or max(levels) > 1024:
        raise UsageError("requests in flight are 1 to 1024.")
    wire = find_wire(backend)
    if wire not in (openai_wire, ollama_wire):
        raise UsageError(f"bench does not know how the {backend} backend streams.", cure="It times servers of OpenAI's API, and Ollama.")
    options = RunOptions(backend=backend, model=model, base_url=base_url, sampler=Sampler(max_tokens=max_tokens), timeout_s=timeout_s)
    asks = list(iter_asks(Dataset(data), 256))
    results = run_bench(
        make_endpoint(options, wire), wire, asks, levels, requests=requests, warmup=warmup, fresh_images=fresh_images, api_key=o.api_key()
    )
    if chart is not None:
        from vldata.files.durable import write_atomic
        from vleval.inference.bench_chart import draw_chart

        write_atomic(chart, draw_chart(results).encode())
        note(f"Chart: {chart}")
    if json:
        say_json({"model": model, "backend": backend, "max_tokens": max_tokens, "levels": msgspec.to_builtins(results)})
        return
    for line in _table(results):
        say(line)


def _table(levels: list[Level]) -> list[str]:
    names = ("in flight", "req/s", "tok/s", "first p50", "p95", "p99", "token p50", "p95", "p99", "answer p50", "p95", "p99", "errors")
    widths = (9, 9, 10, 10, 9, 9, 10, 8, 8, 11, 10, 10, 10)
    rows: list[tuple[str, ...]] = [names]
    for level in levels:
        ttft, per, total = level.ttft_ms, level.per_token_ms, level.total_ms
        times = (*(_ms(ttft, key) for key in ("p50", "p95", "p99")), *(_ms(per, key) for key in ("p50", "p95", "p99")))
        whole = tuple(_ms(total, key) for key in ("p50", "p95", "p99"))
        rates = (str(level.concurrency), f"{level.requests_per_s:,.2f}", f"{level.tokens_per_s:,.1f}")
        rows.append((*rates, *times, *whole, f"{level.errors} of {level.requests}"))
    lines = ["".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return [*lines, "Times in milliseconds by this client's clock: to the first token, a token after it, to the whole answer."]


def _ms(values: dict[str, float], key: str) -> str:
    return f"{values[key]:,.1f}" if key in values else "-"
