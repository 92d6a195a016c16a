"""Where a file of predictions comes from: a path, or stdin written to a temporary file so that it can be looked at twice."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vldata.causes import read_error
from vldata.errors import DataError

HEAD_BYTES = 1 << 16


@dataclass(frozen=True)
class PredictionsSource:
    """An input file: `name` is what messages call it, `path` is where its bytes are."""

    name: str
    path: Path
    head: bytes

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.path.stat().st_size


@contextlib.contextmanager
def open_source(file: str | Path) -> Iterator[PredictionsSource]:
    """Open a file by name; `-` is stdin.

    Raises:
        DataError: no such file, a folder, not readable, or empty.
    """
    if str(file) != "-":
        yield _look(str(file), Path(file))
        return
    with tempfile.TemporaryDirectory(prefix="vleval-") as folder:
        copy = Path(folder, "stdin")
        with copy.open("wb") as handle:
            shutil.copyfileobj(sys.stdin.buffer, handle)
        yield _look("<stdin>", copy)


def _look(name: str, path: Path) -> PredictionsSource:
    if path.is_dir():
        raise DataError("is a folder, not a file of predictions.", where=name, cure="Name the file inside it.")
    try:
        with path.open("rb") as handle:
            head = handle.read(HEAD_BYTES)
    except OSError as error:
        raise read_error(path, error, where=name) from None
    if not head.strip():
        raise DataError("is empty: there is nothing to read.", where=name, cure="Ask the questions first: vleval predict")
    return PredictionsSource(name=name, path=path, head=head)
