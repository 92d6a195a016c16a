"""12-megapixel JPEGs: our rendering against a naive open, convert, resize and save, in the same run, and how near the pixels stay.

    python bench/media_pictures.py [--pictures 12]

Prints the ratio of the wall times (at least 2.5 is wanted) and the worst PSNR against full decoding (at least 40 dB).
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

from vldata import pixels
from vldata.media.decode import decode_picture
from vldata.media.pictures import render_picture
from vldata.media.refs import FileRef, Rendered, RenderSpec

SIZE = (4000, 3000)
BUDGET = {"processor": "qwen3-vl", "min_pixels": 65_536, "max_pixels": 589_824}


def draw_scene(seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """Draw a picture with the spectrum of a photograph (amplitude falling with frequency), some noise and some hard edges."""
    rng = np.random.default_rng(seed)
    width, height = size
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    radius = np.hypot(rows, columns) + 1 / width
    planes = []
    base = rng.standard_normal((height, width // 2 + 1)) + 1j * rng.standard_normal((height, width // 2 + 1))
    for _ in range(3):
        own = rng.standard_normal((height, width // 2 + 1)) + 1j * rng.standard_normal((height, width // 2 + 1))
        plane = np.fft.irfft2((base + 0.4 * own) / radius**1.2, s=(height, width))
        planes.append(127 + 45 * plane / plane.std() + rng.normal(0, 2, plane.shape))
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
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        paths = []
        for seed in range(arguments.pictures):
            paths.append(root / f"{seed}.jpg")
            draw_scene(seed).save(paths[-1], quality=92)
        target = pixels.target_size(*SIZE, **BUDGET)
        spec = RenderSpec(image_format="auto", quality=95, decoder="pyav", images_dir=str(root / "images"), temp_dir=folder, **BUDGET)
        worst, times = math.inf, ([], [])
        for path in paths:
            full = Image.open(io.BytesIO(path.read_bytes())).convert("RGB").resize(target, Image.Resampling.BICUBIC)
            worst = min(worst, psnr(full, decode_picture(path.read_bytes(), lambda *_: target).image))
        for turn in range(arguments.repeats):
            started = time.perf_counter()
            for path in paths:
                naive(path, target, root / "naive.jpg")
            times[0].append(time.perf_counter() - started)
            started = time.perf_counter()
            for path in paths:
                assert isinstance(render_picture(FileRef(str(path), f"{turn}"), spec), Rendered)
            times[1].append(time.perf_counter() - started)
        theirs, ours = (1000 * min(runs) / len(paths) for runs in times)
        mean = sum(path.stat().st_size for path in paths) / len(paths) / 1e6
        print(f"{len(paths)} JPEGs of {SIZE[0]}x{SIZE[1]} ({mean:.1f} MB) to {target[0]}x{target[1]}")
        print(f"naive {theirs:.1f} ms, ours {ours:.1f} ms a picture: {theirs / ours:.2f} x as fast, worst PSNR {worst:.1f} dB")


if __name__ == "__main__":
    main()
