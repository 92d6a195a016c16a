"""`vldata leaks`: what datasets share that they should not."""

from __future__ import annotations

from typing import Annotated

import typer

from vldata.cli import options as opt
from vldata.wording import counted

PictureDistance = Annotated[
    int, typer.Option(help="Bits of 255 in which two near-duplicate pictures may differ (copies: up to 8; 33 at most).", min=0, max=33)
]
TextSimilarity = Annotated[
    float, typer.Option(help="Share of word triples that two near-duplicate texts have in common.", min=0.5, max=1.0)
]

_SHOWN = 10


def leaks(
    targets: Annotated[list[str], typer.Argument(help="DIR/NAME of two datasets or more.", metavar="DIR/NAME...")],
    picture_distance: PictureDistance = 16,
    text_similarity: TextSimilarity = 0.8,
    workers: opt.Workers = 0,
    json_output: opt.Json = False,
) -> None:
    """Find what datasets share: pictures and near-duplicates of them, whole examples, near-duplicate texts; exit 1 when anything is."""
    import msgspec

    from vldata.cli.progress import count_progress
    from vldata.errors import UsageError
    from vldata.splits.leaks import KINDS, Nearness, find_leaks
    from vldata.terminal import note, say, say_json

    if len(targets) < 2:
        raise UsageError("one dataset has nothing to be compared with.", cure="Give two: vldata leaks prepared/train prepared/test")
    with count_progress("pictures") as on_progress:
        results = find_leaks(targets, near=Nearness(picture_distance, text_similarity), workers=workers, on_progress=on_progress)
    if json_output:
        say_json([msgspec.to_builtins(result) for result in results])
    else:
        for line in dict.fromkeys(text for result in results for text in result.notes):
            note(line)
        for result in results:
            say(f"{result.first} and {result.second}: " + (f"{counted(result.total, 'leak')}." if result.total else "nothing shared."))
            for kind, title in KINDS.items():
                found = [leak for leak in result.leaks if leak.kind == kind]
                say(f"  {result.counts[kind]:>7,} {title}")
                for leak in found[:_SHOWN]:
                    say(f"          {leak.first.at} [{leak.first.id}] and {leak.second.at} [{leak.second.id}]: {leak.what}")
                if len(found) > _SHOWN:
                    say("          ... --json has more")
    if any(result.total for result in results):
        raise typer.Exit(1)
