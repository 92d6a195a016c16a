"""The entry points of the commands: they import next to nothing before an interrupt is answered as it should be."""

from __future__ import annotations

import os
import sys
from importlib import import_module


def launch(module: str) -> None:
    """Import a command line and run it; Ctrl-C ends it in one line, also while it is still being imported."""
    try:
        import_module(module).main()
    except KeyboardInterrupt:
        _interrupted()


def _interrupted() -> None:
    """End at once: whatever was being imported is half there, and nothing was begun."""
    os.write(2, b"Interrupted.\n")
    sys.stdout.flush()
    os._exit(130)


def vldata() -> None:
    """Entry point of `vldata`."""
    launch("vldata.cli")
