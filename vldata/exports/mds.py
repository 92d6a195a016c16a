"""MosaicML Streaming's layout (MDS, version 2): `shard.00000.mds` ... and an `index.json` that names them all.

A shard is, in little-endian 32-bit numbers, the count of its samples, the offset of each and of the end, the columns as JSON, then the
samples; a sample is the sizes of its columns, then their bytes (streaming/base/format/mds/writer.py, 0.13). A sample of ours has `id`,
`record` (the record as JSON) and `images`, opened by the reader as Pillow images in the record's order.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vldata.errors import UsageError
from vldata.exports.plan import Exported, ExportPlan
from vldata.exports.tables import whole_folder
from vldata.files.durable import open_durable
from vldata.records.record import Record, encode_record

SHARD_BYTES = 1 << 26  # where the library's own writer begins another shard
_MOST_BYTES = (1 << 32) - 1  # offsets are 32 bits


def export_mds(plan: ExportPlan) -> Exported:
    """Shards for `streaming.StreamingDataset`, each with its SHA-256; equal records give equal bytes.

    Raises:
        UsageError: records with videos, for which there is no column, or a record that no shard can hold.
    """
    columns = {"id": "str", "record": "json", "images": _images_encoding(plan)}
    config: dict[str, Any] = {
        "version": 2,
        "format": "mds",
        "compression": None,
        "hashes": ["sha256"],
        "size_limit": SHARD_BYTES,
        "column_names": list(columns),
        "column_encodings": list(columns.values()),
        "column_sizes": [None] * len(columns),
    }
    head = json.dumps(config, sort_keys=True).encode()
    folder = plan.out / f"{plan.name}.mds"
    shards: list[dict[str, Any]] = []
    files: list[Path] = []
    with whole_folder(plan, folder) as beside:
        for samples in _shards(plan, len(head)):
            name = f"shard.{len(shards):05d}.mds"
            start = 4 + 4 * (len(samples) + 1) + len(head)
            offsets = [start]
            for sample in samples:
                offsets.append(offsets[-1] + len(sample))
            digest = hashlib.sha256()
            with open_durable(beside / name) as handle:
                for part in (struct.pack(f"<{1 + len(offsets)}I", len(samples), *offsets), head, *samples):
                    digest.update(part)
                    handle.write(part)
            raw = {"basename": name, "bytes": offsets[-1], "hashes": {"sha256": digest.hexdigest()}}
            shards.append({**config, "samples": len(samples), "raw_data": raw, "zip_data": None})
            files.append(folder / name)
        with open_durable(beside / "index.json") as handle:
            handle.write(json.dumps({"version": 2, "shards": shards}, sort_keys=True).encode())
    count = sum(shard["samples"] for shard in shards)
    snippet = f'streaming.StreamingDataset(local="{folder}", batch_size=8, shuffle=True, validate_hash="sha256")\n'
    return Exported("mds", (*files, folder / "index.json"), count, snippet)


def _images_encoding(plan: ExportPlan) -> str:
    """The encoding of the images: Pillow opens either by its content, so a mixture goes by the name of one."""
    return "list[jpeg]" if all(line.path.endswith((".jpg", ".jpeg")) for line in plan.dataset.media()) else "list[png]"


def _shards(plan: ExportPlan, head: int) -> Iterator[list[bytes]]:
    """Yield samples a shard: as many as rows are asked for, or as fit into `SHARD_BYTES`."""
    if plan.rows_per_shard < 1:
        raise UsageError(f"{plan.rows_per_shard} rows a shard cannot be.")
    samples: list[bytes] = []
    held = head
    for record in plan.dataset:
        sample = _sample(plan, record)
        if head + len(sample) + 16 > _MOST_BYTES:
            raise UsageError(f"record {record.id!r} has {len(sample):,} bytes, more than an MDS shard can hold.", cure="Export to parquet.")
        if samples and (len(samples) >= plan.rows_per_shard or held + len(sample) > SHARD_BYTES):
            yield samples
            samples, held = [], head
        samples.append(sample)
        held += len(sample)
    if samples:
        yield samples


def _sample(plan: ExportPlan, record: Record) -> bytes:
    if record.kept_videos:
        raise UsageError("the mds format has no column for videos.", cure="Export to webdataset or parquet, or convert with frames.")
    images = [plan.image_bytes(image) for image in record.images]
    sizes = struct.pack(f"<{2 + len(images)}I", 0, len(images), *map(len, images))  # the first number is kept free by the library
    values = (record.id.encode(), encode_record(record), sizes + b"".join(images))
    return struct.pack("<3I", *map(len, values)) + b"".join(values)
