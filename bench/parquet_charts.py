"""ChartQA's parquet with embedded charts against a bare loop that only decodes, resizes and encodes the same charts; and stats.

    python bench/parquet_charts.py [--charts 400] [--rounds 3]

The parquet file holds that many synthetic charts, all different.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
from PIL import Image

from fixtures.chartqa import draw_chart
from vldata.datasets.stats import compute_stats
from vldata.files.parquet import iter_parquet_rows
from vldata.media.pixels import target_size


def draw(folder: Path, charts: int) -> Path:
    """Write one parquet file of different charts in the hub's layout."""
    rows = []
    for number in range(charts):
        picture = draw_chart("test", number).convert("RGB").resize((840, 600))
        picture.putpixel((0, 0), (number % 256, number // 256, 0))
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        image = {"bytes": buffer.getvalue(), "path": None}
        rows.append({"image": image, "query": f"How much {number}?", "label": [str(number)], "human_or_machine": number % 2})
    (folder / "data").mkdir(parents=True)
    pl.DataFrame(rows).write_parquet(folder / "data" / "test-00000-of-00001.parquet")
    return folder


def render(job: tuple[bytes, str]) -> None:
    """What any converter must do at least with a chart."""
    with Image.open(io.BytesIO(job[0])) as image:
        rgb = image.convert("RGB")
    size = target_size(*rgb.size, processor="qwen3-vl", min_pixels=65_536, max_pixels=589_824)
    rgb.resize(size, Image.Resampling.BICUBIC).save(job[1], "PNG")


def bare_loop(cells: list[bytes], out: Path) -> float:
    """Seconds to render every chart once, on all cores, its bytes already in memory."""
    jobs = [(data, str(out / f"{index}.png")) for index, data in enumerate(cells)]
    started = time.perf_counter()
    with multiprocessing.Pool(os.cpu_count()) as pool:
        pool.map(render, jobs, chunksize=4)
    return time.perf_counter() - started


def main() -> None:
    """Print the ratio, and the rate of stats."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--charts", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = draw(folder / "source", args.charts)
        cells = [row["image"]["bytes"] for _, row in iter_parquet_rows(next((source / "data").glob("*.parquet")))]
        ratios, own = [], []
        for _ in range(args.rounds):
            (folder / "bare").mkdir()
            bare = bare_loop(cells, folder / "bare")
            started = time.perf_counter()
            vldata = Path(sys.executable).with_name("vldata")
            command = [vldata, "convert", "chartqa", source, "--split", "test", "--out", folder / "prepared"]
            subprocess.run(command, check=True, capture_output=True)
            own.append(time.perf_counter() - started)
            ratios.append(own[-1] / bare)
            shutil.rmtree(folder / "bare")
            if len(own) < args.rounds:
                shutil.rmtree(folder / "prepared")
        print(f"{args.charts} charts: {' '.join(f'{t:.1f}' for t in own)} s; median ratio {statistics.median(ratios):.2f} (limit 1.25)")
        target = str(folder / "prepared" / "chartqa_test")
        started = time.perf_counter()
        rounds = 50
        for _ in range(rounds):
            compute_stats(target)
        print(f"stats: {args.charts * rounds / (time.perf_counter() - started):,.0f} records/s (at least 100,000)")


if __name__ == "__main__":
    main()
