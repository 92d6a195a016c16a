"""Commands and servers as processes: each started by us, waited for, and ended by its own id."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

COMMAND_S = 900
START_S = 240
END_S = 20
NOT_HERE = 3  # a set-up script's exit code where the machine lacks something it cannot install


class NotHere(Exception):
    """A server cannot be installed on this machine, and why."""


class Commands:
    """Runs command lines with the programs of a venv; what they say on stderr goes into a log."""

    def __init__(self, bin: Path, log: Path) -> None:
        self._bin = bin
        self._log = log
        log.write_text("")

    def __call__(self, command: list[str]) -> str:
        """Run one of our commands; returns its stdout.

        Raises:
            AssertionError: it ends with another code than 0; its last words are told.
        """
        return self.python(self._bin / command[0], command[1:], {"OMP_NUM_THREADS": "1"})  # a model this small only waits for threads

    def python(self, program: Path, arguments: list[str], environment: Mapping[str, str]) -> str:
        """Run a program with further environment."""
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, timeout=COMMAND_S, env={**os.environ, **environment}, check=False
        )
        line = " ".join([program.name, *arguments])
        with self._log.open("a") as log:
            log.write(f"$ {line}\n{done.stdout}{done.stderr}")
        if done.returncode:
            last = (done.stdout + done.stderr).strip().splitlines()[-4:]
            raise AssertionError(f"exit {done.returncode} of: {line}\n    " + "\n    ".join(last))
        return done.stdout

    def clear(self, work: Path, *names: str) -> None:
        """Remove folders of an earlier run."""
        for name in names:
            shutil.rmtree(work / name, ignore_errors=True)


def must_fail(call: Commands, command: list[str], words: str) -> None:
    """Run a command that has to end with an error of these words."""
    try:
        call(command)
    except AssertionError as error:
        if words in str(error) and "Traceback" not in str(error):
            return
        raise
    raise AssertionError(f"nothing wrong is found by: {' '.join(command)}")


def install(script: Path, venv: Path, log: Path) -> None:
    """Run a set-up script, which does nothing where it has been.

    Raises:
        NotHere: it fails; its last line is told.
    """
    with log.open("w") as out:
        code = subprocess.run(["bash", str(script), str(venv)], stdout=out, stderr=subprocess.STDOUT, check=False).returncode
    if code:
        lines = [line for line in log.read_text().splitlines() if line.strip()]
        raise NotHere(f"{script.name} ends with {code}: {lines[-1] if lines else 'no words'}")


@contextmanager
def running(command: list[str], health: str, log: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Run a server until the block ends.

    Raises:
        AssertionError: it does not answer at `health` in time, or ends.
    """
    with log.open("a") as out:
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **environment}, start_new_session=True)
    try:
        _wait_for(server, health, log)
        yield
        if server.poll() is not None:
            raise AssertionError(f"the server ended by itself with {server.returncode}; see {log}")
    finally:
        _end(server)


def _wait_for(server: subprocess.Popen[bytes], health: str, log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if server.poll() is not None:
            raise AssertionError(f"the server ended with {server.returncode} before it answered; see {log}")
        try:
            with urllib.request.urlopen(health, timeout=2) as reply:
                if reply.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.5)
    raise AssertionError(f"no answer at {health} within {START_S} s; see {log}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server; its whole group, which is its own, when it does not go by itself."""
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(END_S)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait(END_S)
