"""`vldata sample`, `filter`, `mix`: new datasets out of registered ones."""

from __future__ import annotations

from typing import Annotated

import typer

from vldata.cli import options as opt
from vldata.wording import counted


def sample(
    target: opt.Target,
    count: Annotated[int, typer.Option("-n", "--count", help="How many records.", min=1)] = 8,
    name: opt.As = None,
    seed: opt.Seed = 0,
    overwrite: opt.Overwrite = False,
) -> None:
    """Register a random sample of a dataset as NAME_sample."""
    from vldata.datasets.select import sample as run_sample
    from vldata.output.folder import DatasetPaths, split_target
    from vldata.terminal import say

    paths = DatasetPaths(*split_target(target))
    taken = run_sample(paths, count, name=name or "", seed=seed, overwrite=overwrite)
    say(f"{name or f'{paths.name}_sample'}: {counted(taken, 'record')}.")


def filter_(
    target: opt.Target,
    where: Annotated[list[str], typer.Option(help="KEY=VALUE, KEY!=VALUE, KEY~REGEX, or tokens, images, turns with <, <=, =, >=, >.")],
    name: opt.As = None,
    overwrite: opt.Overwrite = False,
) -> None:
    """Register the records that meet every condition as NAME_filtered."""
    from vldata.datasets.select import filter_records
    from vldata.output.folder import DatasetPaths, split_target
    from vldata.terminal import say

    paths = DatasetPaths(*split_target(target))
    kept = filter_records(paths, where, name=name or "", overwrite=overwrite)
    say(f"{name or f'{paths.name}_filtered'}: {counted(kept, 'record')}.")


def mix(
    targets: Annotated[list[str], typer.Argument(help="DIR/NAME=WEIGHT, all of one folder.", metavar="DIR/NAME=WEIGHT...")],
    name: Annotated[str, typer.Option("--as", help="Name of the new dataset.")] = "mix",
    seed: opt.Seed = 0,
    total: Annotated[int | None, typer.Option(help="Records of the mixture; weights are then shares.", min=1, show_default=False)] = None,
    overwrite: opt.Overwrite = False,
) -> None:
    """Register a weighted mixture of datasets: 0.5 takes half of the records, 2 takes each twice."""
    from vldata.datasets.select import mix as run_mix
    from vldata.errors import UsageError
    from vldata.output.folder import DatasetPaths, split_target
    from vldata.terminal import say

    weights: dict[str, float] = {}
    folders = set()
    for target in targets:
        place, sign, weight = target.partition("=")
        try:
            out, dataset = split_target(place)
            weights[dataset] = float(weight) if sign else 1.0
        except ValueError:
            raise UsageError(f"{weight!r} is not a weight.", cure="For example: vldata mix prepared/a=1 prepared/b=0.5") from None
        folders.add(out)
    if len(folders) > 1:
        raise UsageError("the datasets lie in different folders.", cure="Bring them together first: vldata info FOLDER --merge OTHER")
    taken = run_mix(DatasetPaths(folders.pop(), name), weights, seed=seed, total=total, overwrite=overwrite)
    for dataset, count in taken.items():
        say(f"{dataset}: {counted(count, 'record')}.")
    say(f"{name}: {counted(sum(taken.values()), 'record')}.")
