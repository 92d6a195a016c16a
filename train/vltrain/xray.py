"""What our own trainer makes of records, for `vldata xray`: `python -m vltrain.xray JOB.json` writes result.json next to the job.

A job names the model's folder and the rows, each a record in a file of its own and the folder that its images are in.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vldata.errors import DataError, VlkitError
from vldata.records.record import iter_records
from vldata.version import __version__
from vltrain.cuts import MERGE
from vltrain.data import Example
from vltrain.features import Bytes, Featurizer, Grid, Sample
from vltrain.ways import way_of

Look = Callable[[Example, str], dict[str, Any]]


def look_at(job: dict[str, Any], out: Path) -> dict[str, Any]:
    """Make the sample of every row of a job, by the way that training would take; images are written next to it as PNG files."""
    folder = Path(job["model"])
    look = _by_levers(folder, out) if way_of(folder).fast else _by_processor(folder, out)
    rows = []
    for row in job["rows"]:
        seen: dict[str, Any] = {"row": row["row"]}
        try:
            record = next(record for _, record in iter_records(Path(row["file"])))
            if record.kept_videos:
                raise DataError("holds a video, which vltrain does not take: what is predicted stands for it.", where=record.id)
            seen |= look(Example(record, Path(row["folder"]), ()), f"row{row['row']}")
        except VlkitError as error:
            seen |= {"stage": "load", "message": str(error)}
        rows.append(seen)
    return {"versions": {"vlkit": __version__}, "error": "", "rows": rows, "said": []}


def _by_levers(folder: Path, out: Path) -> Look:
    featurizer = Featurizer(folder)
    return lambda example, name: _seen(featurizer.make(example), out, name)


def _by_processor(folder: Path, out: Path) -> Look:
    from vldata.models.by_processor import ByProcessor
    from vldata.xrays.probes import common
    from vltrain.generic import open_talk

    by, model = ByProcessor(folder), common.small_model(str(folder))

    def look(example: Example, name: str) -> dict[str, Any]:
        batch = by.lessons([open_talk(example)])
        return {
            "ids": common.listed(batch["input_ids"]),
            "labels": common.listed(batch["labels"]),
            "positions": common.positions(model, batch),
            "images": common.images_of(by.processor, batch, out, name),
        }

    return look


def _seen(sample: Sample, out: Path, name: str) -> dict[str, Any]:
    from PIL import Image

    images, start = [], 0
    for number, grid in enumerate(sample.grids):
        count = grid[0] * grid[1]
        picture = _picture(sample.patches[start : start + count], grid, sample.cut.patch)
        start += count
        file = f"{name}-image{number}-0.png"
        Image.fromarray(picture).save(out / file, compress_level=1)
        digest = hashlib.sha256(picture.tobytes()).hexdigest()[:16]
        images.append({"kind": "image", "grid": [1, *grid], "patch": sample.cut.patch, "digests": [digest], "files": [file]})
    return {
        "ids": sample.ids.tolist(),
        "labels": sample.labels.tolist(),
        "positions": sample.positions.tolist(),
        "images": images,
    }


def _picture(patches: Bytes, grid: Grid, patch: int) -> Bytes:
    """Put patches together again: the inverse of `vltrain.features.to_patches`."""
    rows, columns = grid
    blocks = patches.reshape(rows // MERGE, columns // MERGE, MERGE, MERGE, 3, patch, patch)
    return np.ascontiguousarray(blocks.transpose(0, 2, 5, 1, 3, 6, 4)).reshape(rows * patch, columns * patch, 3)


def main() -> int:
    """Read the job, write the result."""
    path = Path(sys.argv[1])
    result = look_at(json.loads(path.read_text(encoding="utf-8")), path.parent)
    (path.parent / "result.json").write_text(json.dumps(result), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
