"""A pool of long-lived worker processes that can be killed: for work on files that may hang, crash or exhaust the process that opens them.

`multiprocessing` cannot lose a worker without losing the pool; here a worker is a plain child process behind pipes. It is killed when
its item passes the deadline, its other items go to somebody else, and the item itself is tried once more with nothing else next to it.
Linux in full. On macOS memory limits have no effect and a hanging worker of a killed parent ends when it next returns to the interpreter.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import pickle
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from vldata.errors import DataError
from vldata.media.refs import Failure
from vldata.media.worker import LENGTH, OUT_OF_MEMORY, Setup, WorkerReply, pack

DEFAULT_TIMEOUT_S = 60.0
DEFAULT_MEMORY_LIMIT_BYTES = 4 * 1024**3
_START_TIMEOUT_S = 120.0
_START_ATTEMPTS = 3
_PIPE_BYTES = 1 << 20
_QUEUED = 3  # items a worker holds: one in work, the others so that it never waits for us
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS")


class WorkerBugError(RuntimeError):
    """The work function raised something that is no `VlkitError`; the message is its traceback."""


class _Job(NamedTuple):
    number: int
    item: Any
    failed: str = ""  # code of the first attempt's failure: this attempt is the last


class _Worker:
    """One child process, the bytes on their way to and from it, and the jobs it holds in order."""

    def __init__(self, setup: Setup) -> None:
        child_in, self.sink = os.pipe()
        self.source, child_out = os.pipe()
        child_lifeline, self.lifeline = os.pipe()
        given = (child_in, child_out, child_lifeline)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", "from vldata.media.worker import main; main()", *map(str, given)],
                pass_fds=given,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
        finally:
            for descriptor in given:
                os.close(descriptor)
        os.set_blocking(self.sink, False)
        os.set_blocking(self.source, False)
        _widen(self.sink)
        self.outgoing = deque([memoryview(pack(setup))])
        self.incoming = bytearray()
        self.jobs: deque[_Job] = deque()
        self.ready = False
        self.since = time.monotonic()  # when its first job, or its start, began

    @property
    def alone(self) -> bool:
        """Whether it works on a last attempt, which has no other attempt at its side."""
        return bool(self.jobs) and bool(self.jobs[0].failed)

    def deadline(self, timeout_s: float) -> float:
        """When it must have answered, on the monotonic clock."""
        if not self.ready:
            return self.since + max(_START_TIMEOUT_S, timeout_s)
        return self.since + timeout_s if self.jobs else math.inf

    def give(self, job: _Job) -> None:
        """Queue one job."""
        if not self.jobs and self.ready:
            self.since = time.monotonic()
        self.jobs.append(job)
        self.outgoing.append(memoryview(pack(job.item)))

    def flush(self) -> None:
        """Send as much as the pipe takes."""
        while self.outgoing:
            try:
                rest = self.outgoing[0][os.write(self.sink, self.outgoing[0]) :]
            except BlockingIOError:
                return
            except BrokenPipeError:  # it died; reading its end will tell
                self.outgoing.clear()
                return
            self.outgoing.popleft()
            if rest:
                self.outgoing.appendleft(rest)

    def replies(self) -> Iterator[WorkerReply | None]:
        """Yield every reply that has arrived whole; None at the end of the pipe: it is dead."""
        dead = False
        while True:
            try:
                part = os.read(self.source, 1 << 16)
            except BlockingIOError:
                break
            dead = not part
            self.incoming += part
            if dead or len(part) < 1 << 16:
                break
        while len(self.incoming) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self.incoming)
            if len(self.incoming) < LENGTH.size + length:
                break
            reply = pickle.loads(memoryview(self.incoming)[LENGTH.size : LENGTH.size + length])
            del self.incoming[: LENGTH.size + length]
            yield reply
        if dead:
            yield None

    def kill(self) -> int:
        """End it now; return its exit status, negative for a signal."""
        if self.process.poll() is None:
            self.process.kill()
        status = self.process.wait()
        for descriptor in (self.sink, self.source, self.lifeline):
            os.close(descriptor)
        return status


class WorkerPool:
    """Long-lived workers for one function.

    Args:
        function: `module:name` of a factory that the worker imports; called once with `setup`, it returns the work, a callable of one item.
        setup: anything that pickles.
        workers: how many processes.
        timeout_s: the deadline of one item, from when its worker begins with it.
        memory_limit_bytes: of a worker's address space; None for no limit.

    The work may raise a `VlkitError`, which ends the run and is raised here; a verdict on one item is a result. Items and results pickle.
    """

    def __init__(
        self,
        function: str,
        setup: object,
        *,
        workers: int,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        memory_limit_bytes: int | None = DEFAULT_MEMORY_LIMIT_BYTES,
    ) -> None:
        self._setup = Setup(function, setup, memory_limit_bytes)
        self._limit = max(1, workers)
        self._timeout_s = timeout_s
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._failed_starts = 0

    def __enter__(self) -> Self:
        for _ in range(self._limit):
            self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Kill the workers; nothing they still hold is worth waiting for."""
        for worker in list(self._workers):
            self._drop(worker)

    def map_unordered(self, items: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Yield (index of the item, result or Failure) as they come; items are taken as workers get free, a few ahead.

        An item whose worker passed the deadline twice is a Failure VL109, one whose worker died twice VL110.
        """
        fresh = enumerate(items)
        waiting: deque[_Job] = deque()
        last: deque[_Job] = deque()  # for a second attempt
        exhausted = False
        try:
            while True:
                exhausted = self._hand_out(fresh, waiting, last, exhausted)
                if exhausted and not waiting and not last and not any(worker.jobs for worker in self._workers):
                    return
                for worker in self._wait():
                    yield from self._collect(worker, waiting, last)
                yield from self._expire(waiting, last)
        finally:
            for worker in list(self._workers):
                if worker.jobs:  # the caller stopped early
                    self._drop(worker)

    def _hand_out(self, fresh: Iterator[tuple[int, Any]], waiting: deque[_Job], last: deque[_Job], exhausted: bool) -> bool:
        while len(self._workers) < self._limit:
            self._start()
        for depth in range(_QUEUED):  # breadth first, so that the last items are spread
            for worker in self._workers:
                if len(worker.jobs) > depth or worker.alone:
                    continue
                if last and not worker.jobs:
                    worker.give(last.popleft())
                elif waiting:
                    worker.give(waiting.popleft())
                elif not exhausted:
                    entry = next(fresh, None)
                    exhausted = entry is None
                    if entry is not None:
                        worker.give(_Job(*entry))
                worker.flush()
        return exhausted

    def _wait(self) -> list[_Worker]:
        """Return the workers that have something to say, at the latest when the next deadline passes."""
        for worker in self._workers:
            self._watch_sink(worker, bool(worker.outgoing))
        until = min((worker.deadline(self._timeout_s) for worker in self._workers), default=math.inf)
        ready = self._selector.select(None if until == math.inf else max(0.0, until - time.monotonic()))
        spoke = []
        for key, _ in ready:
            if key.fd == key.data.source:
                spoke.append(key.data)
            else:
                key.data.flush()
        return spoke

    def _watch_sink(self, worker: _Worker, wanted: bool) -> None:
        watched = worker.sink in self._selector.get_map()
        if wanted and not watched:
            self._selector.register(worker.sink, selectors.EVENT_WRITE, worker)
        elif watched and not wanted:
            self._selector.unregister(worker.sink)

    def _collect(self, worker: _Worker, waiting: deque[_Job], last: deque[_Job]) -> Iterator[tuple[int, Any]]:
        for reply in worker.replies():
            if reply is None:
                yield from self._bury(worker, waiting, last, "VL110")
                return
            if reply.error is not None:
                raise reply.error
            if reply.bug:
                raise WorkerBugError(reply.bug)
            worker.since = time.monotonic()
            if not worker.ready:
                worker.ready, self._failed_starts = True, 0
                continue
            yield worker.jobs.popleft().number, reply.result

    def _expire(self, waiting: deque[_Job], last: deque[_Job]) -> Iterator[tuple[int, Any]]:
        for worker in list(self._workers):
            if worker.deadline(self._timeout_s) > time.monotonic():
                continue
            yield from self._collect(worker, waiting, last)  # it may have answered while the caller was busy
            if worker in self._workers and worker.deadline(self._timeout_s) <= time.monotonic():
                yield from self._bury(worker, waiting, last, "VL109")

    def _bury(self, worker: _Worker, waiting: deque[_Job], last: deque[_Job], code: str) -> Iterator[tuple[int, Any]]:
        """End a worker and find its jobs a new place; the first one is to blame."""
        jobs, ready = worker.jobs, worker.ready
        worker.jobs = deque()
        status = self._drop(worker)
        if not ready:
            self._failed_starts += 1
            if self._failed_starts > _START_ATTEMPTS:
                raise DataError(f"worker processes cannot be started: the last one {_describe(status)}", cure="See that memory is free.")
        elif jobs:
            first = jobs.popleft()
            if first.failed:
                slow = f"it took longer than {self._timeout_s:g} s, twice"
                yield first.number, Failure(code, slow if code == "VL109" else f"the process that decoded it {_describe(status)}, twice")
            else:
                last.append(first._replace(failed=code))
        waiting.extendleft(reversed(jobs))

    def _start(self) -> None:
        worker = _Worker(self._setup)
        self._workers.append(worker)
        self._selector.register(worker.source, selectors.EVENT_READ, worker)
        worker.flush()

    def _drop(self, worker: _Worker) -> int:
        self._workers.remove(worker)
        self._selector.unregister(worker.source)
        self._watch_sink(worker, False)
        return worker.kill()


def _widen(descriptor: int) -> None:
    """Make a pipe take a whole picture at once where the system can; fewer turns of the parent are needed then."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _describe(status: int) -> str:
    if status == OUT_OF_MEMORY:
        return "ran out of its memory limit"
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _environment() -> dict[str, str]:
    """Return the environment of a worker: one thread a library, and the modules that we can import."""
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    return {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONPATH": path}
