"""`vldata sample`, `filter` and `mix`: new datasets out of registered ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from vldata.api.params import DatasetTarget, NewName, Replace, Seed, new_name
from vldata.errors import UsageError
from vldata.flags import Arg, Flag
from vldata.jobs import JobResult
from vldata.output.folder import DatasetPaths, Target
from vldata.remote.reach import reaches
from vldata.wording import counted


@dataclass(frozen=True, repr=False)
class Derived(JobResult):
    """A dataset that was registered: its paths, its records, and how many came from each other one."""

    paths: DatasetPaths
    records: int
    taken: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name it is registered under."""
        return self.paths.name

    def lines(self) -> Iterator[str]:
        """Yield what was taken, and the count."""
        yield from (f"{name}: {counted(count, 'record')}." for name, count in self.taken.items())
        yield f"{self.name}: {counted(self.records, 'record')}."
        if without := self._without_thoughts():
            yield f"Answers of {', '.join(without)} have no thought next to those of the others: they are learned with the empty one."

    def _without_thoughts(self) -> list[str]:
        """The datasets of a mixture whose answers have no thoughts, where others have."""
        from vldata.output.contract import read_contract

        if len(self.taken) < 2:
            return []
        without = [name for name in self.taken if "reasoning" not in read_contract(DatasetPaths(self.paths.out, name)).parts]
        return without if len(without) < len(self.taken) else []

    def document(self) -> dict[str, Any]:
        """Return name, records and what was taken."""
        return {"name": self.name, "folder": str(self.paths.out), "records": self.records, "taken": dict(self.taken)}


@reaches(target="derive")
def sample(
    target: DatasetTarget,
    *,
    count: Annotated[int, Flag("How many records.", ("-n", "--count"), least=1)] = 8,
    name: NewName = None,
    seed: Seed = 0,
    overwrite: Replace = False,
) -> Derived:
    """Register a random sample of a dataset as NAME_sample.

    Raises:
        UsageError: more records asked for than there are.
        DataError: the dataset cannot be read, or the name is taken.
    """
    from vldata.datasets.select import sample as run

    paths = DatasetPaths.at(target)
    wanted = new_name(name, f"{paths.name}_sample")
    return Derived(DatasetPaths(paths.out, wanted), run(paths, count, name=wanted, seed=seed, overwrite=overwrite))


@reaches(target="derive")
def filter(
    target: DatasetTarget,
    *,
    where: Annotated[
        tuple[str, ...], Flag("KEY=VALUE, KEY!=VALUE, KEY~REGEX, or tokens, images, turns with <, <=, =, >=, >.", metavar="CONDITION")
    ],
    name: NewName = None,
    overwrite: Replace = False,
) -> Derived:
    """Register the records that meet every condition as NAME_filtered.

    Raises:
        UsageError: a condition that cannot be read, or an unknown key.
        DataError: no record is left, or the name is taken.
    """
    from vldata.datasets.select import filter_records

    paths = DatasetPaths.at(target)
    wanted = new_name(name, f"{paths.name}_filtered")
    conditions = [where] if isinstance(where, str) else list(where)
    return Derived(DatasetPaths(paths.out, wanted), filter_records(paths, conditions, name=wanted, overwrite=overwrite))


@reaches(targets="derive")
def mix(
    targets: Annotated[Sequence[str] | Mapping[Target, float], Arg("DIR/NAME=WEIGHT, all of one folder.", "DIR/NAME=WEIGHT...")],
    *,
    name: Annotated[str, Flag("Name of the new dataset.", ("--as",), metavar="NAME")] = "mix",
    seed: Seed = 0,
    total: Annotated[int | None, Flag("Records of the mixture; weights are then shares.", least=1, show_default=False)] = None,
    overwrite: Replace = False,
) -> Derived:
    """Register a weighted mixture of datasets: 0.5 takes half of the records, 2 takes each twice.

    Raises:
        UsageError: weights that cannot be, or datasets made with other pixel rules.
        DataError: a dataset cannot be read, or the name is taken.
    """
    from vldata.datasets.select import mix as run

    pairs = list(targets.items()) if isinstance(targets, Mapping) else [_weighted(text) for text in _listed(targets)]
    found = [(DatasetPaths.at(target), weight) for target, weight in pairs]
    folders = {paths.out for paths, _ in found}
    if len(folders) > 1:
        raise UsageError("the datasets are in different folders.", cure="Bring them together first: vldata info FOLDER --merge OTHER")
    if not folders:
        raise UsageError("no dataset is named.", cure="For example: vldata mix prepared/a=1 prepared/b=0.5")
    names = [one.name for one, _ in found]
    if twice := next((one for one in names if names.count(one) > 1), ""):
        raise UsageError(f"{twice!r} is named twice.", cure="Name each dataset once, with the sum of its weights.")
    paths = DatasetPaths(folders.pop(), name)
    taken = run(paths, {one.name: weight for one, weight in found}, seed=seed, total=total, overwrite=overwrite)
    return Derived(paths, sum(taken.values()), taken)


def _listed(targets: Sequence[str]) -> Sequence[str]:
    return [targets] if isinstance(targets, str) else targets


def _weighted(text: str) -> tuple[Target, float]:
    """Read `DIR/NAME=WEIGHT`; without a weight it is 1."""
    place, sign, weight = str(text).partition("=")
    try:
        return place, float(weight) if sign else 1.0
    except ValueError:
        raise UsageError(f"{weight!r} is not a weight.", cure="For example: vldata mix prepared/a=1 prepared/b=0.5") from None
