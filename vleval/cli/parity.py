"""`vleval parity`: whether backends are shown the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vleval.cli import options as o


def parity(
    data: o.Data,
    backends: Annotated[
        str,
        typer.Option(
            help="Two or more; each is compared with the first. URL by default: the backend's usual port on this machine.",
            metavar="NAME[@MODEL[+ADAPTER]][=URL],...",
        ),
    ],
    model: Annotated[str, typer.Option(help="Model of the backends that name none.", show_default=False)] = "",
    adapter: Annotated[str, typer.Option(help="LoRA adapter folder of an hf that names no model.", show_default=False)] = "",
    rendering: Annotated[
        Path | None,
        typer.Option(help="Model folder whose template and tokenizer say what is expected; by default that of hf.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(help="Records to show.", min=1)] = 3,
    max_tokens: o.MaxTokens = 32,
    seed: o.AskSeed = 0,
    dtype: o.Dtype = "auto",
    timeout_s: o.TimeoutS = 300.0,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 also for differences that only probes show.")] = False,
    json: o.Json = False,
) -> None:
    """Show what each backend makes of a few records, and name the first thing in which they differ.

    Looked for, in the order of effect: template, order, resize, EXIF, colour, re-encoding, sampler, numerics.
    """
    from vldata.datasets.dataset import Dataset
    from vldata.terminal import note, say, say_json
    from vleval.crosscheck.backends import open_backend, parse_backends
    from vleval.crosscheck.run import compare_backends, document
    from vleval.crosscheck.text import parity_lines
    from vleval.inference.ask import Sampler

    specs = parse_backends(backends, model, adapter)
    dataset = Dataset(data)
    sampler = Sampler(max_tokens=max_tokens, seed=seed)
    opened = [open_backend(spec, sampler=sampler, dtype=dtype, timeout_s=timeout_s, key=o.api_key()) for spec in specs]
    found = compare_backends(dataset, opened, sampler=sampler, limit=limit, rendering=rendering, note=note)
    if json:
        say_json(document(found))
    else:
        for line in parity_lines(found):
            say(line)
    if not found.same or (strict and found.first):
        raise typer.Exit(1)
