"""12-megapixel JPEGs: our rendering against a naive open, convert, resize and save, in the same run, and how near the pixels stay.

    python bench/media_pictures.py [--pictures 12]

Prints the ratio of the processor times (at least 2.5 is wanted for photographs) and the worst PSNR against full decoding (at least 40 dB).
The second set, with detail in every pixel, is the hard case: unpacking 5 MB of entropy-coded data is most of the work, and scaled decoding
saves none of that.
"""

from __future__ import annotations

import argparse
import io
import math
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from vldata.media import pixels
from vldata.media.decode import decode_picture
from vldata.media.pictures import render_picture
from vldata.media.refs import FileRef, Rendered, RenderSpec

SIZE = (4000, 3000)
BUDGET = {"processor": "qwen3-vl", "min_pixels": 65_536, "max_pixels": 589_824}


def draw_scene(seed: int, size: tuple[int, int] = SIZE, lens: float = math.inf) -> Image.Image:
    """Draw a picture with the spectrum of a photograph (amplitude falling with frequency), some noise and some hard edges.

    `lens` is where, in cycles a pixel, a lens has lost nine tenths of the contrast; without it every pixel has detail of its own.
    """
    rng = np.random.default_rng(seed)
    width, height = size
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    radius = np.hypot(rows, columns) + 1 / width
    transfer = np.exp(-math.log(10) * (radius / lens) ** 2) / radius**1.2
    planes = []
    base = rng.standard_normal((height, width // 2 + 1)) + 1j * rng.standard_normal((height, width // 2 + 1))
    for _ in range(3):
        own = rng.standard_normal((height, width // 2 + 1)) + 1j * rng.standard_normal((height, width // 2 + 1))
        plane = np.fft.irfft2((base + 0.4 * own) * transfer, s=(height, width))
        planes.append(127 + 45 * plane / plane.std() + rng.normal(0, 1, plane.shape))
    scene = np.stack(planes, axis=-1)
    for _ in range(30):
        left, top = int(rng.integers(width)), int(rng.integers(height))
        scene[top : top + int(rng.integers(20, 400)), left : left + int(rng.integers(20, 400))] = rng.integers(0, 255, 3)
    return Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8))


def psnr(left: Image.Image, right: Image.Image) -> float:
    """Peak signal to noise ratio in decibels."""
    error = np.mean((np.asarray(left, dtype=np.float64) - np.asarray(right, dtype=np.float64)) ** 2)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def naive(path: Path, target: tuple[int, int], out: Path) -> None:
    """What one writes without thinking."""
    Image.open(path).convert("RGB").resize(target).save(out, quality=95, subsampling=0)


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    for name, lens in (("photographs", 0.25), ("detail in every pixel", math.inf)):
        with tempfile.TemporaryDirectory() as folder:
            compare(name, Path(folder), lens, arguments.pictures, arguments.repeats)


def compare(name: str, root: Path, lens: float, pictures: int, repeats: int) -> None:
    """Draw the pictures, render them both ways and print the ratio."""
    paths = [root / f"{seed}.jpg" for seed in range(pictures)]
    for seed, path in enumerate(paths):
        draw_scene(seed, lens=lens).save(path, quality=92)
    target = pixels.target_size(*SIZE, **BUDGET)
    worst, times = math.inf, ([], [])
    for path in paths:
        full = Image.open(io.BytesIO(path.read_bytes())).convert("RGB").resize(target, Image.Resampling.BICUBIC)
        worst = min(worst, psnr(full, decode_picture(path.read_bytes(), lambda *_: target).image))
    for turn in range(repeats):
        images = str(root / f"images-{turn}")
        spec = RenderSpec(image_format="auto", quality=95, decoder="pyav", images_dir=images, temp_dir=str(root), **BUDGET)
        for path in paths:
            started = time.process_time()
            naive(path, target, root / "naive.jpg")
            between = time.process_time()
            assert isinstance(render_picture(FileRef(str(path), path.name), spec), Rendered)
            times[0].append(between - started)
            times[1].append(time.process_time() - between)
    theirs, ours = (1000 * sum(runs) / len(runs) for runs in times)
    mean = sum(path.stat().st_size for path in paths) / len(paths) / 1e6
    print(f"{name}: {len(paths)} JPEGs of {SIZE[0]}x{SIZE[1]} ({mean:.1f} MB) to {target[0]}x{target[1]}")
    print(f"  naive {theirs:.1f} ms, ours {ours:.1f} ms a picture: {theirs / ours:.2f} x as fast, worst PSNR {worst:.1f} dB")


if __name__ == "__main__":
    main()
