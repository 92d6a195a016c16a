"""Coverage-guided fuzzing of one target with atheris, in a venv of its own: `python -m tests.fuzz.run TARGET --runs 1000000`.

An exception that the target does not promise, a crash or a hang of ten seconds ends it, and the input is kept beside.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-not-found]

with atheris.instrument_imports(include=["vldata", "vleval", "vltrain"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target", nargs="?", choices=sorted(TARGETS))
    parser.add_argument("--list", action="store_true", help="Name the targets.")
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=0, help="End after so many, whatever was run; 0 is never.")
    chosen = parser.parse_args()
    if chosen.list or not chosen.target:
        print(*TARGETS, sep="\n")
        return
    target, seeds = TARGETS[chosen.target]
    corpus = Path(tempfile.mkdtemp(prefix="vlkit-corpus-"))
    for number, seed in enumerate(seeds):
        (corpus / f"seed{number}").write_bytes(seed)
    limits = [
        f"-runs={chosen.runs}",
        f"-max_total_time={chosen.seconds}",
        "-timeout=10",
        "-rss_limit_mb=4096",
        "-max_len=4096",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    atheris.Setup([sys.argv[0], *limits, str(corpus)], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
