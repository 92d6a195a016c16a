"""Runs a command in a child and does to it what machines do: kills, signals, full disks, torn files, a second run at once.

The child is a fork of a process that has the packages imported, so that a run costs little more than its work. In it the steps that reach
the disk are counted, and before the n-th of them the fault comes.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

STEPS = ("replace", "rename", "fsync", "link", "unlink", "remove", "rmdir", "mkdir", "ftruncate", "write")
LIMIT_S = 120


class Fault(NamedTuple):
    """What comes before step `step` (0: nothing): a signal; and the size in bytes that no file may pass (-1: none)."""

    step: int = 0
    signal: int = signal.SIGKILL
    file_size: int = -1


class Ran(NamedTuple):
    """How a run ended: exit code (negative: a signal), what it printed, and the steps it took."""

    code: int
    out: str
    err: str
    steps: int


class Running:
    """A command at work in a child."""

    def __init__(self, argv: tuple[str, ...], folder: Path, fault: Fault) -> None:
        self._steps = mmap.mmap(-1, 8)  # shared with the child
        self._ends = [os.pipe() for _ in range(2)]  # no files: a limit on their size would cut what is said
        for _, sink in self._ends:
            fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, 1 << 20)
        self.pid = os.fork()
        if not self.pid:
            try:
                _be_child(argv, folder, [sink for _, sink in self._ends], self._steps, fault)
            finally:
                os._exit(71)
        for _, sink in self._ends:
            os.close(sink)

    def wait(self) -> Ran:
        """Wait for its end."""
        _, status = os.waitpid(self.pid, 0)
        said = []
        for source, _ in self._ends:
            os.set_blocking(source, False)
            with os.fdopen(source, "rb") as pipe:
                said.append((pipe.read() or b"").decode(errors="replace"))
        return Ran(os.waitstatus_to_exitcode(status), said[0], said[1], int.from_bytes(self._steps[:8], "little"))


def run(argv: tuple[str, ...], folder: Path, fault: Fault | None = None) -> Ran:
    """Run a command in `folder` to its end."""
    return Running(argv, folder, fault or Fault()).wait()


def call_apart(function: Callable[[Path], None], folder: Path) -> None:
    """Call a function in a child, so that no library it uses has threads here, which a fork would lose."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            function(folder)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, f"{function} failed"


def _be_child(argv: tuple[str, ...], folder: Path, sinks: list[int], steps: mmap.mmap, fault: Fault) -> None:
    code = 70
    try:
        os.chdir(folder)
        signal.alarm(LIMIT_S)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(sinks[0], 1)
        os.dup2(sinks[1], 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        if fault.file_size >= 0:
            resource.setrlimit(resource.RLIMIT_FSIZE, (fault.file_size, resource.RLIM_INFINITY))
        _count_steps(fault, steps)
        code = _call(argv)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _count_steps(fault: Fault, steps: mmap.mmap) -> None:
    count = 0

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            steps[:8] = count.to_bytes(8, "little")
            if count == fault.step:
                os.kill(os.getpid(), fault.signal)
            return call(*arguments, **options)

        return step

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))


def _call(argv: tuple[str, ...]) -> int:
    import vldata.conversion

    vldata.conversion._PART_DRAFTS = 5  # several parts of a small sample
    command, *arguments = argv
    sys.argv = [command, *arguments]
    if command == "vldata":
        from vldata.cli import main
    elif command == "vleval":
        from vleval.cli import main
    else:
        from vltrain.cli import main
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def tree(root: Path) -> dict[str, bytes]:
    """Every file a user would look at: no hidden ones, and pictures apart, which a killed run may leave more of."""
    found = {}
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and not any(part.startswith(".") for part in parts):
            found["/".join(parts)] = path.read_bytes()
    return found


def tear_newest(root: Path, before: dict[str, bytes], rng: random.Random) -> int:
    """Damage the end of the newest files that were not there before, up to 4,096 bytes: cut off, or zeros. Returns how many."""
    fresh = [
        path
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and before.get(path.relative_to(root).as_posix()) != path.read_bytes()
    ]
    newest = sorted(fresh, key=lambda path: path.stat().st_mtime_ns, reverse=True)[: rng.randint(1, 4)]
    for path in newest:
        data = path.read_bytes()
        lost = min(len(data), rng.randint(1, 4_096))
        path.write_bytes(data[: len(data) - lost] + (bytes(lost) if rng.random() < 0.5 else b""))
    return len(newest)


def snapshot(root: Path) -> dict[str, bytes]:
    """All files, hidden ones too."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@contextmanager
def small_disk(place: Path) -> Iterator[bool]:
    """Mount a file system of its own at `place` for the length of the block; False where this user may not."""
    place.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)]
    mounted = not subprocess.run(mount, capture_output=True, check=False).returncode
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", place], check=False)
        shutil.rmtree(place, ignore_errors=True)


def fill(place: Path, room: int) -> None:
    """Leave so many bytes free, in a hidden file that takes the rest."""
    state = os.statvfs(place)
    with (place / ".filler").open("wb") as file:
        file.truncate(0)
        os.posix_fallocate(file.fileno(), 0, max(1, state.f_bavail * state.f_frsize - room))
