"""New datasets out of registered ones: a sample, those that meet conditions, or a weighted mixture."""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import msgspec

from vldata.datasets.chance import draw_rows
from vldata.datasets.derive import NewDataset, publish_parts, read_media
from vldata.datasets.mixture import Mixture
from vldata.datasets.rows import ChosenRows, Rows, row_numbers
from vldata.datasets.whole import read_whole
from vldata.errors import DataError, UsageError
from vldata.output.contract import Contract, Counts, read_contract
from vldata.output.dataset_info import read_dataset_info
from vldata.output.folder import DatasetPaths, check_name
from vldata.output.journal import recover
from vldata.output.ownership import hold_dataset
from vldata.output.publish import MediaLine
from vldata.output.tokens import estimate_text_tokens, text_bytes
from vldata.records.draft import Setting
from vldata.records.record import Record
from vldata.suggest import nearest

_CONDITION = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*(!=|<=|>=|=|<|>|~)\s*(.*?)\s*", re.DOTALL)
MAX_MIXED = 100_000_000
_TOO_MANY = "A mixture is held in memory: take smaller weights, or fewer records with --total."
_NUMBERS = ("tokens", "images", "videos", "turns")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def sample(paths: DatasetPaths, count: int, *, name: str = "", seed: int = 0, overwrite: bool = False) -> int:
    """Register a random sample of a dataset, in its own order, as `name` (default NAME_sample). Returns how many records it has.

    Raises:
        UsageError: more records asked for than there are.
        DataError: the dataset cannot be read, or the name is taken.
    """
    contract = read_contract(paths)
    with read_whole(paths, contract) as whole:
        if not 0 < count <= len(whole):
            raise UsageError(f"{count:,} records cannot be sampled from {len(whole):,}.")
        there = bytearray(len(whole))
        for row in draw_rows(random.Random(seed), count, len(whole)):
            there[row] = 1
        rows = row_numbers(row for row, taken in enumerate(there) if taken)
        settings: dict[str, Setting] = {"sample": {"of": paths.name, "count": count, "seed": seed}}
        chosen = ChosenRows(whole, rows)
        _publish(paths, name or f"{paths.name}_sample", chosen, len(whole), contract, settings, overwrite=overwrite)
        return count


def filter_records(paths: DatasetPaths, conditions: Sequence[str], *, name: str = "", overwrite: bool = False) -> int:
    """Register the records that meet every condition as `name` (default NAME_filtered). Returns how many there are.

    A condition is `KEY OP VALUE`: a meta key with `=`, `!=` or `~` (a regular expression that matches somewhere), or `tokens`,
    `images` or `turns` with a comparison of numbers; or `wanted=true` in data for KTO. Tokens are vision tokens plus the estimate of text.

    Raises:
        UsageError: a condition that cannot be read or an unknown key.
        DataError: no record is left, or the name is taken.
    """
    contract = read_contract(paths)
    media = read_media(paths)
    tests = [_parse(condition, contract, media) for condition in conditions]
    with read_whole(paths, contract) as whole:
        rows = row_numbers(row for row, record in enumerate(whole.records) if all(test(record) for test in tests))
        if not rows:
            raise DataError(f"no record of {len(whole):,} meets {' and '.join(conditions)}.", where=paths.name)
        settings: dict[str, Setting] = {"filter": {"of": paths.name, **{f"where{index}": text for index, text in enumerate(conditions)}}}
        chosen = ChosenRows(whole, rows)
        _publish(paths, name or f"{paths.name}_filtered", chosen, len(whole), contract, settings, overwrite=overwrite)
        return len(rows)


def mix(
    out: DatasetPaths, weights: dict[str, float], *, seed: int = 0, total: int | None = None, overwrite: bool = False
) -> dict[str, int]:
    """Register a mixture of datasets of one folder under `out.name`. Returns how many records each gave.

    Args:
        out: folder and new name.
        weights: dataset name to weight: how often each of its records is taken (0.5: half of them, 2: each twice), or, with `total`,
            its share. A record taken again gets `#2`, `#3` behind its id.
        seed: of the choice and of the order.
        total: records of the mixture.
        overwrite: replace a mixture of that name.

    Raises:
        UsageError: weights that cannot be, or datasets made with other pixel rules.
        DataError: a dataset cannot be read, or the name is taken.
    """
    if not weights or any(not 0 < weight <= MAX_MIXED for weight in weights.values()):
        raise UsageError(
            f"weights must be above 0 and at most {MAX_MIXED:,}.", cure="For example: vldata mix prepared/a=1 prepared/b=0.5 --as both"
        )
    contracts = {name: read_contract(DatasetPaths(out.out, name)) for name in weights}
    base = _common_contract(contracts)
    columns = tuple(dict.fromkeys(column for contract in contracts.values() for column in contract.columns))
    if total is not None and not 0 < total <= MAX_MIXED:
        raise UsageError(f"--total {total:,} is not between 1 and {MAX_MIXED:,}.", cure=_TOO_MANY)
    settings: dict[str, Setting] = {"mix": {**weights, "seed": seed, "total": total}}
    sources = tuple(dict.fromkeys(source for contract in contracts.values() for source in contract.sources))
    videos = next((contract.videos for contract in contracts.values() if contract.videos is not None), None)
    contract = msgspec.structs.replace(
        base, converter="mix", columns=columns, settings=settings, sources=sources, split=None, videos=videos
    )
    media: dict[str, MediaLine] = {}
    with ExitStack() as opened:
        mixture, taken = _mixture(out, contracts, weights, Mixture(columns, random.Random(seed)), total, opened)
        for name in weights:
            media |= read_media(DatasetPaths(out.out, name))
        mixture.settle()
        _publish(out, out.name, mixture, len(mixture), contract, settings, overwrite=overwrite, media=media)
    return taken


def _mixture(
    out: DatasetPaths, contracts: dict[str, Contract], weights: dict[str, float], mixture: Mixture, total: int | None, opened: ExitStack
) -> tuple[Mixture, dict[str, int]]:
    """Take from each dataset what its weight asks for. Returns also how many records each gave."""
    share = total / sum(weights.values()) if total else None
    taken: dict[str, int] = {}
    for name, weight in weights.items():
        paths = DatasetPaths(out.out, name)
        own = opened.enter_context(read_whole(paths, contracts[name]))
        if not len(own):
            raise DataError("has no records to take.", where=str(paths.out / name), cure="Leave it out of the mixture.")
        exact = weight * (share if share else len(own))
        if exact + len(mixture) > MAX_MIXED:
            raise UsageError(f"{name}={weight:g} makes more than {MAX_MIXED:,} records.", cure=_TOO_MANY)
        taken[name] = round(exact)
        mixture.take(own, taken[name])
    if not len(mixture):
        raise DataError("the mixture would have no records.", where=str(out.out / out.name), cure="Take larger weights.")
    return mixture, taken


def _common_contract(contracts: dict[str, Contract]) -> Contract:
    first, *others = contracts.values()
    for other in others:
        if (other.pixels, other.coordinate_space) != (first.pixels, first.coordinate_space):
            raise UsageError(
                f"{first.name!r} and {other.name!r} were made with other pixel rules.",
                cure="Convert both with one --processor, budget and box format; otherwise no single contract holds for the mixture.",
            )
    return first


def _publish(
    paths: DatasetPaths,
    name: str,
    rows: Rows,
    read: int,
    contract: Contract,
    settings: dict[str, Setting],
    *,
    overwrite: bool,
    media: dict[str, MediaLine] | None = None,
) -> None:
    target = DatasetPaths(paths.out, check_name(name))
    counts = Counts(read=read, written=len(rows), rejected=0, excluded=read - len(rows))
    base = msgspec.structs.replace(contract, settings={**contract.settings, **settings}, counts=counts, split=None)
    made_by = next(iter(settings))
    with hold_dataset(target):
        recover(target, made_by, owned=(target.name,))
        _refuse_taken(target, settings, overwrite=overwrite)
        publish_parts(target, [NewDataset(name, rows, base)], media if media is not None else read_media(paths), made_by=made_by)


def _refuse_taken(target: DatasetPaths, settings: dict[str, Setting], *, overwrite: bool) -> None:
    """Refuse a name in use, unless it is an earlier result of the same kind of command and may be replaced."""
    if target.name not in read_dataset_info(target.out) and not target.records.exists():
        return
    kind = next(iter(settings))
    ours = target.contract.exists() and kind in read_contract(target).settings
    if not (ours and overwrite):
        cure = "Replace it with --overwrite, or choose another name with --as." if ours else "Choose another name with --as."
        raise DataError(f"{target.name!r} is there already.", where=str(target.out), cure=cure)


def _parse(condition: str, contract: Contract, media: dict[str, MediaLine]) -> Callable[[Record], bool]:
    match = _CONDITION.fullmatch(condition)
    if not match:
        raise UsageError(f"{condition!r} is not a condition.", cure="For example: --where category=human --where 'tokens<=2048'")
    key, sign, value = match.groups()
    if key in _NUMBERS and key not in contract.columns:
        return _number_test(condition, key, sign, value, contract, media)
    if key == "wanted" and "wanted" in contract.parts and sign in ("=", "!=") and value in ("true", "false"):
        asked = (value == "true") == (sign == "=")
        return lambda record: record.wanted is asked
    if key not in contract.columns:
        raise UsageError(
            f"no meta key {key!r}.{nearest(key, (*contract.columns, *_NUMBERS))}", cure=f"There are: {', '.join(contract.columns)}."
        )
    if sign == "=":
        return lambda record: record.meta[key] == value
    if sign == "!=":
        return lambda record: record.meta[key] != value
    if sign != "~":
        raise UsageError(f"{condition!r}: meta values are text.", cure="Use =, != or ~.")
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise UsageError(f"{value!r} is not a regular expression: {error}.") from None
    return lambda record: pattern.search(record.meta[key]) is not None


def _number_test(
    condition: str, key: str, sign: str, value: str, contract: Contract, media: dict[str, MediaLine]
) -> Callable[[Record], bool]:
    try:
        limit = float(value)
        compare = _COMPARE[sign]
    except (ValueError, KeyError):
        raise UsageError(f"{condition!r}: {key} is compared with a number.", cure=f"For example: {key}<=2048") from None
    processor = contract.pixels.processor

    def count(record: Record) -> int:
        if key == "images":
            return len(record.images)
        if key == "videos":
            return len(record.kept_videos)
        if key == "turns":
            return len(record.messages)
        vision = sum(media[path].tokens(processor) for path in record.media)
        return vision + estimate_text_tokens(text_bytes(record), len(record.messages))

    return lambda record: compare(count(record), limit)
