"""Runs in a trainer's own venv: every case of a folder through its loader, template and collator, with all that it says kept.

    python in_trainer.py llamafactory|swift CASES MODEL OUT.json

As `tests/lint/real_*.py`, whose runners it calls, but with the trainer's log: what a user could have read stands beside what happened.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "lint"))


def apart(runner: Any, case: Path) -> dict[str, Any]:
    """Run a case in a child whose output goes to a file; returns what became of it and what was said."""
    log, result = (Path(tempfile.mkdtemp()) / name for name in ("said", "result"))
    child = os.fork()
    if child == 0:
        file = os.open(log, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1)
        os.dup2(file, 2)
        try:
            found = runner.run(case)
            result.write_text(json.dumps({**found, "message": f"{found['message']} {getattr(runner, 'why', '')}".strip()}))
            sys.stdout.flush()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    died = {"stage": "load", "message": f"the process died (status {status})", "rows": []}
    return {**(json.loads(result.read_text()) if result.exists() else died), "said": log.read_text(errors="replace")}


def main() -> int:
    """Run from the command line."""
    trainer, cases, model, out = sys.argv[1], Path(sys.argv[2]).resolve(), str(Path(sys.argv[3]).resolve()), Path(sys.argv[4]).resolve()
    warnings.simplefilter("ignore")
    runner = import_module(f"real_{trainer}").Runner(model)
    found = {case.name: apart(runner, case) for case in sorted(path.parent for path in cases.glob("*/case.json"))}
    out.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
