"""A full disk while a library writes weights: each says it in its own way, and a person is told one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from vldata.errors import DataError

_TORCH = ("inline_container", "PytorchStreamWriter", "unexpected pos")  # torch.save, whose zip is cut


@contextlib.contextmanager
def told_writes(folder: Path) -> Iterator[None]:
    """Tell what safetensors and torch raise where a file cannot be written whole.

    Raises:
        DataError: with their reason.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (SafetensorError, RuntimeError) as error:
        if not isinstance(error, SafetensorError) and not any(sign in str(error) for sign in _TORCH):
            raise
        why = " ".join(str(error).split())[:200].rstrip(".")
        cure = "Free disk space, or raise the limit of a file (ulimit -f), then run the same command again."
        raise DataError(f"cannot be written: {why}.", where=str(folder), cure=cure) from None
