"""The entry points of the commands: they import next to nothing before an interrupt is answered as it should be."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module


def launch(module: str) -> None:
    """Import a command line and run it; Ctrl-C ends it in one line, also while it is still being imported."""
    try:
        # A handler that ends the process: an exception may be raised where Python only prints it, in a callback of its import locks.
        before = signal.getsignal(signal.SIGINT)
        if before is signal.default_int_handler:  # not where a shell has it ignored, as for a job in the background
            signal.signal(signal.SIGINT, lambda number, frame: _interrupted())
        main = import_module(module).main
        signal.signal(signal.SIGINT, before)
        main()
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
