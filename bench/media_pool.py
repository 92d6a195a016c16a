"""What the worker pool itself costs an item: trivial work, small and large items.

    python bench/media_pool.py [--items 20000]

Less than 0.3 ms a small item is wanted.
"""

from __future__ import annotations

import argparse
import os
import time

from vldata.media.pool import WorkerPool


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    started = time.perf_counter()
    with WorkerPool("operator:itemgetter", 0, workers=arguments.workers) as pool:
        list(pool.map_unordered([(0,)] * arguments.workers))
        print(f"start of {arguments.workers} workers: {1000 * (time.perf_counter() - started):.0f} ms")
        for name, item, count in (("small", (0,), arguments.items), ("1 MB", (0, bytes(1_000_000)), arguments.items // 100)):
            started = time.perf_counter()
            done = sum(1 for _ in pool.map_unordered(item for _ in range(count)))
            print(f"{name} items: {1000 * (time.perf_counter() - started) / done:.3f} ms an item")


if __name__ == "__main__":
    main()
