"""The `vltrain` command line: one module a command, imported when it runs."""

from __future__ import annotations

import typer

from vldata.terminal import print_version, run
from vltrain.cli.merge import merge
from vltrain.cli.plan import plan
from vltrain.cli.serve import export, quantize
from vltrain.cli.sft import sft

app = typer.Typer(
    help="Train, merge and export adapters for Qwen3-VL from validated records.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("plan", epilog="Example: vltrain plan recipe.yaml --gpu T4-16GB")(plan)
app.command("sft", epilog="Example: vltrain sft recipe.yaml --max-steps 10")(sft)
app.command("merge", epilog="Example: vltrain merge recipe.yaml --out merged")(merge)
app.command("quantize", epilog="Example: vltrain quantize merged --out merged-nf4")(quantize)
app.command("export", epilog="Example: vltrain export merged --to vllm --data prepared/openeqa_test")(export)


@app.callback()
def _root(version: bool = typer.Option(False, "--version", callback=print_version, is_eager=True, help="Print the version.")) -> None:
    pass


def main() -> None:
    """Entry point of `vltrain`."""
    run(app, "vltrain")
