"""Runs where our package and `datasets` are installed: the hf, parquet and webdataset exports read back by the real libraries.

    python hf_load.py DIR NAME OUT

Every row is compared with its record and every picture with its file, after the export was moved away from the pictures it was made
of; the upload is caught at the door, so that what it would send is known. Prints one JSON line a format; exit 1 on a difference.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import datasets
import webdataset
from huggingface_hub import DatasetCard
from PIL import Image

from vldata.datasets.dataset import Dataset
from vldata.exports import export
from vldata.exports.plan import ExportPlan
from vldata.records.record import Record, encode_record


def differs(row: dict[str, Any], record: Record, dataset: Dataset, pictures: list[Any]) -> str:
    """What of a row is not what the record says, or ""."""
    plain = json.loads(encode_record(record))
    for key in ("id", "references", "meta", "tools"):
        if key in plain and row[key] != plain[key]:
            return key
    if [dict(turn) for turn in row["messages"]] != plain["messages"]:
        return "messages"
    if len(pictures) != len(record.images):
        return "number of pictures"
    for picture, path in zip(pictures, dataset.image_paths(record), strict=True):
        with Image.open(path) as original:
            if picture.size != original.size or picture.convert("RGB").tobytes() != original.convert("RGB").tobytes():
                return "pixels"
    return ""


def compare(name: str, rows: Any, dataset: Dataset, pictures_of: Any = lambda row: row["images"]) -> int:
    """Compare all rows, say what came of it and return the number of differences."""
    records = list(dataset)
    found = [
        difference for row, record in zip(rows, records, strict=True) if (difference := differs(row, record, dataset, pictures_of(row)))
    ]
    print(json.dumps({"hf": name, "records": len(records), "pictures": sum(len(r.images) for r in records), "wrong": found[:3]}))
    return len(found)


def main() -> int:
    folder, name, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    shutil.rmtree(out, ignore_errors=True)
    dataset = Dataset(folder / name)
    sent: list[Any] = []
    datasets.Dataset.push_to_hub = lambda self, *given, **named: sent.append((given, named, len(self)))  # type: ignore[method-assign]
    cards: list[tuple[str, str]] = []
    DatasetCard.load = staticmethod(lambda repo: DatasetCard("---\nsize_categories: n<1K\n---\n\nfrom the hub"))  # type: ignore[method-assign]
    DatasetCard.push_to_hub = lambda self, repo, **named: cards.append((repo, str(self)))  # type: ignore[method-assign]
    wrong = compare("Dataset.to_hf", dataset.to_hf(), dataset)
    aside = out.with_name(f"{out.name}-aside")
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(folder, aside)
    copy = Dataset(aside / name)
    for form, images in (("hf", "absolute"), ("parquet", "embed"), ("webdataset", "absolute")):
        export(form, ExportPlan(str(aside / name), out, images=images, rows_per_shard=100, push="me/data" if form == "hf" else ""))  # type: ignore[arg-type]
    shutil.rmtree(aside)  # whatever an export did not take along is gone now
    wrong += compare("load_from_disk", datasets.load_from_disk(str(out / f"{name}.hf")), dataset)
    parquet = datasets.load_dataset("parquet", data_files=f"{out}/{name}.parquet/*.parquet", split="train")
    pictured = datasets.Features({**parquet.features, "images": datasets.Sequence(datasets.Image())})
    wrong += compare("parquet", parquet.cast(pictured), dataset)
    shards = sorted(str(path) for path in (out / f"{name}.webdataset").glob("*.tar"))
    tars = webdataset.WebDataset(shards, shardshuffle=False)
    rows = ({**json.loads(row["json"]), "members": row} for row in tars)
    wrong += compare("webdataset", rows, dataset, lambda row: _members(row["members"]))
    asked = sent == [(("me/data",), {"split": _split(name), "private": True}, len(copy))]
    carded = [repo for repo, text in cards if "size_categories: n<1K" in text and "from the hub" not in text]
    print(json.dumps({"hf": "push_to_hub", "asked": [str(given) for given in sent], "cards": carded}))
    return 0 if asked and carded == ["me/data"] and not wrong else 1


def _members(row: dict[str, Any]) -> list[Any]:
    numbered = [(int(key.split(".")[0]), value) for key, value in row.items() if key.split(".")[0].isdigit() and value is not None]
    return [Image.open(io.BytesIO(value)) for _, value in sorted(numbered, key=lambda pair: pair[0])]


def _split(name: str) -> str:
    return {"test": "test", "val": "validation"}.get(name.rpartition("_")[2], "train")


if __name__ == "__main__":
    raise SystemExit(main())
