"""Finding near-duplicates among 100,000 pictures' hashes, beside comparing every pair.

python bench/near_pictures.py               # 50,000 against 50,000, within 16 and within 33 bits
python bench/near_pictures.py --count 5000  # smaller, with every pair compared to the end: the results must be equal
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray

from vldata.splits.near_pictures import BITS, near_pairs


def draw_hashes(count: int, seed: int) -> NDArray[np.uint8]:
    """Hashes as real ones are: low frequencies agree between pictures of one kind, and one picture in a hundred has a copy."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 2, (50, BITS), dtype=np.uint8)
    keep = np.linspace(0.85, 0.55, BITS)
    bits = np.where(rng.random((count, BITS)) < keep, kinds[rng.integers(0, 50, count)], rng.integers(0, 2, (count, BITS), dtype=np.uint8))
    copies = rng.integers(0, count, count // 100)
    bits[::100][: len(copies)] = bits[copies][: len(bits[::100])]
    noise = rng.random((count, BITS)) < 0.015
    return np.packbits(bits ^ noise, axis=1)


def compare_all(first: NDArray[np.uint8], second: NDArray[np.uint8], distance: int, rows: int) -> tuple[int, float]:
    """Compare the first `rows` with every other: pairs found, and the seconds that all rows would take."""
    started = time.perf_counter()
    wide = second.view(np.uint64)
    found = sum(int((np.bitwise_count(wide ^ row).sum(axis=1) <= distance).sum()) for row in first[:rows].view(np.uint64))
    return found, (time.perf_counter() - started) * len(first) / rows


def main() -> None:
    """Print times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50_000)
    args = parser.parse_args()
    hashes = draw_hashes(args.count * 2, 1)
    first, second = hashes[: args.count], hashes[args.count :]
    named = [{f"{label}{n}": row.tobytes() + bytes(128) for n, row in enumerate(rows)} for label, rows in (("a", first), ("b", second))]
    for distance in (16, 33):
        started = time.perf_counter()
        found = len(near_pairs(*named, distance=distance))
        took = time.perf_counter() - started
        rows = args.count if args.count <= 5_000 else 500
        every, whole = compare_all(first, second, distance, rows)
        equal = f", equal: {every == found}" if rows == args.count else ""
        print(f"within {distance}: {found:,} pairs in {took:.2f} s; every pair compared {whole:.1f} s ({whole / took:.1f} x){equal}")


if __name__ == "__main__":
    main()
