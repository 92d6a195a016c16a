"""`vldata certify`: prove a split again from its files."""

from __future__ import annotations

from typing import Annotated

import typer

from vldata.cli import options as opt
from vldata.cli.leaks import PictureDistance, TextSimilarity


def certify(
    target: Annotated[str, typer.Argument(help="DIR/NAME of the dataset that was split, or of one of its sides.", metavar="DIR/NAME")],
    picture_distance: PictureDistance = 16,
    text_similarity: TextSimilarity = 0.8,
    workers: opt.Workers = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 for near-duplicates too.")] = False,
    json_output: opt.Json = False,
) -> None:
    """Prove from the files that no group, id or picture is on two sides of a split; exit 1 when one is.

    Near-duplicates across sides are shown as something to look at: a threshold finds them, and --strict makes them fail.
    """
    import msgspec

    from vldata.cli.progress import count_progress
    from vldata.output.folder import split_target
    from vldata.splits.certification import certify as run_certify
    from vldata.splits.leaks import Nearness
    from vldata.terminal import say, say_json

    near = Nearness(picture_distance, text_similarity)
    with count_progress("pictures") as on_progress:
        result = run_certify(*split_target(target), near=near, workers=workers, on_progress=on_progress)
    if json_output:
        say_json({**msgspec.to_builtins(result), "good": result.good, "spotless": result.spotless})
    else:
        sides = ", ".join(f"{side} {count:,}" for side, count in result.sides.items())
        say(f"Split of {result.parent!r} by {result.group_by}: {sides}.")
        for check in result.checks:
            word = "holds" if check.good else "FAILS" if check.proof or strict else "LOOK"
            say(f"{word:5}  {check.name}: {check.detail}")
            for example in check.examples:
                say(f"         {example}")
    if not result.good or (strict and not result.spotless):
        raise typer.Exit(1)
