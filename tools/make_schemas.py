"""Write schemas/*.schema.json from the types. `--check` writes nothing and fails when a file differs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from vldata.output.contract import Contract
from vldata.output.publish import MediaLine
from vldata.records.draft import Reject
from vldata.records.parts import EXPORT_FIRST
from vldata.records.record import Record
from vldata.xrays.views import XrayDocument

FOLDER = Path(__file__).resolve().parent.parent / "schemas"


def dataset_info_schema() -> dict[str, Any]:
    """The registry entry as we write it; other entries are the user's own and may look otherwise."""
    text = {"type": "string"}
    tags = ("role_tag", "content_tag", "user_tag", "assistant_tag", "system_tag")
    return {
        "title": "DatasetInfo",
        "description": "One entry of dataset_info.json as vldata writes it: complete, since a loader takes an unlisted key for None.",
        "type": "object",
        "properties": {
            "file_name": text,
            "ranking": {"const": True},
            "formatting": {"anyOf": [{"const": "sharegpt"}, {"type": "string", "pattern": f"{EXPORT_FIRST}$"}]},
            "columns": {
                "type": "object",
                "properties": {"messages": text, "images": text, "videos": text, "tools": text, "kto_tag": text},
                "required": ["messages", "images"],
                "additionalProperties": False,
            },
            "tags": {
                "type": "object",
                "properties": {tag: text for tag in (*tags, "observation_tag", "function_tag")},
                "required": list(tags),
                "additionalProperties": False,
            },
        },
        "required": ["file_name", "formatting", "columns", "tags"],
        "additionalProperties": False,
    }


def all_schemas() -> dict[str, dict[str, Any]]:
    """Every published schema by name."""
    types: dict[str, Any] = {"record": Record, "contract": Contract, "media": MediaLine, "reject": Reject, "xray": XrayDocument}
    try:
        from vleval.schemas import SCHEMAS
    except ImportError:
        SCHEMAS = {}
    types.update(SCHEMAS)
    schemas = {name: msgspec.json.schema(kind) for name, kind in types.items()}
    schemas["dataset_info"] = dataset_info_schema()
    return {name: {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema} for name, schema in schemas.items()}


def main() -> int:
    """Write or check; returns the exit code."""
    stale = []
    for name, schema in all_schemas().items():
        path = FOLDER / f"{name}.schema.json"
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    print("\n".join(stale) if stale else "schemas are up to date")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())
