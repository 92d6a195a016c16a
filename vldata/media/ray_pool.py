"""The same work on the nodes of a Ray cluster: a task is a few items, worked on by a killable process that the node keeps.

A worker or node that goes away costs the items it held: Ray gives them to another. What an item becomes does not depend on where: the nodes
must have our builds and see our files, or the run ends.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from vldata.errors import DataError, MissingExtraError, VlkitError
from vldata.media.pool import WorkerBugError, WorkerPool
from vldata.media.worker import Setup

_ITEMS = 8  # of a task
_TASKS_AHEAD = 2  # a processor
_RETRIES = 20
# It leaves its parent at once, as Ray kills the children of a process that it ends.
_WATCH = "import os, sys\nif os.fork(): os._exit(0)\nif not os.read(0, 1): sys.stderr.write(sys.argv[1])"
_POLL_S = 5.0
_REACH_S = 10.0
_NO_CLUSTER = "See that it runs (ray status), with our versions of Ray and Python."
_PATIENCE_S = 120.0  # without a processor in the cluster

Seen = tuple[tuple[str, int, int], ...]
_pools: dict[tuple[bytes, float], WorkerPool] = {}


class RayTask(NamedTuple):
    """What a node is given next to its items: the work, and what must be there as it is here."""

    setup: Setup
    timeout_s: float
    seen: Seen
    builds: dict[str, str]


class Cluster:
    """A cluster that this process is connected to."""

    def __init__(self, ray: Any, name: str, seen: Seen) -> None:
        self.ray, self.name = ray, name
        self._seen = seen
        self.serve = ray.remote(num_cpus=1, max_retries=_RETRIES)(serve)

    def open_pool(self, setup: Setup, timeout_s: float) -> RayPool:
        """Open a pool for one kind of work."""
        return RayPool(self, RayTask(setup, timeout_s, self._seen, builds()))

    def processors(self) -> int:
        """How many the cluster has now."""
        return int(self.ray.cluster_resources().get("CPU", 0))


@contextlib.contextmanager
def connect(address: str, seen: Iterable[Path]) -> Iterator[Cluster]:
    """Connect to a cluster, or start one on this machine, for the length of the block.

    Raises:
        MissingExtraError: Ray is not installed.
        DataError: there is no such cluster, or it is of another version.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when Ray starts: nothing is told to anybody
    try:
        import ray
    except ImportError:
        raise MissingExtraError("--engine ray", "ray") from None
    name = address or "on this machine"
    with _mourned(name):  # begun before Ray is, which takes the children of a process over
        try:
            _reach(address)
            dashboard = None if address else False
            ray.init(address=address or None, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=dashboard)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise DataError(f"no Ray cluster {name}: {reason}", cure=_NO_CLUSTER) from None
        try:
            yield Cluster(ray, name, tuple(_look(path) for path in seen))
        finally:
            ray.shutdown()


@contextlib.contextmanager
def _mourned(name: str) -> Iterator[None]:
    """Have somebody say what happened when this process is ended in the block: Ray ends it without a word when its cluster goes away."""
    said = f"The command ended in the middle of its work on the Ray cluster {name}. Bring that back, and run the same command again.\n"
    with subprocess.Popen([sys.executable, "-S", "-E", "-c", _WATCH, said], stdin=subprocess.PIPE, start_new_session=True) as watcher:
        watcher.wait()  # what watches is a child of its own
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                watcher.communicate(b"x")


class RayPool:
    """As `vldata.media.pool.WorkerPool`, on a cluster."""

    def __init__(self, cluster: Cluster, task: RayTask) -> None:
        self._cluster, self._task = cluster, task
        self._held: dict[Any, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give up what is on its way."""
        for held in self._held:
            with contextlib.suppress(Exception):
                self._cluster.ray.cancel(held, force=True)
        self._held.clear()

    def map_unordered(self, items: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Yield (index of the item, result or Failure) as they come; items are taken as nodes get free, a few tasks ahead.

        Raises:
            DataError: the cluster goes away, a node does not see the files, or has other builds.
        """
        ray, numbered = self._cluster.ray, enumerate(items)
        task = ray.put(self._task)
        exhausted, idle_since = False, time.monotonic()
        try:
            while not exhausted or self._held:
                limit = max(1, _TASKS_AHEAD * self._cluster.processors())
                while not exhausted and len(self._held) < limit:
                    batch = list(islice(numbered, _ITEMS))
                    exhausted = len(batch) < _ITEMS
                    if batch:
                        self._held[self._cluster.serve.remote(task, batch)] = len(batch)
                if not self._held:
                    continue
                ready, _ = ray.wait(list(self._held), num_returns=1, timeout=_POLL_S)
                if ready or self._cluster.processors():
                    idle_since = time.monotonic()
                elif time.monotonic() - idle_since > _PATIENCE_S:
                    raise ConnectionError(f"no processor is left, for {_PATIENCE_S:g} s")
                for one in ready:
                    del self._held[one]
                    yield from self._unpack(ray.get(one))
        except (VlkitError, WorkerBugError):
            raise
        except (ConnectionError, ray.exceptions.RayError) as error:
            if isinstance(error, ray.exceptions.RayTaskError):
                raise WorkerBugError(str(error)) from None
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise DataError(
                f"the Ray cluster {self._cluster.name} is gone: {reason}", cure="Bring it back, and run the same command again."
            ) from None

    def _unpack(self, answer: list[tuple[int, Any]] | VlkitError) -> list[tuple[int, Any]]:
        if isinstance(answer, VlkitError):
            raise answer
        return answer


def serve(task: RayTask, batch: list[tuple[int, Any]]) -> list[tuple[int, Any]] | VlkitError:
    """Work on a few items on a node; what ends the run is returned, so that Ray does not try it again."""
    import pickle

    key = (pickle.dumps(task.setup), task.timeout_s)
    try:
        if key not in _pools:
            _refuse_other_node(task)
            setup = task.setup
            _pools[key] = WorkerPool(
                setup.function, setup.argument, workers=1, timeout_s=task.timeout_s, memory_limit_bytes=setup.memory_limit_bytes
            )
        found = list(_pools[key].map_unordered([item for _, item in batch]))
    except VlkitError as error:
        return error
    return [(batch[place][0], result) for place, result in found]


def builds() -> dict[str, str]:
    """What decides the bytes of a written picture: the nodes must have the same."""
    from PIL import features

    found = {name: _version(name) for name in ("vlkit", "pillow", "av", "numpy")}
    return found | {name: str(features.version(name) or "none") for name in ("libjpeg_turbo", "zlib", "webp")}


def _reach(address: str) -> None:
    """Hold an address to have somebody who listens: Ray itself tries for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_S).close()


def _refuse_other_node(task: RayTask) -> None:
    """Hold a node to our builds and our files.

    Raises:
        DataError: it has others.
    """
    host, here = socket.gethostname(), builds()
    if other := [f"{name} {here[name]} (here {told})" for name, told in task.builds.items() if here[name] != told]:
        what = f"the node {host} has {', '.join(other)}: its bytes would be others."
        raise DataError(what, cure="Install the same versions on every node.")
    for path, size, mtime_ns in task.seen:
        if _look(Path(path)) != (path, size, mtime_ns):
            raise DataError(
                f"the node {host} does not see it as this machine does.",
                where=path,
                cure="Sources and output must be on a file system that every node shares.",
            )


def _look(path: Path) -> tuple[str, int, int]:
    place = path.absolute()
    try:
        stat = place.stat()
    except OSError:
        return str(place), -1, -1
    return str(place), stat.st_size, stat.st_mtime_ns


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
