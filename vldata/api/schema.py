"""`vldata schema`: the published JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from vldata.flags import Arg
from vldata.jobs import JobResult


@dataclass(frozen=True, repr=False)
class Schemas(JobResult):
    """One schema, or the names of all."""

    names: tuple[str, ...]
    schema: dict[str, Any] | None = None

    def lines(self) -> Iterator[str]:
        """Yield the schema as JSON, or the names."""
        if self.schema is not None:
            yield json.dumps(self.schema, ensure_ascii=False, indent=2)
        else:
            yield from self.names

    def document(self) -> Any:
        """Return the schema, or the names."""
        return self.schema if self.schema is not None else list(self.names)


def schema(name: Annotated[str, Arg("record, contract, ...; without a name, the list.", "NAME")] = "") -> Schemas:
    """Print a published JSON Schema, or their names.

    Raises:
        UsageError: there is none of that name.
    """
    from vldata.records.schema import load_schema, schema_names

    return Schemas(schema_names(), load_schema(name) if name else None)
