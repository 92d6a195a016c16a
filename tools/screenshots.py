"""The pictures of pages in the docs: drawn data, our own commands, headless Chromium.

python -m tools.screenshots [--work FOLDER]     # writes docs/images/*.webp; needs Chromium
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from fixtures.browser import find_chromium

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "images"
PAGES = {"report": (1_280, 1_560), "report-narrow": (500, 1_600), "preview": (1_280, 1_240)}
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--hide-scrollbars")


def make_pages(work: Path) -> dict[str, Path]:
    """Draw, convert, answer and report; returns the pages."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "train")))}

    def run(*words: str) -> None:
        subprocess.run([sys.executable, "-m", *words], cwd=work, env=environment, check=True, capture_output=True)

    run("fixtures.openeqa", "open-eqa")
    run("vldata", "convert", "openeqa", "open-eqa", "--frames", "8")
    run("vldata", "preview", "prepared/openeqa", "--out", "preview.html")
    run("fixtures.predictions", "answers", "--answer", "prepared/openeqa.jsonl")
    systems = ("answers/base.jsonl", "answers/tuned.jsonl", "--names", "base,LoRA")
    run(
        "vleval",
        "report",
        *systems,
        "--data",
        "prepared/openeqa",
        "--metric",
        "exact_match",
        "--metric",
        "token_f1",
        "--out",
        "report.html",
    )
    return {"report": work / "report.html", "report-narrow": work / "report.html", "preview": work / "preview.html"}


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path)
    work = (parser.parse_args().work or Path(tempfile.mkdtemp())).resolve()
    work.mkdir(parents=True, exist_ok=True)
    browser = find_chromium()
    if browser is None:
        print("no Chromium here", file=sys.stderr)
        return 1
    OUT.mkdir(exist_ok=True)
    for name, page in make_pages(work).items():
        width, height = PAGES[name]
        shot = work / f"{name}.png"
        size = f"--window-size={width},{height}"
        subprocess.run([browser, *_FLAGS, size, f"--screenshot={shot}", page.as_uri()], check=True, capture_output=True, timeout=120)
        with Image.open(shot) as image:
            image.convert("RGB").save(OUT / f"{name}.webp", quality=80, method=6)
        print(f"{OUT / name}.webp: {(OUT / f'{name}.webp').stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
