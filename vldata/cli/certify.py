"""`vldata certify`: prove a split again from its files."""

from __future__ import annotations

from typing import Annotated

import typer

from vldata.cli import options as opt


def certify(
    target: Annotated[str, typer.Argument(help="DIR/NAME of the dataset that was split, or of one of its sides.", metavar="DIR/NAME")],
    json_output: opt.Json = False,
) -> None:
    """Prove from the files that no group, id or picture is on two sides of a split; exit 1 when one is."""
    import msgspec

    from vldata.certify import certify as run_certify
    from vldata.folder import split_target
    from vldata.terminal import say, say_json

    result = run_certify(*split_target(target))
    if json_output:
        say_json({**msgspec.to_builtins(result), "good": result.good})
    else:
        sides = ", ".join(f"{side} {count:,}" for side, count in result.sides.items())
        say(f"Split of {result.parent!r} by {result.group_by}: {sides}.")
        for check in result.checks:
            say(f"{'holds' if check.good else 'FAILS':5}  {check.name}: {check.detail}")
            for example in check.examples:
                say(f"         {example}")
    if not result.good:
        raise typer.Exit(1)
