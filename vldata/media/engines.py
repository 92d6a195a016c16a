"""Where work on many files runs: in processes of this machine, or on a Ray cluster. The one place where a pool is chosen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from vldata.errors import UsageError
from vldata.flags import Flag
from vldata.media.pool import DEFAULT_MEMORY_LIMIT_BYTES, DEFAULT_TIMEOUT_S, WorkerPool
from vldata.media.worker import Setup

if TYPE_CHECKING:
    from vldata.media.ray_pool import Cluster, RayPool

EngineName = Literal["local", "ray"]
Engine = Annotated[EngineName, Flag("Where files are decoded: processes of this machine, or a Ray cluster (extra ray).")]
_ADDRESS = "With --engine ray: an existing cluster (auto, or HOST:PORT); by default one on this machine."
RayAddress = Annotated[str, Flag(_ADDRESS, metavar="ADDRESS", show_default=False)]

_cluster: ContextVar[Cluster | None] = ContextVar("cluster", default=None)


@contextlib.contextmanager
def using(engine: EngineName, address: str = "", *, seen: Iterable[Path] = ()) -> Iterator[None]:
    """Run the pools that are opened in the block on an engine.

    Args:
        engine: local or ray.
        address: of a Ray cluster; "" starts one on this machine.
        seen: files that every node must see as this machine does.

    Raises:
        UsageError: an address without the engine.
        MissingExtraError: Ray is not installed.
        DataError: the cluster cannot be reached.
    """
    if engine == "local":
        if address:
            raise UsageError("--ray-address is for --engine ray.", cure="Add --engine ray, or leave it out.")
        yield
        return
    from vldata.media.ray_pool import connect

    with connect(address, seen) as cluster:
        token = _cluster.set(cluster)
        try:
            yield
        finally:
            _cluster.reset(token)


def open_pool(
    function: str,
    argument: object,
    *,
    workers: int,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    memory_limit_bytes: int | None = DEFAULT_MEMORY_LIMIT_BYTES,
) -> WorkerPool | RayPool:
    """Open a pool on the engine in use; its parameters are those of `WorkerPool`."""
    cluster = _cluster.get()
    if cluster is None:
        return WorkerPool(function, argument, workers=workers, timeout_s=timeout_s, memory_limit_bytes=memory_limit_bytes)
    return cluster.open_pool(Setup(function, argument, memory_limit_bytes), timeout_s)
