"""Exports in shards: parquet, WebDataset tars, and a `datasets` folder."""

from __future__ import annotations

import contextlib
import io
import itertools
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from vldata.causes import write_error
from vldata.errors import DataError, UsageError, VlkitError
from vldata.exports.plan import Exported, ExportPlan, copy_pictures, make_folder
from vldata.files import inside
from vldata.files.content import Kind
from vldata.files.durable import fsync_tree, open_durable, write_atomic
from vldata.output.folder import DatasetPaths
from vldata.records.record import Record, encode_record
from vldata.secrets import keep_secret

_AT_ONCE = 10_000  # rows that are held as objects; as a column they are a third as large


def export_parquet(plan: ExportPlan) -> Exported:
    """Parquet shards with the record's fields; `images` are structs of `bytes` and `path`, as the hub's viewers read them.

    With `--images embed` the bytes are inside, otherwise they are null and the path tells.
    """
    import polars as pl

    folder = plan.out / f"{plan.name}.parquet"
    text = pl.String
    schema: Any = {
        "id": text,
        "messages": pl.List(_turn_type(plan)),
        "images": pl.List(pl.Struct({"bytes": pl.Binary, "path": text})),
        "references": pl.List(text),
        "meta": pl.Struct(dict.fromkeys(plan.dataset.contract.columns, text)),
    }
    first = next(iter(plan.dataset), None)
    if first is not None and first.videos is not msgspec.UNSET:
        schema["videos"] = schema["images"]
    if first is not None and first.tools is not msgspec.UNSET:
        schema["tools"] = text
    columns = {"rejected": _turn_type(plan), "wanted": pl.Boolean, "solution": text}
    schema |= {name: kind for name, kind in columns.items() if name in plan.dataset.contract.parts}
    files = []
    count = 0
    if plan.images == "copy":
        copy_pictures(plan)
    with whole_folder(plan, folder) as beside:
        for number, records in enumerate(_shards(plan)):
            name = f"part-{number:05d}.parquet"
            buffer = io.BytesIO()
            frames = []
            while some := list(itertools.islice(records, _AT_ONCE)):
                frames.append(pl.DataFrame([_parquet_row(plan, record, tuple(schema)) for record in some], schema=schema))
                count += len(some)
            pl.concat(frames, rechunk=True).write_parquet(buffer)
            with open_durable(beside / name) as handle:
                handle.write(buffer.getbuffer())
            files.append(folder / name)
    return Exported("parquet", tuple(files), count, f'datasets.load_dataset("parquet", data_files="{folder}/*.parquet")\n')


def _turn_type(plan: ExportPlan) -> Any:
    import polars as pl

    fields = {"role": pl.String, "content": pl.String, "reasoning": pl.String, "loss": pl.Boolean}
    return pl.Struct({name: kind for name, kind in fields.items() if name in ("role", "content", *plan.dataset.contract.parts)})


def _parquet_row(plan: ExportPlan, record: Record, columns: tuple[str, ...]) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(record)
    row |= {"images": _cells(plan, record.images, "image"), "videos": _cells(plan, record.kept_videos, "video")}
    return {key: row[key] for key in columns}


def _cells(plan: ExportPlan, files: Iterable[str], kind: Kind) -> list[dict[str, Any]]:
    if plan.images == "embed":
        return [{"bytes": plan.image_bytes(file, kind), "path": PurePosixPath(file).name} for file in files]
    return [{"bytes": None, "path": plan.image_name(file, kind)} for file in files]


def export_webdataset(plan: ExportPlan) -> Exported:
    """Tar shards: `000000000.json` (the record) next to `000000000.0.jpg`, `000000000.1.jpg` ...; equal records give equal tars.

    A video is a member of its own, `000000000.0.mp4`.
    """
    folder = plan.out / f"{plan.name}.webdataset"
    files = []
    number = itertools.count()
    with whole_folder(plan, folder) as beside:
        for shard, records in enumerate(_shards(plan)):
            name = f"{plan.name}-{shard:06d}.tar"
            with open_durable(beside / name) as handle, tarfile.open(fileobj=handle, mode="w", format=tarfile.GNU_FORMAT) as archive:
                for record in records:
                    _add_record(archive, plan, record, f"{next(number):09d}")
            files.append(folder / name)
    last = f"{len(files) - 1:06d}"
    return Exported("webdataset", tuple(files), next(number), f'wds.WebDataset("{folder}/{plan.name}-{{000000..{last}}}.tar")\n')


def _add_record(archive: tarfile.TarFile, plan: ExportPlan, record: Record, key: str) -> None:
    _add(archive, f"{key}.json", encode_record(record))
    for place, image in enumerate(record.images):
        _add(archive, f"{key}.{place}{PurePosixPath(image).suffix}", plan.image_bytes(image))
    for place, video in enumerate(record.kept_videos):
        _add(archive, f"{key}.{place}{PurePosixPath(video).suffix}", plan.image_bytes(video, "video"))


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
    with tempfile.TemporaryDirectory(prefix=".vldata-hf-", dir=make_folder(plan.out)) as cache, whole_folder(plan, folder) as beside:
        dataset = _save_hf(plan, cache, beside)
    snippet = f'dataset = datasets.load_from_disk("{folder}")\n'
    if not plan.push:
        return Exported("hf", (folder,), len(dataset), snippet + f'# dataset.push_to_hub("NAME", split="{_side(plan)}", private=True)\n')
    try:
        _check_hub(plan)
        dataset.push_to_hub(plan.push, split=_side(plan), private=not plan.public)
    except VlkitError:
        raise
    except Exception as error:  # the hub's client raises errors of its own, of requests and of the network
        _end_bars()
        cure = f"It is saved in {folder}. Log in with `hf auth login`, see that you may write to it, and run again."
        raise DataError(f"cannot be uploaded: {_first_line(error)}", where=plan.push, cure=cure) from None
    _push_card(plan)
    return Exported("hf", (folder,), len(dataset), f'dataset = datasets.load_dataset("{plan.push}", split="{_side(plan)}")\n')


def _check_hub(plan: ExportPlan) -> None:
    """Know the token, so that no message shows it, and refuse a repository that everybody sees where nobody asked for that.

    Raises:
        DataError: it is there, and public; the hub's client would upload to it and leave it so.
    """
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import RepositoryNotFoundError

    keep_secret(get_token() or "")
    try:
        there = HfApi().repo_info(plan.push, repo_type="dataset")
    except RepositoryNotFoundError:
        return
    if there.private is False and not plan.public:
        cure = "Add --public if everybody may see the data, or name another repository. Nothing was uploaded."
        raise DataError("is there, and everybody can see it; an upload is private unless --public says so.", where=plan.push, cure=cure)


def _end_bars() -> None:
    """Close the progress bars that the hub's client left open, so that what is said begins a line of its own."""
    tqdm = getattr(sys.modules.get("tqdm.std"), "tqdm", None)
    for bar in list(getattr(tqdm, "_instances", ())):
        bar.close()


def _first_line(error: Exception) -> str:
    """What an error of the hub's client says: its first line, that of its cause, and the hub's own words where they are not in it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if isinstance(error, KeyError):
        return f"the hub's answer has no {lines[0]}"
    found = [lines[0]]
    cause = error.__cause__
    for more in (str(getattr(error, "server_message", None) or ""), str(cause or ""), str(getattr(cause, "server_message", None) or "")):
        if (said := more.strip().splitlines()) and said[0] not in " ".join(found):
            found.append(said[0])
    return " ".join(found)[:400]


def _push_card(plan: ExportPlan) -> None:
    """Give the uploaded dataset its card: the hub's own YAML stays, what we know is added.

    Raises:
        DataError: the hub refuses it; the dataset is there.
    """
    from huggingface_hub import DatasetCard

    from vldata.datasets.card import NO_LICENSE, body, make_card

    split = plan.dataset.contract.split  # the sides of a split share the repository, and its card
    paths = plan.dataset.paths if split is None else DatasetPaths(plan.dataset.paths.out, split.parent)
    card = make_card(paths, license=plan.license, url="")
    try:
        shown = DatasetCard.load(plan.push)
        if card.license != NO_LICENSE:
            shown.data.license = card.license
        shown.text = body(card)
        shown.push_to_hub(plan.push)
    except Exception as error:  # as above
        _end_bars()
        cure = "The dataset is uploaded. Write its card with `vldata card`, and upload that."
        raise DataError(f"the card cannot be uploaded: {_first_line(error)}", where=plan.push, cure=cure) from None


def _save_hf(plan: ExportPlan, cache: str, folder: Path) -> Any:
    """Build the table in a cache of its own and save it; what stops the reading of a record is raised as it was."""
    try:
        dataset = plan.dataset.to_hf(cache=cache)
        dataset.save_to_disk(str(folder))
    except Exception as error:  # the library wraps whatever a row raises into errors of its own
        reason: BaseException | None = error
        while reason is not None and not isinstance(reason, VlkitError | OSError):
            reason = reason.__cause__ or reason.__context__
        raise (reason or error) from None
    return dataset


def _side(plan: ExportPlan) -> str:
    """The name of the split on the hub: that of a side of a split or of a source's own, else train."""
    split = plan.dataset.contract.split
    side = split.side if split is not None else plan.name.rpartition("_")[2]
    return {"val": "validation", "validation": "validation", "test": "test"}.get(side, "train")


def _shards(plan: ExportPlan) -> Iterator[Iterator[Record]]:
    """The records of each shard, which is to be read to its end before the next one is asked for."""
    if plan.rows_per_shard < 1:
        raise UsageError(f"{plan.rows_per_shard} rows a shard cannot be.")
    records = iter(plan.dataset)
    for first in records:
        yield itertools.chain([first], itertools.islice(records, plan.rows_per_shard - 1))


@contextlib.contextmanager
def whole_folder(plan: ExportPlan, folder: Path) -> Iterator[Path]:
    """Yield an empty folder next to; it takes the place of `folder` when the block ends well, and else nothing is changed.

    One of an earlier export is replaced, any other is refused.
    """
    stamp = folder.with_name(f".{folder.name}.vldata")
    if folder.exists() and not stamp.exists():
        raise DataError("is there already and was not made by an export.", where=str(folder), cure="Choose another --out.")
    beside, aside = f".{folder.name}.partial", f".{folder.name}.old"
    try:
        for left in (beside, aside):  # of an export that was killed
            inside.remove_tree(plan.out, left)
        inside.make_folder(plan.out, beside)
        yield plan.out / beside
        fsync_tree(plan.out / beside)
        write_atomic(stamp, f"{plan.name}\n".encode())
        inside.move(plan.out, folder.name, aside)
        inside.move(plan.out, beside, folder.name)
    except OSError as error:
        raise write_error(folder, error) from None
    finally:
        for left in (beside, aside):
            inside.remove_tree(plan.out, left)
