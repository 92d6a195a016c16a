"""A dataset card: what a hub and its readers want to know, from the contract alone. README.md with its YAML, and Croissant metadata.

Croissant is the format of MLCommons (mlcommons.github.io/croissant, version 1.0), in which data search engines and hubs read a dataset.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vldata.files.gate import below
from vldata.output.contract import Contract, read_contract
from vldata.output.folder import DatasetPaths
from vldata.output.sides import iter_sides
from vldata.records.parts import PARTS
from vldata.wording import counted

NO_LICENSE = "unknown"
_TASKS = ("visual-question-answering", "image-text-to-text")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))
_LARGEST = "10M<n<100M"
_SIDE_NAMES = {"val": "validation"}
_FIELDS = {
    "messages": "the turns: role and content, with <image> and <video> where the media stand",
    "images": "paths of the images, relative to this folder, in the order of their tags",
    "videos": "paths of the videos",
    "references": "all accepted answers",
    "meta": "what the source says of the record",
    "tools": "the tools that a model may call, as JSON",
}


class CardSide(msgspec.Struct, frozen=True):
    """One dataset of a card: the name that the hub gives its split, and its contract."""

    split: str
    contract: Contract


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a card says.

    Attributes:
        name: of the dataset.
        license: a name as the hub knows them (cc-by-4.0, mit), or "unknown".
        url: where the dataset will be; "" where nobody said.
        sides: its datasets, each a split.
        links: checked paths of the records files, by name.
    """

    name: str
    license: str
    url: str
    sides: tuple[CardSide, ...]
    links: dict[str, Path]

    @property
    def records(self) -> int:
        """Records of all splits."""
        return sum(side.contract.counts.written for side in self.sides)


def make_card(paths: DatasetPaths, *, license: str, url: str) -> Card:
    """Collect what the card of a dataset says; one that was split is told by its sides.

    Raises:
        DataError: there is no such dataset, or a contract cannot be read.
    """
    sides = [CardSide(_SIDE_NAMES.get(side, side), contract) for side, contract in _sides(paths)]
    if not sides:
        contract = read_contract(paths)
        side = contract.split.side if contract.split else "train"
        sides = [CardSide(_SIDE_NAMES.get(side, side), contract)]
    links = {file.name: below(paths.out, file.name).checked() for side in sides for file in side.contract.files}
    return Card(name=paths.name, license=license or NO_LICENSE, url=url, sides=tuple(sides), links=links)


def _sides(paths: DatasetPaths) -> Iterator[tuple[str, Contract]]:
    for name, contract in iter_sides(paths.out, paths.name):
        yield contract.split.side if contract.split else name, contract


def readme(card: Card) -> str:
    """The README.md: YAML for the hub's viewer, then what the dataset is and how it was made."""
    return f"---\n{_front(card)}---\n\n{body(card)}"


def _front(card: Card) -> str:
    lines = [
        f"license: {card.license}",
        "task_categories:",
        *(f"- {task}" for task in _TASKS),
        f"size_categories:\n- {_size(card.records)}",
    ]
    lines += ["configs:", "- config_name: default", "  data_files:"]
    for side in card.sides:
        files = [file.name for file in side.contract.files]
        lines += [f"  - split: {side.split}", "    path:", *(f"    - {name}" for name in files)]
    return "\n".join(lines) + "\n"


def _size(records: int) -> str:
    return next((name for most, name in _SIZES if records < most), _LARGEST)


def body(card: Card) -> str:
    """The card without its YAML."""
    first = card.sides[0].contract
    parts = [
        f"# {card.name}\n",
        *_counts(card),
        "",
        *_made(first),
        "",
        *_fields(first),
        "",
        *_left_out(card),
        *_split(first),
        "",
        *_license(card),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _counts(card: Card) -> Iterator[str]:
    yield "| split | records | images | videos | rejected | vision tokens, mean and longest |"
    yield "|---|---|---|---|---|---|"
    for side in card.sides:
        counts, vision = side.contract.counts, side.contract.tokens.vision
        numbers = f"{counts.written:,} | {counts.pictures:,} | {counts.videos:,} | {counts.rejected:,}"
        yield f"| {side.split} | {numbers} | {vision.mean:,.1f} and {vision.max:,} |"


def _made(contract: Contract) -> Iterator[str]:
    pixels = contract.pixels
    yield "## How it was made\n"
    yield f"Converted by `vldata convert {contract.converter}` (vlkit {contract.version}). Images are RGB, upright, without metadata, sized"
    budget = f"{pixels.min_pixels:,} to {pixels.max_pixels:,} pixels"
    how = (
        "so that it does not resize them again"
        if pixels.sizing == "grid"
        else "within its budget and in their aspect; it scales them itself"
    )
    yield f"for the processor of {pixels.processor} ({budget}), {how}."
    if contract.coordinate_space != "none":
        space = "from 0 to 1000" if contract.coordinate_space == "0-1000" else "in pixels of the written image"
        yield f"Coordinates in texts count {space}."
    if contract.parts:
        yield "Records hold " + ", ".join(f"{PARTS[name].said} (`{name}`)" for name in contract.parts) + "."
    yield "The file NAME.contract.json holds every setting; digests of the source files:\n"
    yield from (f"- `{source.name}` {source.sha256[:16]} ({source.bytes:,} bytes)" for source in contract.sources[:20])
    if len(contract.sources) > 20:
        yield f"- and {len(contract.sources) - 20:,} more"


def _fields(contract: Contract) -> Iterator[str]:
    yield "## Fields\n"
    yield "- `id`: unique in the dataset"
    for name, said in _FIELDS.items():
        if (name == "videos" and contract.videos is None) or name == "tools":
            continue
        yield f"- `{name}`: {said}" + (f": {', '.join(f'`{key}`' for key in contract.columns)}" if name == "meta" else "")
    yield from (f"- `{name}`: {PARTS[name].said}" for name in contract.parts if name not in ("reasoning", "loss"))


def _left_out(card: Card) -> Iterator[str]:
    contract = card.sides[0].contract
    rejected = sum(side.contract.counts.rejected for side in card.sides)
    if contract.unused or rejected:
        yield "## What is not in it\n"
    if rejected:
        yield f"{counted(rejected, 'record')} could not be used; NAME.rejects.jsonl names each with its reason."
    if contract.unused:
        yield (
            "Fields of the source that no record has a place for: "
            + ", ".join(f"`{one.field}` ({one.fate})" for one in contract.unused[:30])
            + "."
        )


def _split(contract: Contract) -> Iterator[str]:
    if contract.split is None:
        return
    told = contract.split
    yield "\n## How it was split\n"
    by = "record by record" if told.group_by == "none" else f"by whole groups of `{told.group_by}`; no group is on two sides"
    yield f"By seed {told.seed}, {by}. `vldata certify` proves it again from the files."
    if told.leak is not None:
        yield f"A split by records would have had {told.leak.share:.0%} of the held-out records in groups of the training side."


def _license(card: Card) -> Iterator[str]:
    yield "## Licence\n"
    if card.license == NO_LICENSE:
        yield "Nobody has said under which licence the source is. Look at the source before you publish or train on this."
    else:
        yield f"{card.license}, as the person who made this card says of the source."


def croissant(card: Card) -> dict[str, Any]:
    """Croissant metadata (version 1.0) as a JSON-LD object: files with their digests, and the fields of a record."""
    files = [
        {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": name,
            "encodingFormat": "application/jsonlines",
            "sha256": _digest(card, name),
        }
        for name in card.links
    ]
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": card.name,
        "description": f"{counted(card.records, 'record')} of images, questions and answers, made by vldata.",
        "distribution": files,
        "recordSet": [_record_set(side) for side in card.sides],
    }
    if card.license != NO_LICENSE:
        document["license"] = card.license
    if card.url:
        document["url"] = card.url
    return document


def _digest(card: Card, name: str) -> str:
    return next(file.sha256 for side in card.sides for file in side.contract.files if file.name == name)


def _record_set(side: CardSide) -> dict[str, Any]:
    """The fields of one split; a split of several shards is told by its first, as all have the same fields."""
    name, source = side.split, side.contract.files[0].name

    def field(key: str, said: str, *, many: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = {"@type": "cr:Field", "@id": f"{name}/{key}", "name": key, "description": said, "dataType": "sc:Text"}
        found["source"] = {"fileObject": {"@id": source}, "extract": {"column": key}}
        return {**found, "repeated": True} if many else found

    # Turns are objects, for which mlcroissant 1.1 has no reader: a record set that names them cannot be loaded.
    fields = [field("id", "unique in the dataset"), *(field(key, _FIELDS[key], many=True) for key in ("images", "references"))]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "description": f"The split {name}.", "field": fields}


def digest_of(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def changed_files(card: Card) -> Sequence[str]:
    """The records files that are not the ones their contract names."""
    return [name for name, path in card.links.items() if digest_of(path) != _digest(card, name)]


# The context that Croissant 1.0 prescribes.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "samplingRate": "cr:samplingRate",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
