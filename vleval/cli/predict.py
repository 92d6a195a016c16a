"""`vleval predict` and `vleval ping`: asking a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vleval.cli import options as o
from vleval.cli.settings import api_key

if TYPE_CHECKING:
    from vleval.predict.ask import Sampler
    from vleval.predict.run import RunOptions


def predict(
    data: o.Data,
    model: o.Model,
    out: Annotated[Path, typer.Option(help="Predictions file, one line a record.")],
    backend: o.Backend = "openai",
    base_url: o.BaseUrl = "",
    adapter: o.Adapter = "",
    dtype: o.Dtype = "auto",
    max_tokens: o.MaxTokens = 256,
    temperature: Annotated[float, typer.Option(help="0: greedy.", min=0)] = 0.0,
    top_p: Annotated[float, typer.Option(help="Nucleus sampling, with a temperature.", min=0, max=1)] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed sent to the server.")] = 0,
    stop: Annotated[list[str] | None, typer.Option(help="Text that ends an answer; may be given more than once.")] = None,
    extra: Annotated[str, typer.Option(help="JSON object of further request fields.", metavar="JSON", show_default=False)] = "",
    concurrency: Annotated[int, typer.Option(help="Most requests in flight.", min=1, max=1024)] = 16,
    timeout_s: o.TimeoutS = 300.0,
    retries: o.Retries = 5,
    limit: Annotated[int | None, typer.Option(help="Ask only the first N.", min=1, show_default=False)] = None,
    no_preflight: Annotated[bool, typer.Option("--no-preflight", help="Do not look at the server first.")] = False,
    strict: o.Strict = False,
    batch: Annotated[
        Path | None, typer.Option(help="Write the requests as an OpenAI batch file here instead of asking.", show_default=False)
    ] = None,
    from_batch: Annotated[Path | None, typer.Option(help="Read answers from a batch output instead of asking.", show_default=False)] = None,
    json: o.Json = False,
) -> None:
    """Ask a model every question of a dataset; the same command goes on after an interruption, and asks nothing twice."""
    import msgspec

    from vldata.cli.progress import count_progress
    from vldata.dataset import Dataset
    from vldata.terminal import note, say, say_json
    from vleval.predict.ask import Sampler
    from vleval.predict.run import RunOptions
    from vleval.predict.run import predict as run_predict

    sampler = Sampler(
        max_tokens=max_tokens, temperature=temperature, top_p=top_p, seed=seed, stop=tuple(stop or ()), extra=_read_extra(extra)
    )
    if batch is not None or from_batch is not None:
        _run_batch(data, model, sampler, limit, batch, from_batch, out)
        return
    options = RunOptions(
        backend=backend,
        model=model,
        adapter=adapter,
        dtype=dtype,
        base_url=base_url,
        sampler=sampler,
        concurrency=concurrency,
        timeout_s=timeout_s,
        retries=retries,
        limit=limit,
        preflight=not no_preflight,
        strict=strict,
    )
    try:
        with count_progress("answers") as show:
            result = run_predict(
                Dataset(data),
                out,
                options,
                api_key=api_key(),
                note=note,
                on_progress=lambda done, total: show(data, done, total) if show else None,
            )
    except KeyboardInterrupt:
        note(f"Interrupted. What was answered is in {out}.journal; the same command goes on from there.")
        raise SystemExit(130) from None
    if json:
        say_json({**msgspec.to_builtins(msgspec.structs.replace(result, out=str(out)))})
    else:
        say(f"{result.answered:,} of {result.total:,} answered, {result.errors:,} errors: {out}")
    if result.truncated:
        note(f"{result.truncated:,} answers were cut at --max-tokens {max_tokens}.")
    if result.errors:
        note(f"The first error: {result.first_error}. The same command asks only these again.")
        raise typer.Exit(1)
    note(f"Next: vleval score {out}")


def _run_batch(data: str, model: str, sampler: Sampler, limit: int | None, batch: Path | None, answers: Path | None, out: Path) -> None:
    from vldata.dataset import Dataset
    from vldata.terminal import note, say
    from vleval.predict.batch import read_batch, write_batch

    if batch is not None:
        count = write_batch(Dataset(data), batch, model=model, sampler=sampler, limit=limit)
        say(f"{count:,} requests: {batch}")
        note(f"Run it, for example: vllm run-batch -i {batch} -o answers.jsonl --model {model}; then the same command with --from-batch")
    if answers is not None:
        answered, errors = read_batch(Dataset(data), answers, out, model=model, sampler=sampler, limit=limit)
        say(f"{answered:,} answered, {errors:,} errors: {out}")
        if errors:
            raise typer.Exit(1)


def ping(
    data: o.Data,
    model: o.Model,
    backend: o.Backend = "openai",
    base_url: o.BaseUrl = "",
    timeout_s: o.TimeoutS = 60.0,
    strict: o.Strict = False,
) -> None:
    """Look at a server with the first question of a dataset: is the model there, and does it see the pictures we see?"""
    from vldata.dataset import Dataset
    from vldata.terminal import say
    from vleval.predict.preflight import require_good
    from vleval.predict.run import RunOptions, check_server

    options: RunOptions = RunOptions(backend=backend, model=model, base_url=base_url, timeout_s=timeout_s, retries=1)
    result = check_server(Dataset(data), options, api_key=api_key())
    for check in result.checks:
        mark = {True: "yes", False: "NO", None: "?"}[check.good]
        say(f"{mark:<4} {check.name}: {check.detail}")
    if result.model != model:
        say(f"     it answers as {result.model!r}")
    if strict:
        require_good(result.checks)


def _read_extra(text: str) -> dict[str, Any]:
    from vldata import strictjson
    from vldata.errors import UsageError

    if not text:
        return {}
    try:
        value = strictjson.loads(text)
    except strictjson.StrictJsonError as error:
        raise UsageError(f"--extra is {error}.") from None
    if not isinstance(value, dict):
        raise UsageError("--extra is not a JSON object.", cure="""For example: --extra '{"top_k": 1}'""")
    return value
