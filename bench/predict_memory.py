"""Memory of `vleval predict` by the number of records: each size in a process of its own, against a server that answers at once.

    python bench/predict_memory.py [--records 1000,10000,100000]

Records are text only and 300 bytes long; the run is resumed once with everything answered, which reads the whole journal.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.client import serve
from vldata.api.convert import convert

# VmHWM rather than ru_maxrss: the latter begins at what the parent held.
CHILD = """
import re, sys, time
from pathlib import Path
from vldata.datasets.dataset import Dataset
from vleval.inference.options import RunOptions
from vleval.inference.run import predict
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)) / 1024
out = Path(sys.argv[2])
options = RunOptions(backend="openai", model="m", base_url=sys.argv[3], preflight=False, concurrency=64)
started = time.perf_counter()
asked = predict(Dataset(sys.argv[1]), out, options)
seconds = time.perf_counter() - started
before = peak()
again = predict(Dataset(sys.argv[1]), out, options)
assert asked.answered == asked.total == again.taken_over, (asked, again)
print(asked.total, before, peak(), seconds)
"""


def main() -> None:
    """Print peak memory of each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", default="1000,10000,100000")
    sizes = [int(part) for part in parser.parse_args().records.split(",")]
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in sizes:
            source = folder / f"{size}.jsonl"
            with source.open("w", encoding="utf-8") as lines:
                for number in range(size):
                    question = f"How many bars are taller than bar {number} of the chart on page {number % 97}? " * 2
                    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": "4"}]
                    lines.write(json.dumps({"messages": turns}) + "\n")
            convert("sharegpt", source, out=folder / "prepared", name=f"n{size}", workers=1)
            call = [sys.executable, "-c", CHILD, str(folder / "prepared" / f"n{size}"), str(folder / f"{size}.preds"), url]
            total, first, second, seconds = map(float, subprocess.run(call, check=True, capture_output=True, text=True).stdout.split())
            memory = f"peak {first:6.1f} MiB asking, {second:6.1f} MiB after resuming"
            print(f"{int(total):>9,} records: {memory}; {total / seconds:,.0f} requests/s")
    server.terminate()
    server.join()


if __name__ == "__main__":
    main()
