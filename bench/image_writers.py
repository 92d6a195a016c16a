"""Writing shards of pictures: `vldata export` beside WebDataset's, MosaicML Streaming's and LitData's own writers, on the same pictures.

    python -m bench.image_writers [--pictures 2000] [--size 1024x768] [--rounds 3]

Each writes the records and the bytes of their JPEGs from the same dataset on disk, in one process, in a process of its own so that none
finds another's cache. Ours also holds every picture to be one; theirs are given the bytes. Run where the libraries are installed (`make
streams` builds such a venv). Printed are pictures a second, the median of the rounds, and the time of ours over theirs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vldata.api.convert import convert


def draw(folder: Path, count: int, size: tuple[int, int]) -> None:
    """Draw pictures with some detail, and a question to each."""
    dice = np.random.default_rng(0)
    (folder / "pictures").mkdir()
    with (folder / "rows.jsonl").open("w") as rows:
        for number in range(count):
            small = Image.fromarray(dice.integers(0, 256, (size[1] // 16, size[0] // 16, 3), dtype=np.uint8))
            small.resize(size, Image.Resampling.BICUBIC).save(folder / "pictures" / f"{number}.jpg", quality=90)
            turns = [
                {"role": "user", "content": f"<image>What is in picture {number}?"},
                {"role": "assistant", "content": f"Colours {number}."},
            ]
            rows.write(json.dumps({"id": str(number), "messages": turns, "images": [f"pictures/{number}.jpg"]}) + "\n")


def rows_of(target: Path) -> Iterator[tuple[dict[str, Any], list[bytes]]]:
    """Records and the bytes of their pictures, as a script reads them."""
    with target.with_name(f"{target.name}.jsonl").open("rb") as lines:
        for line in lines:
            record = json.loads(line)
            yield record, [(target.parent / name).read_bytes() for name in record["images"]]


def write_ours(target: Path, out: Path, form: str) -> None:
    """`vldata export`."""
    from vldata.api.export import export

    export(str(target), form, out=out)


def write_webdataset(target: Path, out: Path) -> None:
    """WebDataset's ShardWriter, a thousand rows a shard."""
    import webdataset

    out.mkdir()
    with webdataset.ShardWriter(f"{out}/%06d.tar", maxcount=1000, verbose=0) as sink:
        for number, (record, pictures) in enumerate(rows_of(target)):
            sample = {"__key__": f"{number:09d}", "json": record}
            sink.write(sample | {f"{place}.jpg": data for place, data in enumerate(pictures)})


def write_streaming(target: Path, out: Path) -> None:
    """MosaicML Streaming's MDSWriter; the bytes of a picture go in as they are, as its `bytes`."""
    from streaming import MDSWriter

    with MDSWriter(out=str(out), columns={"id": "str", "record": "json", "image": "bytes"}, hashes=["sha256"]) as sink:
        for record, pictures in rows_of(target):
            sink.write({"id": record["id"], "record": record, "image": pictures[0]})


def write_litdata(target: Path, out: Path) -> None:
    """LitData's own chunk writer, which `optimize` runs in each of its workers."""
    from litdata.streaming.writer import BinaryWriter

    out.mkdir()
    writer = BinaryWriter(str(out), chunk_bytes="64MB")
    for number, (record, pictures) in enumerate(rows_of(target)):
        writer.add_item(number, {"id": record["id"], "record": json.dumps(record), "image": pictures[0]})
    writer.done()
    writer.merge()


WRITERS = {
    "vldata export --to webdataset": lambda target, out: write_ours(target, out, "webdataset"),
    "webdataset.ShardWriter": write_webdataset,
    "vldata export --to mds": lambda target, out: write_ours(target, out, "mds"),
    "streaming.MDSWriter": write_streaming,
    "litdata.BinaryWriter": write_litdata,
}
AGAINST = {
    "webdataset.ShardWriter": "vldata export --to webdataset",
    "streaming.MDSWriter": "vldata export --to mds",
    "litdata.BinaryWriter": "vldata export --to mds",
}
CHILD = """
import importlib.util, sys, time
from pathlib import Path
sys.path.insert(0, "tests/consumers")
if importlib.util.find_spec("torchvision"):
    import torchvision_env
from bench.image_writers import WRITERS
name, target, out = sys.argv[1:]
WRITERS[name](Path(target), Path(out) / "warm")
started = time.perf_counter()
WRITERS[name](Path(target), Path(out) / "timed")
print("seconds", time.perf_counter() - started)
"""


def measure(name: str, target: Path, work: Path) -> float:
    """Seconds of a writer, warm, without the import of its library."""
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    call = [sys.executable, "-W", "ignore", "-c", CHILD, name, str(target), str(out)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stdout}{done.stderr}")
    return float(done.stdout.rpartition("seconds ")[2])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=2_000)
    parser.add_argument("--size", default="1024x768")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.work) as name:
        work = Path(name)
        width, height = map(int, given.size.split("x"))
        draw(work, given.pictures, (width, height))
        convert("sharegpt", work / "rows.jsonl", out=work / "prepared", name="d")
        target = work / "prepared" / "d"
        seconds = {writer: [measure(writer, target, work) for _ in range(given.rounds)] for writer in WRITERS}
    middle = {writer: statistics.median(times) for writer, times in seconds.items()}
    for writer, time in middle.items():
        ours = AGAINST.get(writer)
        ratio = f"   {ours} takes {middle[ours] / time:.2f} x its time" if ours else ""
        print(f"{writer:<30} {given.pictures / time:9,.0f} pictures/s{ratio}")


if __name__ == "__main__":
    main()
