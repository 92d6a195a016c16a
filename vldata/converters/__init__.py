"""Converters: one module a source. Each opens its annotations and yields drafts; the table says where each lives."""

from __future__ import annotations

CONVERTERS: dict[str, str] = {
    "openeqa": "vldata.converters.openeqa",
}
