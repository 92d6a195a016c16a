"""`dataset_info.json`: the registry that LLaMA-Factory reads.

Merged, never overwritten: other entries, their order and unknown keys stay as they are. The loader opens it without an encoding, so
it is ASCII. Every entry of ours is complete: a column or tag that is not listed would be None to the loader.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.files import inside, strictjson
from vldata.files.durable import write_atomic
from vldata.files.lock import hold_below
from vldata.output.folder import DATASET_INFO, STATE_DIR
from vldata.records.parts import Parts, formatting_of
from vldata.suggest import nearest

Entry = dict[str, Any]
_SHOWN_NAMES = 12


def make_entry(file_name: str, *, videos: bool = False, tools: bool = False, parts: Parts = ()) -> Entry:
    """Build the complete sharegpt entry of one dataset. `file_name` is relative to the folder.

    Records with a part that LLaMA-Factory would pass over get a `formatting` that it refuses, with what to do in its message.
    """
    columns = {"messages": "messages", "images": "images"}
    tags = {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
        "system_tag": "system",
    }
    if videos:
        columns["videos"] = "videos"
    if tools:
        columns["tools"] = "tools"
        tags |= {"observation_tag": "observation", "function_tag": "function_call"}
    if "wanted" in parts:
        columns["kto_tag"] = "wanted"
    entry: Entry = {"file_name": file_name, "formatting": formatting_of(parts), "columns": columns, "tags": tags}
    return {**entry, "ranking": True} if "rejected" in parts else entry  # else another message comes first


def columns_of(entry: Entry) -> dict[str, Any]:
    """The columns of an entry; none where somebody wrote something else there."""
    columns = entry.get("columns")
    return columns if isinstance(columns, dict) else {}


def read_dataset_info(out: Path) -> dict[str, Entry]:
    """Read the registry of a folder; an absent file is an empty registry.

    Raises:
        DataError: the file is not a JSON object of objects.
    """
    path = out / DATASET_INFO
    if not path.exists():
        return {}
    value = strictjson.read_json(path)
    if not isinstance(value, dict) or not all(isinstance(entry, dict) for entry in value.values()):
        raise DataError("is not a table of datasets.", where=str(path), cure="Repair it, or choose another --out.")
    return value


def no_dataset(out: Path, name: str) -> DataError:
    """Make the message for a dataset that a folder does not hold: it names those there are."""
    if not out.is_dir():
        return DataError("no such folder.", where=str(out), cure="Give DIR/NAME of a dataset, for example prepared/openeqa.")
    if (out / name / DATASET_INFO).is_file():
        inside = out / name
        return DataError("is a folder of datasets, not one of them.", where=str(inside), cure=_there_are(inside, f"{inside}/"))
    return DataError(
        f"no dataset {name!r} here.{nearest(name, read_dataset_info(out))}", where=str(out / DATASET_INFO), cure=_there_are(out, f"{out}/")
    )


def _there_are(out: Path, prefix: str) -> str:
    names = sorted(read_dataset_info(out))
    if not names:
        return "There is none: make one with vldata convert."
    shown = ", ".join(f"{prefix}{name}" for name in names[:_SHOWN_NAMES])
    return f"There are: {shown}{', ...' if len(names) > _SHOWN_NAMES else ''}."


def merge_entries(out: Path, entries: dict[str, Entry], *, remove: tuple[str, ...] = ()) -> None:
    """Add or replace `entries` and drop the names in `remove`; everything else keeps its place."""
    with hold_below(out, f"{STATE_DIR}/dataset_info.lock", DATASET_INFO, wait=True):
        inside.refuse_links(out, DATASET_INFO)
        for left in out.glob(f".{DATASET_INFO}.*.tmp"):  # of a command killed while it held the lock
            left.unlink(missing_ok=True)
        table = read_dataset_info(out)
        merged = {name: entry for name, entry in table.items() if name not in remove}
        merged.update(entries)
        content = json.dumps(merged, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
        write_atomic(out / DATASET_INFO, content.encode("ascii"))
