"""dataset_info.json as LLaMA-Factory reads it (0.9.5, data/parser.py): what an entry makes of columns and tags."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.linting.outcomes import RowFinding
from vldata.suggest import nearest

KINDS = {"arrow": "arrow", "csv": "csv", "json": "json", "jsonl": "json", "parquet": "parquet", "txt": "text"}
_COLUMN_NAMES = (
    "prompt", "query", "response", "history", "messages", "system", "tools", "images", "videos", "audios", "chosen", "rejected", "kto_tag",
)  # fmt: skip
_TAG_NAMES = ("role_tag", "content_tag", "user_tag", "assistant_tag", "observation_tag", "function_tag", "system_tag")
_COLUMNS = {**dict.fromkeys(_COLUMN_NAMES), "prompt": "instruction", "query": "input", "response": "output", "messages": "conversations"}
_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}
_KEYS = {
    "file_name", "formatting", "ranking", "subset", "split", "folder", "num_samples", "columns", "tags",
    "hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name",
}  # fmt: skip
_REMOTE = ("hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name")


class RegistryEntry(NamedTuple):
    """One entry with its defaults filled in: `columns` and `tags` hold None for what is not looked for."""

    name: str
    file_name: str
    formatting: str
    ranking: bool
    columns: dict[str, Any]
    tags: dict[str, Any]
    num_samples: Any = None
    given: dict[str, Any] = {}  # noqa: RUF012 - never written to


def read_entry(name: str, given: dict[str, Any]) -> RegistryEntry:
    """Fill an entry in. Where `columns` or `tags` stands, whatever it does not list is None, also what has a default otherwise."""
    columns, tags = (_names(part, given[part]) if given.get(part) is not None else None for part in ("columns", "tags"))
    return RegistryEntry(
        name,
        str(given.get("file_name", "")),
        given.get("formatting", "alpaca"),
        bool(given.get("ranking", False)),
        dict(_COLUMNS) if columns is None else {key: columns.get(key) for key in _COLUMN_NAMES},
        dict(_TAGS) if tags is None else {key: tags.get(key) for key in _TAG_NAMES},
        given.get("num_samples"),
        given,
    )


def _names(part: str, value: Any) -> dict[str, Any]:
    """Return what of `columns` or `tags` is a name: the rest is told by `faults_of`. A tag may be a number, which no turn has."""
    if not isinstance(value, dict):
        return {}
    return {key: name for key, name in value.items() if isinstance(name, str | int | float if part == "tags" else str)}


def _misshapen(part: str, value: Any) -> str:
    """Return what is wrong with `columns` or `tags` as such, "" where they are names by name."""
    if value is None:
        return ""
    if not isinstance(value, dict):
        return f"AttributeError: {type(value).__name__!r} object has no attribute 'get': {part} is {value!r:.40}"
    good = _names(part, value)
    return next((f"{part}.{key} is {name!r:.40}" for key, name in value.items() if name is not None and key not in good), "")


def faults_of(entry: RegistryEntry, stage: str) -> list[RowFinding]:
    """Return what an entry does before any row is read."""
    given = entry.given
    found: list[RowFinding] = []
    if any(key in given for key in _REMOTE):
        found.append(RowFinding("LF19", next(f"{key}: {given[key]!r}" for key in _REMOTE if key in given)))
    for part, known in (("columns", _COLUMN_NAMES), ("tags", _TAG_NAMES)):
        if odd := _misshapen(part, given.get(part)):
            found.append(RowFinding("LF23", odd))
        if isinstance(given.get(part), dict):
            found += [RowFinding("LF15", f"{part}.{key}.{_meant(key, known)}") for key in given[part] if key not in known]
    found += [RowFinding("LF15", f"{key}.{_meant(key, tuple(_KEYS))}") for key in given if key not in _KEYS]
    if entry.formatting not in ("alpaca", "sharegpt", "openai"):
        found.append(RowFinding("LF13", f"Dataset converter {entry.formatting} not found."))
    if entry.formatting == "openai":
        found.append(RowFinding("LF17"))
    if given.get("split", "train") != "train" and not any(key in given for key in _REMOTE):
        found.append(RowFinding("LF21", f"Unknown split \"{given['split']}\". Should be one of ['train']."))
    if entry.ranking != (stage in ("rm", "dpo")):
        found.append(RowFinding("LF14", f"ranking is {entry.ranking} and the stage is {stage}"))
    if entry.formatting in ("sharegpt", "openai"):
        for listed, key in ((entry.columns, "messages"), (entry.tags, "role_tag"), (entry.tags, "content_tag")):
            if listed[key] is None:
                found.append(RowFinding("LF16", f"{key} is not listed: KeyError: None"))
                break
    return found


def _meant(key: str, known: tuple[str, ...]) -> str:
    if f"{key}s" in known:
        return f" Did you mean {key + 's'!r}?"
    return nearest(key, known)


def read_registry(path: Path) -> tuple[dict[str, dict[str, Any]], str]:
    """Return the entries of a dataset_info.json and, where it cannot be read, why."""
    try:
        value = json.loads(strictjson.read_bytes(path).decode())
    except (DataError, UnicodeDecodeError, ValueError, RecursionError) as error:
        return {}, f"Cannot open {path} due to {error}."
    if not isinstance(value, dict):
        return {}, f"{path} holds a {type(value).__name__}, not an object of entries."
    return {name: entry for name, entry in value.items() if isinstance(entry, dict)}, ""


def looks_like_registry(value: Any) -> bool:
    """Whether an object lists datasets, as `datasets` own dataset_info.json does not."""
    keys = {"file_name", *_REMOTE}
    return isinstance(value, dict) and bool(value) and all(isinstance(entry, dict) and keys & entry.keys() for entry in value.values())


_ROLES = {
    "user_tag": ("user", "human"),
    "assistant_tag": ("assistant", "gpt", "bot", "model"),
    "system_tag": ("system",),
    "observation_tag": ("observation", "tool"),
    "function_tag": ("function_call", "function", "tool_call"),
}


def guess_entry(name: str, file_name: str, rows: list[Any]) -> RegistryEntry:
    """Make the entry that fits the first rows of a file that nobody registered."""
    keys = {key for row in rows if isinstance(row, dict) for key in row}
    given: dict[str, Any] = {"file_name": file_name}
    turns = next((key for key in ("messages", "conversations", "conversation") if key in keys), "")
    columns: dict[str, str] = {}
    if turns:
        given["formatting"] = "sharegpt"
        columns["messages"] = turns
        talk = [turn for row in rows if isinstance(row, dict) and isinstance(row.get(turns), list) for turn in row[turns]]
        used = {key for turn in talk if isinstance(turn, dict) for key in turn}
        role = "from" if "from" in used and "role" not in used else "role"
        content = "value" if "value" in used and "content" not in used else "content"
        spoken = {turn.get(role) for turn in talk if isinstance(turn, dict) and isinstance(turn.get(role), str)}
        tags = {tag: next((word for word in words if word in spoken), words[0]) for tag, words in _ROLES.items()}
        given["tags"] = {"role_tag": role, "content_tag": content, **tags}
    else:
        for column, words in (
            ("prompt", ("instruction", "prompt", "question", "query")),
            ("query", ("input", "query")),
            ("response", ("output", "response", "answer")),
        ):
            if word := next((word for word in words if word in keys and word not in columns.values()), ""):
                columns[column] = word
        if "history" in keys:
            columns["history"] = "history"
    for column in ("images", "videos", "audios"):
        if word := next((word for word in (column, column[:-1]) if word in keys), ""):
            columns[column] = word
    for column in ("system", "tools"):
        if column in keys:
            columns[column] = column
    if {"chosen", "rejected"} <= keys:
        given["ranking"] = True
        columns |= {"chosen": "chosen", "rejected": "rejected"}
    if any(isinstance(row, dict) and isinstance(row.get("label"), bool) for row in rows):
        columns["kto_tag"] = "label"
    given["columns"] = columns
    return read_entry(name, given)
