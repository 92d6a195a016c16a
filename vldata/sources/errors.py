"""The error by which a row is rejected."""

from __future__ import annotations


class RowError(ValueError):
    """A row that cannot be used; `code` is a key of `vldata.records.codes.CODES`, the message a sentence."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
