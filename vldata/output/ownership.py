"""Who may write a dataset: whoever holds its lock, in a state folder that is no link."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from vldata.files import inside
from vldata.files.lock import hold_below
from vldata.output.folder import DATASET_INFO, IMAGES_DIR, STATE_DIR, VIDEOS_DIR, DatasetPaths
from vldata.output.journal import discard_state


@contextlib.contextmanager
def hold_dataset(paths: DatasetPaths, *, resumes: bool = False) -> Iterator[None]:
    """Hold the lock of a dataset for the length of the block; what was staged goes with it.

    A commit that was interrupted keeps its journal and what it stages, and so does, with `resumes`, any work that did not end well: the
    same command goes on with them.

    Raises:
        LinkError: the state, or a folder or file the dataset is written to, is a link.
        DataError: another process holds it; the message names it.
    """
    state = f"{STATE_DIR}/{paths.name}"
    with hold_below(paths.out, f"{state}/lock", f"dataset {paths.name!r}"):
        for name in (f"{state}/staging", f"{state}/tmp", IMAGES_DIR, VIDEOS_DIR, DATASET_INFO, paths.name):
            inside.refuse_links(paths.out, name)
        try:
            yield
        except BaseException:  # Ctrl-C too leaves nothing behind that cannot be gone on with
            if not resumes and not paths.journal.exists():
                discard_state(paths)
            raise
        discard_state(paths)


@contextlib.contextmanager
def hold_datasets(datasets: Sequence[DatasetPaths]) -> Iterator[None]:
    """Hold the locks of several, always taken in the order of their names, so that two commands cannot wait for each other."""
    with contextlib.ExitStack() as stack:
        for paths in sorted(datasets, key=lambda one: one.name):
            stack.enter_context(hold_dataset(paths))
        yield
