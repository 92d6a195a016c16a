"""Lists of conversation files: LLaMA-Factory's dataset_info.json and InternVL's meta file; a plain file is a list of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError, UsageError
from vldata.files import strictjson
from vldata.files.paths import check_listed
from vldata.records.draft import Scalar
from vldata.records.parts import is_our_formatting
from vldata.records.record import Role
from vldata.sources.dialects.names import ROLES, Names
from vldata.sources.gather import find_annotations
from vldata.sources.rowmeta import dataset_name
from vldata.sources.splitnames import choose_groups, groups_sentence
from vldata.suggest import nearest

_COLUMNS = {
    "messages": "turns",
    "images": "images",
    "videos": "videos",
    "system": "system",
    "tools": "tools",
    "prompt": "prompt",
    "query": "query",
    "response": "response",
    "history": "history",
    "chosen": "chosen",
    "rejected": "rejected",
    "kto_tag": "wanted",
}
_ROLE_TAGS: dict[str, Role] = {
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
    "observation_tag": "observation",
    "function_tag": "function_call",
}
_DEFAULTS = {"sharegpt": {"messages": "conversations"}, "alpaca": {"prompt": "instruction", "query": "input", "response": "output"}}
_DEFAULT_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}


class Listed(msgspec.Struct, frozen=True):
    """One file to read: its own folder of pictures, its names, and what was said about it."""

    path: Path
    image_root: Path | None
    name: str = ""
    names: Names = Names()
    said: tuple[str, ...] = ()
    settings: dict[str, Scalar] = {}
    files: tuple[Path, ...] = ()  # where `path` is a folder
    part: str = ""  # of its subset and split, where a folder makes several datasets

    @property
    def folder(self) -> Path:
        """The folder that paths are relative to."""
        return self.path if self.files else self.path.parent


def list_registered(
    source: Path, dataset: str, image_root: Path | None, *, split: str = "", subset: str = "", follow_links: bool = False
) -> list[Listed]:
    """Return the files that a source means; those of a folder by subset and split.

    Raises:
        DataError: an entry names no file, or one that is not there.
        UsageError: `dataset` names no entry, or none was named where there are several; or an entry leads out of the folder of the list
            and of `image_root`, without `follow_links`.
    """
    if source.is_dir():
        return _in_folder(Listed(source, image_root), split, subset)
    if split or subset:
        raise UsageError("--split and --subset choose among the files of a folder.", where=str(source), cure="Give the folder.")
    table = _read_table(source)
    if table is None:
        if dataset:
            raise UsageError(f"--dataset {dataset!r} needs a dataset_info.json or meta file.", where=str(source))
        return [Listed(source, image_root)]
    if dataset and dataset not in table:
        raise UsageError(f"no entry {dataset!r}.", where=str(source), cure=f"Entries are {', '.join(list(table)[:20])}.")
    if all("annotation" in entry for entry in table.values()):
        wanted = {dataset: table[dataset]} if dataset else table
        return [_internvl(source, name, entry, image_root, follow_links) for name, entry in wanted.items()]
    if not dataset and len(table) > 1:
        raise UsageError(
            "several datasets are registered.", where=str(source), cure=f"Choose with --dataset: {', '.join(list(table)[:20])}."
        )
    name = dataset or next(iter(table))
    listed = _llamafactory(source, name, table[name], image_root, follow_links)
    return _in_folder(listed, "", "") if listed.path.is_dir() else [listed]


def refuse_registry(folder: Path) -> None:
    """Refuse a folder whose files a dataset_info.json lists: read without it, their columns are not known and several datasets are one.

    Raises:
        UsageError: with the entries.
    """
    registry = folder / "dataset_info.json"
    table = _read_table(registry)
    if table is None:
        return
    names = ", ".join(list(table)[:10])
    raise UsageError(
        f"its dataset_info.json lists {names}, with columns of their own.",
        where=str(folder),
        cure=f"Run: vldata convert sharegpt {registry} --dataset {next(iter(table))}",
    )


def _read_table(source: Path) -> dict[str, dict[str, Any]] | None:
    """Return the entries of a list of datasets, None where the file is something else."""
    if source.suffix != ".json" or not source.is_file():
        return None
    with source.open("rb") as handle:
        if not handle.read(256).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
            return None
    try:
        value = strictjson.read_json(source)
    except DataError:
        return None  # JSON Lines under another name; the reader of rows says what is wrong
    if not isinstance(value, dict) or not value or not all(isinstance(entry, dict) for entry in value.values()):
        return None
    keys = {"annotation", "file_name", "hf_hub_url", "ms_hub_url", "script_url", "cloud_file_name"}
    return value if all(keys & entry.keys() for entry in value.values()) else None


def _internvl(source: Path, name: str, entry: dict[str, Any], image_root: Path | None, follow_links: bool) -> Listed:
    path, root = (_resolve(source, str(entry.get(key) or "")) for key in ("annotation", "root"))
    if path is None:
        raise DataError(f"{name!r} names {entry.get('annotation')!r}, which is not there.", where=str(source))
    roots = (image_root,) if image_root else ()
    led = [check_listed(source, name, one, follow_links=follow_links, roots=roots) for one in (path, root) if one and one != image_root]
    said = [f"{name}: {path}, pictures below {root or path.parent}.", *filter(None, led)]
    times = entry.get("repeat_time", 1)
    if times not in (1, None):
        said.append(f"{name}: repeat_time {times} is not applied; weigh datasets when they are mixed.")
    return Listed(path, image_root or root, _plain_name(name), Names(), tuple(said))


def _llamafactory(source: Path, name: str, entry: dict[str, Any], image_root: Path | None, follow_links: bool) -> Listed:
    path = _resolve(source, str(entry.get("file_name") or ""))
    if path is None:
        what = f"names {entry['file_name']!r}, which is not there" if entry.get("file_name") else "is on a hub, not in a file"
        raise DataError(f"{name!r} {what}.", where=str(source), cure="Download the file beside dataset_info.json.")
    led = check_listed(source, name, path, follow_links=follow_links, roots=(image_root,) if image_root else ())
    formatting = entry.get("formatting", "alpaca")
    ours = is_our_formatting(formatting)
    formatting = "sharegpt" if ours else formatting
    if formatting not in _DEFAULTS:
        raise UsageError(f"{name!r} is of formatting {formatting!r}.", where=str(source), cure="alpaca and sharegpt are read.")
    columns = entry.get("columns") or _DEFAULTS[formatting]
    _check_keys(source, name, entry)
    if not ours:
        _check_ranking(source, name, entry)
    tags = {**(_DEFAULT_TAGS if "tags" not in entry else {"role_tag": "from", "content_tag": "value"}), **entry.get("tags", {})}
    fixed = {field: (str(columns[column]),) if columns.get(column) else () for column, field in _COLUMNS.items()}
    fixed["solution"] = ("solution",) if ours else ()
    if ours:
        fixed["rejected"] = ("rejected",)
    fixed["turns"] = (str(columns.get("messages") or "conversations"),) if formatting == "sharegpt" else ()
    roles: dict[str, Role] = {str(tags[tag]): role for tag, role in _ROLE_TAGS.items() if tags.get(tag)}
    names = msgspec.structs.replace(
        Names(), **fixed, role=(str(tags["role_tag"]),), content=(str(tags["content_tag"]),), roles=roles or ROLES, closed=True
    )
    said = [f"{name}: {path}, {formatting}, columns and tags of its entry in {source.name}.", *filter(None, [led])]
    if entry.get("num_samples"):
        said.append(f"num_samples {entry['num_samples']} is not applied; use --limit.")
    settings: dict[str, Scalar] = {"formatting": formatting, **{f"column {k}": str(v) for k, v in columns.items()}}
    settings |= {key: str(value) for key, value in tags.items()}
    return Listed(path, image_root, _plain_name(name), names, tuple(said), settings)


def _check_ranking(source: Path, name: str, entry: dict[str, Any]) -> None:
    """Refuse an entry that says of its pairs only half.

    Raises:
        UsageError: it is ranked without the columns of both answers, or the other way round.
    """
    columns = entry.get("columns") or {}
    given = [column for column in ("chosen", "rejected") if columns.get(column)]
    if entry.get("ranking") and len(given) < 2:
        what = f"{name!r} is ranked, and its columns name {given[0] if given else 'neither chosen nor rejected'}"
        raise UsageError(f"{what} alone." if given else f"{what}.", where=str(source), cure='Add "chosen" and "rejected" to its columns.')
    if given and not entry.get("ranking"):
        what = f'{name!r} has the columns {" and ".join(given)}, which LLaMA-Factory passes over without "ranking": true.'
        raise UsageError(what, where=str(source), cure='Add "ranking": true, or take the columns out.')


def _check_keys(source: Path, name: str, entry: dict[str, Any]) -> None:
    """Refuse columns and tags that LLaMA-Factory would pass over without a word.

    Raises:
        UsageError: with the name that was meant, where one is near.
    """
    for part, known in (("columns", {*_COLUMNS, "audios"}), ("tags", {"role_tag", "content_tag", *_ROLE_TAGS})):
        given = entry.get(part) or {}
        if not isinstance(given, dict):
            raise UsageError(f"{name!r} has {part} that are no object.", where=str(source))
        for key in given:
            if key not in known:
                meant = f"{key}s" if f"{key}s" in known else key.removesuffix("s") if key.removesuffix("s") in known else ""
                hint = f" Did you mean {meant!r}?" if meant else nearest(key, known)
                raise UsageError(
                    f"`{part}` of {name!r} has {key!r}, which LLaMA-Factory ignores without a word.{hint}",
                    where=str(source),
                    cure=f"Known are {', '.join(sorted(known))}." if not hint else f"Rename {key!r} in {source.name}.",
                )


def _in_folder(listed: Listed, split: str, subset: str) -> list[Listed]:
    """Return the annotation files of a folder, one entry a subset and split: they are never merged.

    Raises:
        DataError: it holds none.
    """
    folder = listed.path
    if not listed.names.closed:
        refuse_registry(folder)
    groups, passed = find_annotations(folder)
    if not groups:
        raise DataError("no tar, parquet, Arrow, JSON, CSV or Excel file here.", where=str(folder), cure="Give the file of conversations.")
    name = listed.name or dataset_name(Path(f"{folder.absolute().name}.x"))
    said = (*listed.said, *filter(None, (passed, groups_sentence(groups))))
    chosen = choose_groups(groups, split, subset, folder)
    return [
        msgspec.structs.replace(
            listed,
            name=f"{name}_{group.part}" if group.part else name,
            said=said if index == 0 else (),
            files=group.files,
            part=group.part,
        )
        for index, group in enumerate(chosen)
    ]


def _resolve(source: Path, name: str) -> Path | None:
    """Find what an entry names: beside the list, or from the working folder, as the tools themselves look."""
    candidates = (source.parent / name, Path(name)) if name else ()
    return next((path for path in candidates if path.exists()), None)


def _plain_name(name: str) -> str:
    return dataset_name(Path(f"{name}.x"))
