"""Open-EQA at full scale against two baselines in the same run.

    python bench/openeqa_full.py SOURCE [--rounds 3]

SOURCE is a download (or a stand-in) with 1920x1080 frames. Baselines: (a) a bare loop that only decodes, resizes and encodes the
needed pictures on all cores; (b) a per-question script that opens and saves every question's frames, timed on a sample and scaled.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from vldata.media.pixels import target_size
from vldata.media.refs import FileRef
from vldata.records.draft import Draft
from vldata.sources.openeqa import open_source


def render(path: str, target: str) -> None:
    """What any converter must do at least with a picture."""
    with Image.open(path) as image:
        rgb = image.convert("RGB")
    size = target_size(*rgb.size, processor="qwen3-vl", min_pixels=65_536, max_pixels=589_824)
    rgb.resize(size, Image.Resampling.BICUBIC).save(target, "JPEG", quality=95, subsampling=0)


def bare_loop(paths: list[str], out: Path) -> float:
    """Seconds to render each needed picture once, on all cores."""
    jobs = [(path, str(out / f"{index}.jpg")) for index, path in enumerate(paths)]
    started = time.perf_counter()
    with multiprocessing.Pool(os.cpu_count()) as pool:
        pool.starmap(render, jobs, chunksize=4)
    return time.perf_counter() - started


def per_question(questions: list[list[str]], out: Path) -> float:
    """Seconds of a script that renders every question's frames anew, one after the other."""
    started = time.perf_counter()
    for number, paths in enumerate(questions):
        for index, path in enumerate(paths):
            render(path, str(out / f"{number}_{index}.jpg"))
    return time.perf_counter() - started


def ours(source: Path, out: Path) -> float:
    """Seconds of the installed command, start to end."""
    vldata = Path(sys.executable).with_name("vldata")
    started = time.perf_counter()
    subprocess.run([vldata, "convert", "openeqa", source, "--out", out], check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Print the two ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample", type=int, default=12, help="questions of the per-question baseline")
    args = parser.parse_args()
    drafts = [draft for draft in open_source(args.source).drafts() if isinstance(draft, Draft)]
    questions = [[ref.path for ref in draft.media if isinstance(ref, FileRef)] for draft in drafts]
    unique = sorted({path for paths in questions for path in paths})
    bare, own = [], []
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            bare.append(bare_loop(unique, Path(folder)))
        out = Path(tempfile.mkdtemp())
        own.append(ours(args.source, out / "prepared"))
        shutil.rmtree(out)
    with tempfile.TemporaryDirectory() as folder:
        naive = per_question(questions[: args.sample], Path(folder)) / args.sample * len(questions)
    ratio = statistics.median(mine / base for mine, base in zip(own, bare, strict=True))
    print(f"{len(questions):,} questions, {len(unique):,} pictures, {os.cpu_count()} cores")
    print(f"bare loop    {' '.join(f'{t:.1f}' for t in bare)} s")
    print(f"vldata       {' '.join(f'{t:.1f}' for t in own)} s   median ratio {ratio:.2f} (limit 1.25)")
    print(f"per question {naive:.0f} s (scaled from {args.sample}); vldata is {naive / statistics.median(own):.1f} x faster (at least 8)")


if __name__ == "__main__":
    main()
