"""`vldata split`: train, val and test by whole groups."""

from __future__ import annotations

from typing import Annotated

import typer

from vldata.cli import options as opt
from vldata.wording import counted


def split(
    target: Annotated[str, typer.Argument(help="DIR/NAME of a registered dataset.", metavar="DIR/NAME")],
    test: Annotated[float, typer.Option(help="Records of the test side; below 1, a fraction.", min=0)] = 0,
    val: Annotated[float, typer.Option(help="Records of the validation side; below 1, a fraction of what remains after test.", min=0)] = 0,
    group_by: Annotated[
        str, typer.Option(help="What stays whole: a meta key (scene, episode, ...), image (records that show a same picture), or none.")
    ] = "scene",
    seed: opt.Seed = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier split of this dataset.")] = False,
    json_output: opt.Json = False,
) -> None:
    """Split a dataset by whole groups into NAME_train, NAME_val and NAME_test of exact sizes, with a certificate."""
    import msgspec

    from vldata.output.folder import split_target
    from vldata.splits.splitting import split as run_split
    from vldata.terminal import note, say, say_json

    out, name = split_target(target)
    result = run_split(out, name, test=test, val=val, group_by=group_by, seed=seed, overwrite=overwrite)
    if json_output:
        say_json(msgspec.to_builtins(result))
        return
    for sentence in result.notes:
        note(sentence)
    for side, dataset in result.names.items():
        groups = f" in {counted(result.groups[side], 'group')}" if group_by != "none" else ""
        say(f"{dataset}: {counted(result.sizes[side], 'record')}{groups}.")
    if result.leak:
        held_out = "test" if "test" in result.sizes else "val"
        thing = "picture" if group_by == "image" else group_by
        say(f"No {thing} is on two sides. A split by rows would have leaked: {result.leak.share:.1%} of its {held_out} records")
        say(f"would share a {thing} with train (mean of {result.leak.shuffles} shuffles).")
    else:
        say("Split by rows: nothing proves that related records are on one side. --group-by names what they share.")
    note(f"Next: vldata certify {target}")
