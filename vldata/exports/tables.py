"""Exports in shards: parquet, WebDataset tars, and a `datasets` folder."""

from __future__ import annotations

import io
import itertools
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

import msgspec

from vldata.causes import write_error
from vldata.errors import DataError, UsageError
from vldata.exports.plan import Exported, ExportPlan, make_folder
from vldata.files.durable import open_durable
from vldata.records.record import Record, encode_record


def export_parquet(plan: ExportPlan) -> Exported:
    """Parquet shards with the record's fields; `images` are structs of `bytes` and `path`, as the hub's viewers read them.

    With `--images embed` the bytes are inside, otherwise they are null and the path tells.
    """
    import polars as pl

    folder = plan.out / f"{plan.name}.parquet"
    _fresh_folder(plan, folder)
    text = pl.String
    schema: Any = {
        "id": text,
        "messages": pl.List(pl.Struct({"role": text, "content": text})),
        "images": pl.List(pl.Struct({"bytes": pl.Binary, "path": text})),
        "references": pl.List(text),
        "meta": pl.Struct(dict.fromkeys(plan.dataset.contract.columns, text)),
    }
    first = next(iter(plan.dataset), None)
    if first is not None and first.videos is not msgspec.UNSET:
        schema["videos"] = schema["images"]
    if first is not None and first.tools is not msgspec.UNSET:
        schema["tools"] = text
    files = []
    count = 0
    for number, records in enumerate(_shards(plan)):
        rows = [_parquet_row(plan, record, tuple(schema)) for record in records]
        count += len(rows)
        path = folder / f"part-{number:05d}.parquet"
        buffer = io.BytesIO()
        pl.DataFrame(rows, schema=schema).write_parquet(buffer)
        with open_durable(path) as handle:
            handle.write(buffer.getbuffer())
        files.append(path)
    return Exported("parquet", tuple(files), count, f'datasets.load_dataset("parquet", data_files="{folder}/*.parquet")\n')


def _parquet_row(plan: ExportPlan, record: Record, columns: tuple[str, ...]) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(record)
    row |= {"images": _cells(plan, record.images), "videos": _cells(plan, record.kept_videos)}
    return {key: row[key] for key in columns}


def _cells(plan: ExportPlan, files: Iterable[str]) -> list[dict[str, Any]]:
    if plan.images == "embed":
        return [{"bytes": plan.image_bytes(file), "path": PurePosixPath(file).name} for file in files]
    return [{"bytes": None, "path": plan.image_name(file)} for file in files]


def export_webdataset(plan: ExportPlan) -> Exported:
    """Tar shards: `000000000.json` (the record) beside `000000000.0.jpg`, `000000000.1.jpg` ...; equal records give equal tars.

    A video is a member of its own, `000000000.0.mp4`.
    """
    folder = plan.out / f"{plan.name}.webdataset"
    _fresh_folder(plan, folder)
    files = []
    number = itertools.count()
    for shard, records in enumerate(_shards(plan)):
        path = folder / f"{plan.name}-{shard:06d}.tar"
        with open_durable(path) as handle, tarfile.open(fileobj=handle, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for record in records:
                key = f"{next(number):09d}"
                _add(archive, f"{key}.json", encode_record(record))
                for place, image in enumerate(record.images):
                    _add(archive, f"{key}.{place}{PurePosixPath(image).suffix}", plan.image_bytes(image))
                for place, video in enumerate(record.kept_videos):
                    _add(archive, f"{key}.{place}{PurePosixPath(video).suffix}", plan.image_bytes(video))
        files.append(path)
    last = f"{len(files) - 1:06d}"
    return Exported("webdataset", tuple(files), next(number), f'wds.WebDataset("{folder}/{plan.name}-{{000000..{last}}}.tar")\n')


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)  # no time, owner or mode of this machine
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def export_hf(plan: ExportPlan) -> Exported:
    """A `datasets` folder whose `images` column decodes; pictures are embedded when it is saved. `--push` uploads it too.

    Raises:
        MissingExtraError: the extra `hf` is not installed.
        DataError: the hub refuses the upload or cannot be reached.
    """
    folder = plan.out / f"{plan.name}.hf"
    dataset = plan.dataset.to_hf()
    _fresh_folder(plan, folder)
    dataset.save_to_disk(str(folder))
    snippet = f'dataset = datasets.load_from_disk("{folder}")\n'
    if not plan.push:
        return Exported("hf", (folder,), len(dataset), snippet + f'# dataset.push_to_hub("NAME", split="{_side(plan)}", private=True)\n')
    try:
        dataset.push_to_hub(plan.push, split=_side(plan), private=not plan.public)
    except Exception as error:  # the hub's client raises errors of its own, of requests and of the network
        what = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        cure = f"It is saved in {folder}. Log in with `hf auth login`, see that you may write to it, and run again."
        raise DataError(f"cannot be uploaded: {what}", where=plan.push, cure=cure) from None
    return Exported("hf", (folder,), len(dataset), f'dataset = datasets.load_dataset("{plan.push}", split="{_side(plan)}")\n')


def _side(plan: ExportPlan) -> str:
    """The name of the split on the hub: that of a side of a split or of a source's own, else train."""
    split = plan.dataset.contract.split
    side = split.side if split is not None else plan.name.rpartition("_")[2]
    return {"val": "validation", "validation": "validation", "test": "test"}.get(side, "train")


def _shards(plan: ExportPlan) -> Iterator[list[Record]]:
    if plan.rows_per_shard < 1:
        raise UsageError(f"{plan.rows_per_shard} rows a shard cannot be.")
    records: Iterable[Record] = iter(plan.dataset)
    while shard := list(itertools.islice(records, plan.rows_per_shard)):
        yield shard


def _fresh_folder(plan: ExportPlan, folder: Any) -> None:
    """Make the folder; one of an earlier export is replaced, any other is refused."""
    stamp = folder.with_name(f".{folder.name}.vldata")
    if folder.exists() and not stamp.exists():
        raise DataError("is there already and was not made by an export.", where=str(folder), cure="Choose another --out.")
    try:
        if folder.exists():
            shutil.rmtree(folder)
        make_folder(folder)
        stamp.write_text(plan.name + "\n")
    except OSError as error:
        raise write_error(folder, error) from None
