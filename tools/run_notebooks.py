"""Run notebooks from the first cell to the last, each in a folder of its own; a cell that fails ends it.

python -m tools.run_notebooks docs/notebooks/*.ipynb       # needs nbclient and ipykernel (extra `docs`)
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Run from the command line."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "train")])
    failed = 0
    for name in sys.argv[1:]:
        notebook = nbformat.read(name, as_version=4)
        began, wrong = time.monotonic(), ""
        with tempfile.TemporaryDirectory() as work:
            try:
                NotebookClient(notebook, timeout=300, resources={"metadata": {"path": work}}).execute()
            except CellExecutionError as error:
                wrong, failed = str(error), failed + 1
        print(f"{'FAILED' if wrong else 'ran':7s} {time.monotonic() - began:6.1f} s  {name}", flush=True)
        if wrong:
            print(wrong, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
