"""The child side of `vldata.media.pool`: reads items from a pipe, works on one at a time, writes results to another.

Started with three descriptors: items in, replies out, and a lifeline. A message is an eight-byte length and a pickle.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import os
import pickle
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from vldata.errors import VlkitError

LENGTH = struct.Struct("<Q")
OUT_OF_MEMORY = 99  # exit status of a worker that ran into its memory limit


class Setup(NamedTuple):
    """What a worker needs before its first item. `function` is `module:name` of a factory; called with `argument`, it returns the work."""

    function: str
    argument: Any
    memory_limit_bytes: int | None


class WorkerReply(NamedTuple):
    """The answer to one item, or to the setup: a result, an error of ours to raise in the parent, or the traceback of a bug."""

    result: Any = None
    error: VlkitError | None = None
    bug: str = ""


def pack(message: object) -> bytes:
    """Frame one message."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(body)) + body


def main() -> None:
    """Serve items until the pipe ends. Nothing a library prints reaches the parent's terminal."""
    source, sink = int(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to answer
    _die_with_parent(int(sys.argv[3]))
    setup: Setup = pickle.loads(_read_message(source))
    work: Callable[[Any], Any] | None = None

    def prepare() -> None:
        nonlocal work
        module, _, name = setup.function.partition(":")
        work = getattr(importlib.import_module(module), name)(setup.argument)
        _limit_memory(setup.memory_limit_bytes)

    _answer(sink, prepare)
    while work is not None:
        item = pickle.loads(_read_message(source))
        _answer(sink, lambda item=item: work(item))  # type: ignore[misc]


def _answer(sink: int, act: Callable[[], Any]) -> None:
    try:
        message = pack(WorkerReply(result=act()))
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except VlkitError as error:
        message = pack(WorkerReply(error=error))
    except Exception:  # a bug: the parent raises it where a person sees it
        message = pack(WorkerReply(bug=traceback.format_exc()))
    _write(sink, message)


def _read_message(source: int) -> bytes:
    (length,) = LENGTH.unpack(_read(source, LENGTH.size))
    return _read(source, length)


def _read(source: int, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = os.read(source, min(length - len(parts), 1 << 20))
        if not part:
            os._exit(0)  # the parent closed the pipe or died
        parts += part
    return bytes(parts)


def _write(sink: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(sink, view) :]
    except BrokenPipeError:
        os._exit(0)


def _limit_memory(limit: int | None) -> None:
    """Bound the address space. macOS accepts the call and ignores it."""
    if limit is None:
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def _die_with_parent(lifeline: int) -> None:
    """End this process when the parent does, even in the middle of a decoder that never gives the interpreter back.

    On Linux the kernel is asked to send SIGIO when the other end of a pipe goes away; its default action is to end the process. A pipe of
    its own serves for it, as items arriving would send the signal too. Elsewhere a thread waits for the same end.
    """
    if sys.platform == "linux":
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
        os.set_blocking(lifeline, False)
        with contextlib.suppress(BlockingIOError):
            if os.read(lifeline, 1) == b"":
                os._exit(0)  # it died before this was armed
    else:
        threading.Thread(target=lambda: (os.read(lifeline, 1), os._exit(0)), daemon=True).start()
