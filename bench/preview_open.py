"""How long the gallery of 5,000 records takes to make, and to open in headless Chromium by the browser's own clock.

python -m bench.preview_open                       # 5,000 records, 5,000 pictures as varied as photographs
python -m bench.preview_open --images 8            # eight pictures a record, shared by four records each
python -m bench.preview_open --data DIR/NAME       # a data set of yours

Beside it stands a page that says "hello", opened in the same browser right before.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fixtures.browser import browse, find_chromium
from vldata.datasets.derive import NewDataset, publish_parts
from vldata.datasets.rows import Held
from vldata.output.contract import Contract, Counts, PixelContract, TokenStatistics, spread
from vldata.output.folder import DatasetPaths
from vldata.output.journal import discard_state
from vldata.output.publish import MediaLine
from vldata.previews.make import make_preview
from vldata.records.record import Message, Record, encode_record

SIZE = (640, 384)
ASKED = "JSON.stringify([performance.getEntriesByType('navigation')[0], performance.getEntriesByType('paint'), document.images.length])"


def draw_picture(seed: int) -> bytes:
    """A JPEG with a photograph's share of detail: soft fields of colour, edges, texture."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(0, 256, (5, 8, 3), dtype=np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    fine = Image.fromarray(rng.integers(0, 256, (24, 40, 3), dtype=np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    image = Image.blend(soft, fine, 0.25)
    for _ in range(12):
        left, top = int(rng.integers(0, SIZE[0] - 90)), int(rng.integers(0, SIZE[1] - 90))
        width, height = (int(side) for side in rng.integers(12, 90, 2))
        image.paste(tuple(int(level) for level in rng.integers(0, 256, 3)), (left, top, left + width, top + height))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def write_dataset(out: Path, count: int, images: int) -> None:
    """Write a data set of `count` records; with several pictures a record, four records share theirs."""
    media: dict[str, MediaLine] = {}
    names: list[str] = []
    for number in range(count if images == 1 else count * images // 4):
        data = draw_picture(number)
        digest = hashlib.sha256(data).hexdigest()
        path = out / "images" / digest[:2] / f"{digest}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        name = path.relative_to(out).as_posix()
        media[name] = MediaLine(name, f"photos/{number:05d}.jpg", 0, *SIZE, *SIZE, len(data), digest)
        names.append(name)
    records = []
    for number in range(count):
        start = number if images == 1 else number // 4 * images
        words = f"<image>{'<image>' * (images - 1)}What stands beside object {number} of shelf {number % 97}, and which colour has it?"
        messages = (Message("user", words), Message("assistant", f"A {number % 11} litre jar, {['red', 'green', 'blue'][number % 3]}."))
        meta = {"source": "bench", "category": f"kind {number % 7}", "scene": f"scene {number // 40}"}
        records.append(
            Record(id=f"bench/{number:06d}", messages=messages, images=tuple(names[start : start + images]), references=(), meta=meta)
        )
    contract = Contract(
        name="bench", converter="bench", version="0", builds={}, sources=(), settings={}, coordinate_space="none", files=(),
        pixels=PixelContract("qwen3-vl", 65_536, 589_824, "jpeg", 88), columns=("source", "category", "scene"),
        counts=Counts(count, count, 0, 0), tokens=TokenStatistics(spread([]), spread([]), ""),
    )  # fmt: skip
    paths = DatasetPaths(out, "bench")
    rows = Held([encode_record(record) for record in records], records)
    publish_parts(paths, [NewDataset("bench", rows, contract)], media, made_by="bench")
    discard_state(paths)


async def open_pages(chromium: str, pages: list[Path], profile: Path) -> list[list[Any]]:
    """Open each page in one browser: what it says of its navigation, its paints and its pictures."""
    found = []
    async with browse(chromium, profile) as tab:
        for page in pages:
            await tab.open(page.as_uri())
            await asyncio.sleep(0.5)
            found.append(json.loads(await tab.value(ASKED)))
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=5_000)
    parser.add_argument("--images", type=int, default=1)
    parser.add_argument("--data", default="")
    args = parser.parse_args()
    chromium = find_chromium()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not args.data:
            write_dataset(folder, args.records, args.images)
        started = time.perf_counter()
        made = make_preview(args.data or str(folder / "bench"), out=folder / "page.html")
        took = time.perf_counter() - started
        print(
            f"{made.shown:,} records, {made.pictures_shown:,} of {made.pictures:,} pictures: {made.bytes / 2**20:.1f} MiB in {took:.1f} s"
        )
        if chromium is None:
            print("no Chromium here: opening was not measured")
            return
        hello = folder / "hello.html"
        hello.write_text("<!doctype html><title>hello</title><p>hello")
        opened = asyncio.run(open_pages(chromium, [hello, folder / "page.html"] * 3, folder / "profile"))
        for label, pages in (("hello", opened[::2]), ("gallery", opened[1::2])):
            worst = max(pages, key=lambda page: page[0]["domContentLoadedEventEnd"])
            paints = {paint["name"]: paint["startTime"] for paint in worst[1]}
            first = paints.get("first-contentful-paint", float("nan"))
            loaded = worst[0]["domContentLoadedEventEnd"]
            times = f"first contentful paint {first:.0f} ms, DOMContentLoaded {loaded:.0f} ms (slowest of 3)"
            print(f"{label:8} {times}, {worst[2]} pictures drawn")


if __name__ == "__main__":
    main()
