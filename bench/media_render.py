"""Rendering frame folders in the worker pool, against a bare loop that only decodes, resizes and encodes on all cores, in the same run.

    python bench/media_render.py [--root FOLDER] [--episodes 152] [--frames 8] [--repeats 3]

Without --root the frames are drawn: 1920x1080 PNG, laid out as Open-EQA ships them, about 4 MB each. At most 1.15 is wanted.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

from media_pictures import BUDGET, draw_scene
from PIL import Image, ImageChops

from vldata.media.refs import FileRef, Rendered, RenderSpec
from vldata.media.render import render

TARGET = (1024, 576)


def lay_out(root: Path, episodes: int, frames: int) -> None:
    """Draw the frames of every episode, all different."""
    scenes = [draw_scene(seed, (1920, 1080)) for seed in range(8)]
    for episode in range(episodes):
        folder = root / "frames" / "hm3d-v0" / f"{episode:03d}"
        folder.mkdir(parents=True)
        for frame in range(frames):
            scene = scenes[(episode + frame) % len(scenes)]
            ImageChops.offset(scene, (episode * 37 + frame) % 1920, 0).save(folder / f"{frame:05d}-rgb.png", compress_level=1)


def bare(path: str) -> int:
    """Decode, resize, encode: nothing else, not even a write."""
    buffer = io.BytesIO()
    Image.open(path).convert("RGB").resize(TARGET, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=95, subsampling=0)
    return len(buffer.getvalue())


def run_bare(paths: list[str], workers: int) -> None:
    """Run the bare loop on all cores."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        assert all(pool.imap_unordered(bare, paths, chunksize=4))


def run_ours(paths: list[str], workers: int, spec: RenderSpec) -> None:
    """Render the same pictures."""
    refs = [FileRef(path, path, frame) for frame, path in enumerate(paths)]
    done = sum(isinstance(rendering, Rendered) for _, rendering in render(refs, spec, workers=workers))
    assert done == len(paths)


def cpu_seconds() -> float:
    """Processor time of this process and of the children that ended."""
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--episodes", type=int, default=152)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.root or Path(folder, "source")
        if arguments.root is None:
            lay_out(root, arguments.episodes, arguments.frames)
        paths = sorted(map(str, root.glob("frames/**/*-rgb.png")))
        results: dict[str, list[tuple[float, float]]] = {"bare": [], "ours": []}
        for turn in range(arguments.repeats):
            out = Path(folder, f"out-{turn}")
            (out / "tmp").mkdir(parents=True)
            spec = RenderSpec(image_format="jpeg", quality=95, decoder="pyav", images_dir=str(out), temp_dir=str(out / "tmp"), **BUDGET)
            for name in ("bare", "ours") if turn % 2 == 0 else ("ours", "bare"):
                started, used = time.perf_counter(), cpu_seconds()
                if name == "bare":
                    run_bare(paths, arguments.workers)
                else:
                    run_ours(paths, arguments.workers, spec)
                results[name].append((time.perf_counter() - started, cpu_seconds() - used))
            shutil.rmtree(out)
        best = {name: (min(wall for wall, _ in runs), min(cpu for _, cpu in runs)) for name, runs in results.items()}
        for name, (wall, cpu) in best.items():
            print(f"{name}: {wall:.2f} s wall, {cpu:.2f} s processor for {len(paths)} pictures on {arguments.workers} workers")
        print(f"ratio: {best['ours'][0] / best['bare'][0]:.3f} wall, {best['ours'][1] / best['bare'][1]:.3f} processor")


if __name__ == "__main__":
    main()
