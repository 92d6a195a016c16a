"""Progress on stderr: a live bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vldata.terminal import note
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.converted import Progress

_PLAIN_INTERVAL_S = 10.0


@contextlib.contextmanager
def conversion_progress() -> Iterator[Callable[[Progress], None]]:
    """Yield the callback that a conversion reports to."""
    if sys.stderr.isatty():
        with _bar() as callback:
            yield callback
    else:
        yield _plain()


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("records"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("records", total=None, rate="")
        started = time.monotonic()

        def update(progress: Progress) -> None:
            rate = f"{counted(progress.pictures, 'picture')}, {progress.pictures / max(time.monotonic() - started, 0.001):,.0f}/s"
            bar.update(task, completed=progress.done, total=progress.total, rate=rate)

        yield update


def _plain() -> Callable[[Progress], None]:
    started = last = time.monotonic()

    def update(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _PLAIN_INTERVAL_S:
            return
        last = now
        elapsed = now - started
        left = (
            f", about {elapsed * (progress.total - progress.done) / progress.done:,.0f} s left" if progress.total and progress.done else ""
        )
        of = f" of {progress.total:,}" if progress.total else ""
        note(f"{progress.done:,}{of} annotations, {counted(progress.pictures, 'picture')} ({progress.pictures / elapsed:,.0f}/s){left}")

    return update
