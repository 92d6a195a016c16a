"""What the three command lines share: running an app, printing findings of the run, and stripping control characters.

Results go to stdout, everything else to stderr. Text that came from data passes through `clean` before it reaches a terminal.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from vldata.aliases import named
from vldata.causes import refusal
from vldata.errors import VlkitError
from vldata.secrets import redact

if TYPE_CHECKING:
    import typer

    from vldata.jobs import JobResult

# C0 but tab and newline, DEL, C1, and the bidirectional overrides that can reorder a line on screen.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Replace control characters, so that data cannot move the cursor or recolour the terminal, and take secrets out."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", redact(named(text)))


def say(text: str = "") -> None:
    """Print a line of the result on stdout."""
    sys.stdout.write(clean(text) + "\n")


def note(text: str = "") -> None:
    """Print a line about the run on stderr."""
    sys.stderr.write(clean(text) + "\n")
    sys.stderr.flush()


def say_json(value: Any) -> None:
    """Print one JSON document on stdout and nothing else there."""
    sys.stdout.write(redact(named(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))) + "\n")


def say_result(result: JobResult, *, json: bool) -> None:
    """Print a result on stdout, as text or as a JSON document, and its notes on stderr; leave with 1 where it is not all well."""
    for line in result.asides():
        note(line)
    if json:
        say_json(result.document())
    else:
        for line in result.lines():
            say(line)
    if not result.ok:
        raise SystemExit(1)


def print_version(wanted: bool) -> None:
    """Print the version and end: what `--version` of every command calls."""
    if wanted:
        import typer

        from vldata.version import __version__

        say(f"vlkit {__version__}")
        raise typer.Exit


def run(app: typer.Typer, prog: str) -> None:
    """Run a command line to its end and exit the process.

    Exit codes: 0 good, 1 bad data or findings, 2 bad usage, 130 interrupted. A VlkitError is printed bare, and so is a refusal
    of the operating system; a bug keeps its traceback.
    """
    try:
        app(prog_name=prog)
    except SystemExit as ended:
        if ended.code == 130:  # typer answers an interrupt by itself, without a word
            note("Interrupted.")
        raise
    except VlkitError as error:
        note(str(error))
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        note("Interrupted.")
        raise SystemExit(130) from None
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # the reader of our stdout has gone (`| head`): not a fault
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        note(str(refusal(error)))
        raise SystemExit(1) from None
