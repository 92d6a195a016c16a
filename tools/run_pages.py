"""Run the commands of documentation pages as a reader would type them, and hold what they print to what the page shows.

python -m tools.run_pages docs/tutorials/*.md [--work FOLDER] [--keep]

- A ```bash block is run by bash, in a folder that belongs to its page; it must end with 0.
- A ```text block after it is what it prints: each of its lines must stand in the output, in this order. `…` stands for anything, and
  lines in between may be left out.
- A ```console block is not run: it is for a machine with a GPU, a server or real weights. `make test` checks its options.
- Any other block is shown only, but for ```yaml title="FILE": the file is written where the commands run.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(
    r"^(?P<indent>[ ]*)```(?P<language>\w*)(?:[ ]+title=\"(?P<title>[^\"]+)\")?[ ]*\n(?P<text>.*?)^(?P=indent)```[ ]*$", re.S | re.M
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    title: str
    text: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page in their order."""
    for found in _BLOCK.finditer(page):
        text = re.sub(rf"^{found['indent']}", "", found["text"], flags=re.M)
        yield Block(found["language"], found["title"] or "", text, page.count("\n", 0, found.start()) + 1)


def missing_line(shown: str, printed: str) -> str:
    """The first line of a page's output that was not printed, in order; empty where all were."""
    rest = printed.splitlines()
    for line in filter(str.strip, shown.splitlines()):
        if line.strip() == "…":
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in line.rstrip().split("…")))
        place = next((index for index, said in enumerate(rest) if pattern.fullmatch(said.rstrip())), None)
        if place is None:
            return line
        rest = rest[place + 1 :]
    return ""


def run_page(page: Path, work: Path) -> str:
    """Run a page's blocks in a folder; returns what went wrong, or nothing."""
    shims = _shims(work / ".bin")
    environment = os.environ | {
        "PATH": f"{shims}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "train")]),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "120",
    }
    printed = ""
    for block in blocks(page.read_text(encoding="utf-8")):
        where = f"{page.name}:{block.line}"
        if block.title:
            (work / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "bash":
            command = ["bash", "-euo", "pipefail", "-c", block.text]
            done = subprocess.run(
                command, cwd=work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
            )
            printed = done.stdout
            if done.returncode:
                return f"{where}: ended with {done.returncode}\n{block.text}\n{printed}"
        elif block.language == "text" and (line := missing_line(block.text, printed)):
            return f"{where}: the page shows a line that was not printed: {line}\n--- printed ---\n{printed}"
    return ""


def _shims(folder: Path) -> Path:
    """Commands of this checkout, as the reader has them installed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in (("vldata", "-m vldata"), ("vleval", "-m vleval"), ("vltrain", "-m vltrain"), ("python", "")):
        shim = folder / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n', encoding="utf-8")
        shim.chmod(0o755)
    return folder


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path, nargs="+")
    parser.add_argument("--work", type=Path, help="a folder to work in that is kept; by default a temporary one")
    arguments = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        for page in arguments.pages:
            work = (arguments.work or Path(temporary)) / page.stem
            work.mkdir(parents=True, exist_ok=True)
            began = time.monotonic()
            wrong = run_page(page, work)
            failed += bool(wrong)
            print(f"{'FAILED' if wrong else 'ran':7s} {time.monotonic() - began:6.1f} s  {page}", flush=True)
            if wrong:
                print(wrong, file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
