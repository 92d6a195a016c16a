"""Every error this project raises on purpose.

VlkitError
 +- DataError          the data do not allow it (exit 1)
 +- UsageError         the call is wrong (exit 2)
     +- MissingExtraError   an optional dependency is not installed

An error says where, what, and what now; the command line prints it bare. A bug keeps its traceback.
"""

from __future__ import annotations

import json
import shlex
from importlib.metadata import PackageNotFoundError, distribution
from typing import ClassVar
from urllib.parse import urlsplit
from urllib.request import url2pathname


class VlkitError(Exception):
    """Root of the errors a user may see.

    Args:
        what: one sentence, user values in `!r`.
        where: `file`, `file:line` or a record id; printed before the sentence.
        cure: what to do now; printed on a line of its own.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.cure = cure

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  {self.cure}" if self.cure else head

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.where, self.cure))


def _rebuild(cls: type[VlkitError], what: str, where: str, cure: str) -> VlkitError:
    error = cls.__new__(cls)
    VlkitError.__init__(error, what, where=where, cure=cure)
    return error


def install_line(extra: str) -> str:
    """Return the line that installs an extra the way vlkit was installed here: from a checkout, a wheel file, or an index (PEP 610)."""
    place, editable = "vlkit", ""
    try:
        told = json.loads(distribution("vlkit").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        told = {}
    url = told.get("url", "")
    if url.startswith("file://"):
        place = url2pathname(urlsplit(url).path)
        editable = "-e " if told.get("dir_info", {}).get("editable") else ""
    return f"pip install {editable}{shlex.quote(f'{place}[{extra}]')}"


class DataError(VlkitError):
    """The input or the output folder is not what the command needs."""


class UsageError(VlkitError):
    """The command or function was called in a way that cannot work."""

    exit_code: ClassVar[int] = 2


class MissingExtraError(UsageError):
    """An optional dependency is missing; the message names its install line."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs: {install_line(extra)}")
