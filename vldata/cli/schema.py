"""`vldata schema`: print a published JSON Schema."""

from __future__ import annotations

from typing import Annotated

import typer


def schema(name: Annotated[str, typer.Argument(help="record, contract, ...; without a name, the list.", show_default=False)] = "") -> None:
    """Print a published JSON Schema, or their names."""
    from vldata.records.schema import load_schema, schema_names
    from vldata.terminal import say, say_json

    if name:
        say_json(load_schema(name))
    else:
        for known in schema_names():
            say(known)
