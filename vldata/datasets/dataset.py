"""A converted dataset as a library sees it: iterate records, know the contract, find the files."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vldata.errors import DataError, MissingExtraError
from vldata.files import strictjson
from vldata.files.gate import SafePath, below, refuse_unsafe
from vldata.output.contract import Contract, read_contract
from vldata.output.folder import DatasetPaths, Target
from vldata.output.journal import refuse_unfinished
from vldata.output.publish import MediaLine
from vldata.records.record import Record, iter_records

if TYPE_CHECKING:
    import datasets


class Dataset:
    """One dataset of an output folder. Opening it reads the contract; records and media are streamed when asked for.

    ```python
    dataset = vldata.open("prepared/chartqa_test")
    for record in dataset:
        print(record.messages[0].content, dataset.image_paths(record))
    ```
    """

    def __init__(self, target: Target) -> None:
        self.paths = DatasetPaths.at(target)
        refuse_unfinished(self.paths)
        self.contract: Contract = read_contract(self.paths)

    @property
    def name(self) -> str:
        """The name it is registered under."""
        return self.paths.name

    def files(self) -> list[Path]:
        """The record files, in order.

        Raises:
            DataError: one is not there, or leads out of the folder.
        """
        return [below(self.paths.out, file.name, str(self.paths.contract)).checked() for file in self.contract.files]

    def file(self, name: str) -> SafePath:
        """A picture or video that a record or media line of this dataset names."""
        return below(self.paths.out, name, str(self.paths.out / self.name))

    def changed(self) -> Path | None:
        """The first record file that is not the one of the contract: a shard of another run, or one that somebody edited."""
        for said in self.contract.files:
            safe = below(self.paths.out, said.name, str(self.paths.contract))
            path = safe.checked()
            with safe.open() as handle:
                if hashlib.file_digest(handle, "sha256").hexdigest() != said.sha256:
                    return path
        return None

    def __len__(self) -> int:
        return self.contract.counts.written

    def __iter__(self) -> Iterator[Record]:
        for file in self.files():
            for _, record in iter_records(file):
                yield record

    def first(self) -> Record:
        """The first record.

        Raises:
            DataError: there is none, so there is nothing to count, export or train on.
        """
        for record in self:
            return record
        cure = "Its file was emptied after it was written: restore it, or convert again." if len(self) else "Convert again, or split anew."
        raise DataError("has no records.", where=str(self.paths.out / self.name), cure=cure)

    def __repr__(self) -> str:
        return f"Dataset({str(self.paths.out / self.name)!r}, {len(self):,} records)"

    def _repr_html_(self) -> str:
        """What a notebook shows: a small table of the first records with their pictures."""
        from vldata.datasets.notebook import notebook_table

        return notebook_table(self, len(self), self.contract, self.paths.out)

    def image_paths(self, record: Record) -> list[Path]:
        """Where the images of a record are.

        Raises:
            DataError: one is not there, is no picture, or leads out of the folder.
        """
        return [self.file(image).checked("image") for image in record.images]

    def video_paths(self, record: Record) -> list[Path]:
        """Where the kept videos of a record are.

        Raises:
            DataError: as `image_paths`.
        """
        return [self.file(video).checked("video") for video in record.kept_videos]

    def media(self) -> Iterator[MediaLine]:
        """Stream what is known of every picture and video without opening one."""
        decoder = msgspec.json.Decoder(MediaLine)
        for number, line in strictjson.iter_lines(self.paths.media):
            try:
                media = decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise DataError(f"not a media line: {error}.", where=f"{self.paths.media}:{number}", cure="Convert again.") from None
            refuse_unsafe(self.paths.out, (media.path,), f"{self.paths.media}:{number}")
            yield media

    def to_hf(self, *, cache: str | None = None) -> datasets.Dataset:
        """View it as a Hugging Face `datasets.Dataset` whose `images` decode when a row is read.

        Kept videos are a column `videos` of paths. `cache` is the folder of its table; by default that of the library.

        Raises:
            MissingExtraError: the extra `hf` is not installed.
        """
        try:
            import datasets
        except ImportError:
            raise MissingExtraError("the datasets view", "hf") from None
        text = datasets.Value("string")
        parts, boolean = self.contract.parts, datasets.Value("bool")
        turn = {"role": text, "content": text}
        turn |= {name: kind for name, kind in (("reasoning", text), ("loss", boolean)) if name in parts}
        columns: dict[str, Any] = {
            "id": text,
            "messages": [turn],
            "images": datasets.Sequence(datasets.Image()),
            "references": datasets.Sequence(text),
            "meta": {column: text for column in self.contract.columns},
        }
        first = next(iter(self), None)
        if first is not None and first.videos is not msgspec.UNSET:
            columns["videos"] = datasets.Sequence(text)
        if first is not None and first.tools is not msgspec.UNSET:
            columns["tools"] = text
        columns |= {name: kind for name, kind in (("rejected", turn), ("wanted", boolean), ("solution", text)) if name in parts}
        digests = tuple(file.sha256 for file in self.contract.files)  # `datasets` caches by the arguments alone
        rows = functools.partial(_iter_rows, str(self.paths.out / self.name), tuple(columns), digests)
        return datasets.Dataset.from_generator(rows, features=datasets.Features(columns), cache_dir=cache)


def _iter_rows(target: str, columns: tuple[str, ...], digests: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    dataset = Dataset(target)
    for record in dataset:
        row: dict[str, Any] = msgspec.to_builtins(record)
        row["images"] = [str(path.absolute()) for path in dataset.image_paths(record)]
        row["videos"] = [str(path.absolute()) for path in dataset.video_paths(record)]
        yield {key: row[key] for key in columns}


def changed_note(target: Target, what: str) -> str:
    """Warn where a record file of `DIR/NAME` is not the one of the contract; `what` is then of the files as they are. "" where all are."""
    if (file := Dataset(target).changed()) is None:
        return ""
    return f"Warning: {file} was changed after the conversion; {what} is not what the contract describes."


def read(target: Target) -> Iterator[Record]:
    """Iterate over the records of `DIR/NAME`.

    Raises:
        DataError: there is no such dataset, or a line is not a record.
    """
    return iter(Dataset(target))
