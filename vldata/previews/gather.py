"""Reading a dataset for its gallery: one pass that counts everything, one that takes the records to show."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.datasets.derive import read_media
from vldata.datasets.rows import row_numbers
from vldata.datasets.stats import text_tokens
from vldata.errors import DataError
from vldata.files import strictjson
from vldata.models.text import TextCounter, load_text_counter
from vldata.output.contract import Contract, Spread, spread_counted
from vldata.output.folder import Target
from vldata.output.publish import MediaLine
from vldata.output.sides import iter_sides, parent_digest
from vldata.previews.drawn import drawn_shapes
from vldata.previews.items import MAX_PICTURES, Note, PreviewImage, PreviewItem, make_broken_item, make_item
from vldata.records.findings import Finding
from vldata.records.record import Record, decode_record
from vldata.splits.digests import Digests, iter_parts
from vldata.splits.grouping import SIDES
from vldata.validation import validate

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_VALUES = 40
_MIN_SHARE = 3  # a key whose values are on average in fewer records tells them apart and sorts nothing

Line = tuple[str, int, bytes]  # file, number, bytes


class Facet(msgspec.Struct, frozen=True):
    """A meta key worth filtering by, or `side`: its values with their numbers of records, the most frequent first; sides in their order."""

    name: str
    values: dict[str, int]


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted over all records, shown or not; `tokens` is how many records have each number of tokens."""

    records: int
    pictures: int
    videos: int
    tokens: dict[int, int]
    vision: Spread
    total: Spread
    text_counted: bool
    facets: tuple[Facet, ...]
    counts: dict[str, int]
    folder_findings: tuple[Note, ...]
    rejects: dict[str, int]
    notes: tuple[str, ...]


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a page is drawn from but the pictures themselves."""

    name: str
    contract: Contract
    overview: Overview
    items: tuple[PreviewItem, ...]
    pictures: tuple[PreviewImage, ...]


def gather(target: Target, *, limit: int, seed: int = 0, tokenizer: str = "") -> Gathered:
    """Read `DIR/NAME`; of more than `limit` records those with findings and a seeded sample of the others are kept.

    Raises:
        DataError: it is not registered, or has no contract.
    """
    dataset = Dataset(target)
    reader = _Reader(dataset, load_text_counter(tokenizer) if tokenizer else None)
    tokens, vision, facets = reader.count()
    rows, note = _choose(reader.noted, limit, seed)
    items, pictures = reader.items(rows)
    overview = Overview(
        records=len(reader.noted),
        pictures=sum(not line.frames for line in reader.media.values()),
        videos=sum(line.frames > 0 for line in reader.media.values()),
        tokens=tokens,
        vision=spread_counted(vision),
        total=spread_counted(tokens),
        text_counted=bool(tokenizer),
        facets=facets,
        counts=reader.counts,
        folder_findings=tuple(reader.of_folder),
        rejects=_count_rejects(dataset.paths.rejects),
        notes=tuple(filter(None, (note, *reader.notes))),
    )
    return Gathered(name=dataset.name, contract=dataset.contract, overview=overview, items=items, pictures=pictures)


class _Reader:
    """The lines of a dataset with what is known of each."""

    def __init__(self, dataset: Dataset, counter: TextCounter | None) -> None:
        self._dataset = dataset
        self._counter = counter
        self.media: dict[str, MediaLine] = {}
        self._processor = dataset.contract.pixels.processor
        self._space = dataset.contract.coordinate_space
        self._cost: dict[str, int] = {}
        self.notes: list[str] = []
        try:
            self.media = read_media(dataset.paths)
        except DataError as error:
            self.notes.append(f"Sizes, sources and vision tokens of pictures are not known: {dataset.paths.media.name} {error.what}")
        self.noted = bytearray()  # whether each record has findings
        self._sides = self._read_sides()
        self._side_of_row: Sequence[int] | NDArray[Any] = ()  # by the place in `_sides`, from 1
        self._of_line: dict[tuple[str, int], list[Note]] = {}
        self._of_picture: dict[str, list[Note]] = {}
        self.of_folder: list[Note] = []
        outcome = validate(dataset.paths.out, names=(dataset.name,), headers_only=True)
        self.counts = dict(outcome.counts)
        for finding in outcome.findings.kept:
            self._place(finding)
        if outcome.findings.total > len(outcome.findings.kept):
            self.notes.append("Of each kind of finding the first 1,000 are shown at their records.")

    def _place(self, finding: Finding) -> None:
        note = (finding.code, finding.message)
        picture, _, rest = finding.message.partition(": ")
        path, _, number = finding.where.rpartition(":")
        if picture in self.media and rest:
            self._of_picture.setdefault(picture, []).append((finding.code, rest))
        elif number.isdecimal() and Path(path) in self._dataset.files():
            self._of_line.setdefault((Path(path).name, int(number)), []).append(note)
        else:
            self.of_folder.append((finding.code, f"{Path(finding.where).name}: {finding.message}"))

    def _read_sides(self) -> list[tuple[str, Digests | None]]:
        """The sides of the split, each with the ids that are on it; None for all."""
        certificate = self._dataset.contract.split
        if certificate is not None:
            return [(certificate.side, None)]
        paths = self._dataset.paths
        sides: list[tuple[str, Digests | None]] = []
        for name, contract in iter_sides(paths.out, paths.name):
            if contract.split is None:
                continue
            if contract.split.parent_sha256 != parent_digest(self._dataset.contract):
                self.notes.append(f"{name!r} was split from an earlier {paths.name!r}: split again.")
            ids = Digests()
            for row, record in enumerate(Dataset(paths.out / name)):
                ids.add(record.id, row)
            if len(ids):
                sides.append((contract.split.side, ids))
        return sides

    def _find_sides(self, own: Digests) -> None:
        """Find the side of each record by its id; of two sides the later one."""
        import numpy as np

        of_row = np.zeros(len(self.noted), dtype=np.min_scalar_type(len(self._sides)))
        for place, (_, ids) in enumerate(self._sides, start=1):
            if ids is None:
                of_row[:] = place
                continue
            for part in iter_parts((own, ids)):
                _, rows = part.every(0, part.present(1))
                of_row[rows] = place
        self._side_of_row = of_row

    def side_of(self, row: int) -> str:
        """The side of the split a record is on, "" where there is no split."""
        if not self._sides:
            return ""
        place = self._side_of_row[row]
        return self._sides[place - 1][0] if place else "none"

    def _lines(self) -> Iterator[Line]:
        for file in self._dataset.files():
            for number, line in strictjson.iter_lines(file):
                yield file.name, number, line

    def _look(self, line: Line) -> tuple[Record | None, list[Note]]:
        """The record of a line, None where it is none, and what was found of it."""
        notes = list(self._of_line.get(line[:2], ()))
        try:
            record = decode_record(line[2])
        except (strictjson.StrictJsonError, msgspec.ValidationError):
            return None, notes
        for kind, files in (("picture", record.images), ("video", record.kept_videos)):
            for place, file in enumerate(files, start=1):
                notes += [(code, f"{kind} {place}: {message}") for code, message in self._of_picture.get(file, ())]
        return record, notes

    def vision_of(self, record: Record) -> int:
        """Vision tokens of a record; a picture without a media line counts nothing."""
        total = 0
        for file in record.media:
            if file not in self._cost and file in self.media:
                self._cost[file] = self.media[file].tokens(self._processor)
            total += self._cost.get(file, 0)
        return total

    def count(self) -> tuple[Counter[int], Counter[int], tuple[Facet, ...]]:
        """How many records have each number of tokens and of vision tokens, and the keys worth filtering by."""
        tokens: Counter[int] = Counter()
        vision: Counter[int] = Counter()
        values: dict[str, Counter[str]] = {}
        own, whole = Digests(), bytearray()
        for row, (record, notes) in enumerate(map(self._look, self._lines())):
            self.noted.append(bool(notes))
            whole.append(record is not None)
            if record is None:
                tokens[0] += 1
                continue
            seen = self.vision_of(record)
            vision[seen] += 1
            tokens[seen + text_tokens(record, self._counter)] += 1
            if self._sides:
                own.add(record.id, row)
            for key, value in record.meta.items():
                counter = values.setdefault(key, Counter())
                if value and len(counter) <= MAX_VALUES:
                    counter[value] += 1
        chosen: dict[str, Counter[str]] = {}
        if self._sides:
            self._find_sides(own)
            sides = Counter(self.side_of(row) for row, good in enumerate(whole) if good)
            chosen["side"] = Counter({side: sides[side] for side in (*SIDES, "none") if sides[side]})
        sorting = {key: found for key, found in values.items() if key != "extra" and _sorts(found)}
        chosen |= dict(sorted(sorting.items(), key=lambda entry: len(entry[1])))
        return tokens, vision, tuple(Facet(name, dict(found if name == "side" else found.most_common())) for name, found in chosen.items())

    def items(self, rows: set[int]) -> tuple[tuple[PreviewItem, ...], tuple[PreviewImage, ...]]:
        """The chosen records, and the table of their pictures in order of first use."""
        items: list[PreviewItem] = []
        numbers: dict[str, int] = {}
        for row, line in enumerate(self._lines()):
            if row not in rows:
                continue
            at = f"{line[0]}:{line[1]}"
            record, notes = self._look(line)
            if record is None:
                items.append(make_broken_item(line[2], at=at, findings=notes))
                continue
            for file in record.media[:MAX_PICTURES]:
                numbers.setdefault(file, len(numbers))
            seen, side = self.vision_of(record), self.side_of(row)
            text = text_tokens(record, self._counter)
            first = self.media.get(record.images[0]) if record.images else None
            shapes = drawn_shapes(record, self._space, first.width, first.height) if first else ()
            items.append(make_item(record, at=at, numbers=numbers, side=side, vision=seen, text=text, findings=notes, shapes=shapes))
        return tuple(items), tuple(self._picture(path) for path in numbers)

    def _picture(self, path: str) -> PreviewImage:
        line = self.media.get(path)
        if line is None:
            return PreviewImage(path=path)
        return PreviewImage(
            path=path,
            width=line.width,
            height=line.height,
            source=line.source[-300:],
            frame=line.frame,
            frames=line.frames,
            seconds=line.duration_s,
        )


def _sorts(found: Counter[str]) -> bool:
    return 2 <= len(found) <= MAX_VALUES and found.total() >= _MIN_SHARE * len(found)


def _choose(flags: bytearray, limit: int, seed: int) -> tuple[set[int], str]:
    total = len(flags)
    if total <= limit:
        return set(range(total)), ""
    noted = row_numbers(row for row, flag in enumerate(flags) if flag)
    rng = random.Random(seed)
    kept = set(noted if len(noted) <= limit // 2 else rng.sample(noted, limit // 2))
    others = row_numbers(row for row in range(total) if row not in kept)
    kept.update(rng.sample(others, limit - len(kept)))
    found = f", {len(kept.intersection(noted)):,} of them with findings" if noted else ""
    return kept, f"{limit:,} of {total:,} records are shown: a sample with seed {seed}{found}. --limit shows more."


def _count_rejects(path: Path) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for _, line in strictjson.iter_lines(path) if path.is_file() else ():
        try:
            value = strictjson.loads(line)
        except strictjson.StrictJsonError:
            continue
        if isinstance(value, dict):
            counts[str(value.get("code", ""))] += 1
    return dict(counts.most_common())
