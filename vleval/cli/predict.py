"""`vleval predict` and `vleval ping`: asking a server, a model in this process, or a fleet by batch files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vleval.cli import options as o

if TYPE_CHECKING:
    from vleval.inference.options import RunOptions


def predict(
    data: o.Data,
    model: o.Model,
    out: Annotated[Path, typer.Option(help="Predictions file, one line a record; with --format batch the requests.")],
    backend: o.Backend = "openai",
    base_url: o.BaseUrl = "",
    adapter: o.Adapter = "",
    dtype: o.Dtype = "auto",
    max_tokens: o.MaxTokens = 256,
    temperature: Annotated[float, typer.Option(help="0: greedy.", min=0, max=100, callback=o.a_number)] = 0.0,
    top_p: Annotated[float, typer.Option(help="Nucleus sampling, with a temperature.", min=0, max=1, callback=o.a_number)] = 1.0,
    seed: o.AskSeed = 0,
    stop: Annotated[list[str] | None, typer.Option(help="Text that ends an answer; may be given more than once.")] = None,
    extra: Annotated[str, typer.Option(help="JSON object of further request fields.", metavar="JSON", show_default=False)] = "",
    concurrency: Annotated[int, typer.Option(help="Most requests in flight.", min=1, max=1024)] = 16,
    timeout_s: o.TimeoutS = 300.0,
    retries: o.Retries = 5,
    limit: Annotated[int | None, typer.Option(help="Ask only the first N.", min=1, show_default=False)] = None,
    no_preflight: Annotated[bool, typer.Option("--no-preflight", help="Do not look at the server first.")] = False,
    strict: o.Strict = False,
    format: Annotated[
        Literal["predictions", "batch"], typer.Option(help="batch: ask nobody; write the requests to --out as an OpenAI batch file.")
    ] = "predictions",
    from_batch: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ask nobody: read the answers from the output of such a batch.", show_default=False)
    ] = None,
    json: o.Json = False,
) -> None:
    """Ask a model every question of a dataset; the same command goes on after an interruption, and asks nothing twice."""
    from vleval.inference.ask import Sampler
    from vleval.inference.options import RunOptions

    options = RunOptions(
        backend=backend,
        model=model,
        adapter=adapter,
        dtype=dtype,
        base_url=base_url,
        sampler=Sampler(
            max_tokens=max_tokens, temperature=temperature, top_p=top_p, seed=seed, stop=tuple(stop or ()), extra=_read_extra(extra)
        ),
        concurrency=concurrency,
        timeout_s=timeout_s,
        retries=retries,
        limit=limit,
        preflight=not no_preflight,
        strict=strict,
    )
    if from_batch is not None:
        _read_batch(data, from_batch, out, options, json)
    elif format == "batch":
        _write_batch(data, out, options, json)
    else:
        _ask(data, out, options, json)


def _ask(data: str, out: Path, options: RunOptions, json: bool) -> None:
    import msgspec

    from vldata.datasets.dataset import Dataset
    from vldata.progress import count_progress
    from vldata.terminal import note, say, say_json
    from vleval.inference.run import predict as run_predict

    try:
        with count_progress("answers") as show:
            result = run_predict(
                Dataset(data),
                out,
                options,
                api_key=o.api_key(),
                note=note,
                on_progress=lambda done, total: show(data, done, total) if show else None,
            )
    except KeyboardInterrupt:
        note(f"Interrupted. What was answered is in {out}.journal; the same command goes on from there.")
        raise SystemExit(130) from None
    if json:
        say_json(msgspec.to_builtins(result, enc_hook=str))
    else:
        say(f"{result.answered:,} of {result.total:,} answered, {result.errors:,} errors: {out}")
    if result.truncated:
        note(f"{result.truncated:,} answers were cut at --max-tokens {options.sampler.max_tokens}.")
    _end(result.first_error, "The same command asks only these again.", out)


def _write_batch(data: str, out: Path, options: RunOptions, json: bool) -> None:
    from vldata.datasets.dataset import Dataset
    from vldata.terminal import note, say, say_json
    from vleval.inference.batch import write_batch

    count = write_batch(Dataset(data), out, options, note=note)
    if json:
        say_json({"out": str(out), "requests": count})
    else:
        say(f"{count:,} requests: {out}")
    note(f"Have them answered, for example: vllm run-batch -i {out} -o answers.jsonl --model {options.model}")
    note("Then the same command with --from-batch answers.jsonl and another --out, for the predictions.")


def _read_batch(data: str, answers: Path, out: Path, options: RunOptions, json: bool) -> None:
    import msgspec

    from vldata.datasets.dataset import Dataset
    from vldata.terminal import note, say, say_json
    from vleval.inference.batch import read_batch

    result = read_batch(Dataset(data), answers, out, options, note=note)
    if json:
        say_json(msgspec.to_builtins(result, enc_hook=str))
    else:
        say(f"{result.answered:,} of {result.total:,} answered, {result.errors:,} errors: {out}")
    _end(result.first_error, "Have the batch answered again and read the new output.", out)


def _end(first_error: str, cure: str, out: Path) -> None:
    """End a command that wrote predictions: 1 where errors remain."""
    from vldata.terminal import note
    from vleval.inference.retry import as_sentence

    if first_error:
        note(f"The first error: {as_sentence(first_error)} {cure}")
        raise typer.Exit(1)
    note(f"Next: vleval score {out}")


def ping(
    data: o.Data,
    model: o.Model,
    backend: o.Backend = "openai",
    base_url: o.BaseUrl = "",
    timeout_s: o.TimeoutS = 60.0,
    strict: o.Strict = False,
    json: o.Json = False,
) -> None:
    """Look at a server with the first question of a dataset: is the model there, and does it see the pictures we see?"""
    import msgspec

    from vldata.datasets.dataset import Dataset
    from vldata.terminal import say, say_json
    from vleval.inference.options import RunOptions
    from vleval.inference.preflight import require_good
    from vleval.inference.run import check_server

    options = RunOptions(backend=backend, model=model, base_url=base_url, timeout_s=timeout_s, retries=1)
    result = check_server(Dataset(data), options, api_key=o.api_key())
    if json:
        say_json({"model": model, "backend": backend, **msgspec.to_builtins(result)})
    for check in () if json else result.checks:
        mark = {True: "yes", False: "NO", None: "?"}[check.good]
        say(f"{mark:<4} {check.name}: {check.detail}")
    if strict:
        require_good(result.checks)


def _read_extra(text: str) -> dict[str, Any]:
    import msgspec

    from vldata.errors import UsageError
    from vldata.files import strictjson

    example = """For example: --extra '{"top_k": 1}'"""
    if not text:
        return {}
    try:
        value = strictjson.loads(text)
    except strictjson.StrictJsonError as error:
        raise UsageError(f"--extra cannot be read: {error}.", cure=example) from None
    if not isinstance(value, dict):
        raise UsageError("--extra is not a JSON object.", cure=example)
    try:
        msgspec.msgpack.encode(value)  # as a request's key is made
    except OverflowError:
        raise UsageError("--extra holds a number of more than 64 bits.", cure=example) from None
    return value
