"""Memory and time of the commands that derive datasets, by the number of records: each command in a process of its own.

    python -m bench.derive_memory [--records 10000,100000,400000]

Records are text only and 330 bytes long. Prints the peak memory of the process and its wall time.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vldata.api.convert import convert

# VmHWM rather than ru_maxrss: the latter begins at what the parent held.
CHILD = """
import re, sys
from pathlib import Path
from vldata.start import vldata
sys.argv[0] = "vldata"
try:
    vldata()
finally:
    text = Path("/proc/self/status").read_text()
    print("peak", int(re.search(r"VmHWM:\\s+(\\d+)", text).group(1)) / 1024, file=sys.stderr)
"""


def write_source(path: Path, count: int) -> None:
    """Write conversations of two turns, each its own."""
    with path.open("w", encoding="utf-8") as lines:
        for number in range(count):
            question = f"What is {number} plus {number * 7 % 1009}? Explain it in some words."
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": f"It is {number + number * 7 % 1009}."}]
            lines.write(json.dumps({"id": f"rec-{number:08d}", "messages": turns}) + "\n")


def main() -> None:
    """Print peak memory and time of each command at each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", default="10000,100000,400000")
    for size in [int(part) for part in parser.parse_args().records.split(",")]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_source(folder / "source.jsonl", size)
            convert("sharegpt", folder / "source.jsonl", out=folder / "prepared", name="d", workers=1)
            dataset = str(folder / "prepared" / "d")
            commands = {
                "split": ["split", dataset, "--test", "1000", "--group-by", "none"],
                "sample": ["sample", dataset, "--count", str(size // 2)],
                "filter": ["filter", dataset, "--where", "turns>=2"],
                "mix": ["mix", f"{dataset}=1", "--as", "mixed"],
                "pii": ["pii", dataset, "--redact"],
                "rename": ["info", str(folder / "prepared"), "--rename", "d_sample", "other"],
            }
            for what, arguments in commands.items():
                started = time.perf_counter()
                child = subprocess.run([sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=False)
                seconds = time.perf_counter() - started
                found = re.search(r"^peak (\S+)", child.stderr, re.MULTILINE)
                if child.returncode or not found:
                    raise SystemExit(f"{what} failed:\n{child.stdout}{child.stderr}")
                print(f"{size:>11,} records  {what:<7} {float(found.group(1)):7.0f} MiB {seconds:7.1f} s", flush=True)


if __name__ == "__main__":
    main()
