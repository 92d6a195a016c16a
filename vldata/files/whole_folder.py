"""A folder that is published whole or not at all: written in a temporary folder, made durable, renamed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from vldata.causes import write_error
from vldata.errors import UsageError, VlkitError
from vldata.files import inside
from vldata.files.durable import fsync_dir, fsync_tree
from vldata.files.lock import hold_below


@contextlib.contextmanager
def whole_folder(output: Path, *, resumes: bool = False) -> Iterator[Path]:
    """Yield a folder next to `output`, which takes its place when the block ends well; one writer at a time.

    Args:
        output: the folder to publish; it may be there when it is empty.
        resumes: what a block that did not end well has written stays, and the next one is given it.

    Raises:
        UsageError: `output` holds something already.
        DataError: another process writes it, or it cannot be written.
    """
    output = output.absolute()
    root, partial = output.parent, f".{output.name}.partial"
    with hold_below(root, f".{output.name}.lock", f"the folder {output.name!r}"):
        refuse_full(output)
        if not resumes:
            inside.remove_tree(root, partial)
        inside.make_folder(root, partial)
        try:
            yield root / partial
            fsync_tree(root / partial)
            if output.is_dir():
                output.rmdir()
            inside.move(root, partial, output.name)
            fsync_dir(root)
        except BaseException as error:
            if not resumes:
                with contextlib.suppress(VlkitError, OSError):
                    inside.remove_tree(root, partial)
            if isinstance(error, OSError):
                raise write_error(output, error) from None
            raise


def refuse_full(output: Path) -> None:
    """Refuse a folder that holds something.

    Raises:
        UsageError: it does, or is no folder.
    """
    if output.exists() and not output.is_dir():
        raise UsageError(f"{str(output)!r} is no folder.", cure="Give another folder.")
    if output.is_dir() and any(output.iterdir()):
        raise UsageError(f"{str(output)!r} is not empty.", cure="Give another folder, or remove it.")
