"""The `vldata` command line: one module a command, imported when it runs."""

from __future__ import annotations

from typing import Any

import typer
import typer.core

from vldata.cli.certify import certify
from vldata.cli.convert import make_app
from vldata.cli.export import export
from vldata.cli.know import budget, doctor, info, stats
from vldata.cli.leaks import leaks
from vldata.cli.pii import pii
from vldata.cli.preview import preview
from vldata.cli.schema import schema
from vldata.cli.select import filter_, mix, sample
from vldata.cli.split import split
from vldata.cli.validate import validate
from vldata.terminal import print_version, run


class _ConvertFirst(typer.core.TyperGroup):
    """Lists `convert` first, where everybody begins; a group would come last."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of registration, but for the first."""
        return sorted(super().list_commands(ctx), key=lambda name: name != "convert")


app = typer.Typer(
    cls=_ConvertFirst,
    help="Convert, validate and split data for vision-language models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(make_app(), name="convert")
app.command("validate", epilog="Example: vldata validate prepared")(validate)
app.command("split", epilog="Example: vldata split prepared/openeqa --test 258 --val 0.125 --group-by scene")(split)
app.command("certify", epilog="Example: vldata certify prepared/openeqa")(certify)
app.command("leaks", epilog="Example: vldata leaks prepared/openeqa_train prepared/openeqa_test")(leaks)
app.command("pii", epilog="Example: vldata pii prepared/openeqa")(pii)
app.command("stats", epilog="Example: vldata stats prepared/openeqa")(stats)
app.command("budget", epilog="Example: vldata budget prepared/openeqa --cutoff 2048")(budget)
app.command("sample", epilog="Example: vldata sample prepared/openeqa -n 8 --seed 0")(sample)
app.command("filter", epilog="Example: vldata filter prepared/openeqa --where scene!=scene0100 --as small")(filter_)
app.command("mix", epilog="Example: vldata mix prepared/openeqa=1 prepared/openeqa_test=0.5 --as both")(mix)
app.command("export", epilog="Example: vldata export prepared/openeqa --to trl")(export)
app.command("preview", epilog="Example: vldata preview prepared/openeqa")(preview)
app.command("info", epilog="Example: vldata info prepared")(info)
app.command("doctor", epilog="Example: vldata doctor")(doctor)
app.command("schema", epilog="Example: vldata schema record")(schema)


@app.callback()
def _root(version: bool = typer.Option(False, "--version", callback=print_version, is_eager=True, help="Print the version.")) -> None:
    pass


def main() -> None:
    """Entry point of `vldata`."""
    run(app, "vldata")
