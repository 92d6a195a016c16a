"""What every command's function returns: a typed result that says whether all is well, as text, as data and in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any


class JobResult:
    """A base for results, to be mixed into a struct or dataclass.

    A command prints `lines` on stdout, or `document` with `--json`, `asides` on stderr, and exits 1 unless `ok`.
    """

    __slots__ = ()

    @property
    def ok(self) -> bool:
        """Whether the command exits 0."""
        return True

    def lines(self) -> Iterable[str]:
        """Yield what the command prints on stdout."""
        raise NotImplementedError

    def asides(self) -> Iterable[str]:
        """Yield what the command prints on stderr: notes on the result, and the next step."""
        return ()

    def document(self) -> Any:
        """Return what the command prints with `--json`: lists, dicts, texts and numbers."""
        raise NotImplementedError

    def __repr__(self) -> str:
        first = next(iter(self.lines()), "")
        return f"<{type(self).__name__}: {'ok' if self.ok else 'NOT ok'}; {first}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the command's text."""
        return f"<pre>{html.escape(chr(10).join(self.lines()))}</pre>"
