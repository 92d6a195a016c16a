"""`vltrain quantize` and `vltrain export`: a merged model made small, and made ready for a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from vldata.cli import options as opt

Model = Annotated[Path, typer.Argument(help="A merged model folder.", metavar="MODEL", show_default=False)]


def quantize(
    model: Model,
    out: Annotated[Path, typer.Option("--out", help="Folder to write.", show_default=False)],
    double: Annotated[bool, typer.Option("--double/--single", help="Quantise the scales too.")] = True,
    compute: Annotated[
        Literal["bf16", "fp16", "fp32"], typer.Option(help="Type of the parts that stay wide, and of the arithmetic.")
    ] = "bf16",
    json_output: opt.Json = False,
) -> None:
    """Quantise a merged model to four bits (nf4); vision tower and head stay in 16 bits."""
    import msgspec

    from vldata.terminal import say, say_json
    from vltrain.cli.quiet import hush
    from vltrain.quantize import quantize as run_quantize

    hush()
    result = run_quantize(model, out, double=double, compute=compute)
    if json_output:
        say_json(msgspec.to_builtins(result))
        return
    before, after = result.bytes_before / 1e6, result.bytes_after / 1e6
    say(f"{result.quantized_linears:,} linears in nf4: {before:,.1f} MB became {after:,.1f} MB in {result.output}.")


def export(
    model: Model,
    to: Annotated[Literal["vllm", "lmdeploy", "ollama"], typer.Option(help="The server.")] = "vllm",
    data: Annotated[list[str], typer.Option(help="Dataset whose records must fit; may be given again.", show_default=False)] = [],  # noqa: B006
    answer_tokens: Annotated[int, typer.Option(help="Tokens an answer may take.", min=1)] = 512,
    t4: Annotated[bool, typer.Option("--t4", help="The variant for a T4 (16 GB, no bfloat16).")] = False,
    json_output: opt.Json = False,
) -> None:
    """Print the launch line of a server, limits taken from the data; for Ollama write the Modelfile too."""
    import msgspec

    from vldata.terminal import say, say_json
    from vltrain.export import export as run_export
    from vltrain.export import limits_of

    limits = limits_of(model, data, answer_tokens=answer_tokens)
    line = run_export(model, to, limits, t4=t4)
    if json_output:
        say_json({"command": line, "limits": msgspec.to_builtins(limits), "context": limits.context})
        return
    say(line)
