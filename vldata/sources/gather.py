"""The annotation files of a folder, whatever kind they are, in groups that may be one dataset."""

from __future__ import annotations

from pathlib import Path

from vldata.files.naming import natural_key
from vldata.sources.compressed import suffix_of
from vldata.sources.splitnames import FileGroup, group_files

# In order: what is embedded whole comes before what names files. The first kind that is there is read.
_KINDS = (
    (".tar", ".tar.gz", ".tgz"),
    (".parquet",),
    (".arrow",),
    (".jsonl", ".ndjson"),
    (".json",),
    (".csv",),
    (".tsv",),
    (".xlsx",),
)
_DEPTH = 4
# Files that describe a data set and hold none of its rows.
_NO_ROWS = frozenset(
    {
        *("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "config.json", "package.json"),
        *("croissant.json", "generation_config.json", "tokenizer_config.json", "preprocessor_config.json"),
    }
)
_OURS = (".contract.json", ".media.jsonl", ".rejects.jsonl", ".repairs.jsonl")


def find_annotations(folder: Path) -> tuple[list[FileGroup], str]:
    """Return the annotation files below a folder in groups, and the sentence about files of other kinds that are skipped.

    Returns no group where there is none.
    """
    found = sorted(_below(folder, _DEPTH), key=lambda path: natural_key(path.relative_to(folder).as_posix()))
    kinds = [[path for path in found if path.name.lower().endswith(kind) or suffix_of(path) in kind] for kind in _KINDS]
    there = [index for index, files in enumerate(kinds) if files]
    if not there:
        return [], ""
    others = [path.relative_to(folder).as_posix() for index in there[1:] for path in kinds[index]]
    said = ""
    if others:
        shown = ", ".join(others[:3]) + (f" and {len(others) - 3:,} more" if len(others) > 3 else "")
        said = f"{folder}: {', '.join(kind.lstrip('.') for kind in _KINDS[there[0]][:1])} files are read; passed over: {shown}."
    return group_files(kinds[there[0]], folder), said


def _below(folder: Path, depth: int) -> list[Path]:
    files: list[Path] = []
    for path in folder.iterdir():
        name = path.name.lower()
        if path.name.startswith(".") or (path.is_symlink() and path.is_dir()):
            continue
        if path.is_dir():
            if (depth and not (path / "dataset_info.json").is_file()) or (path / "state.json").is_file():
                files += _below(path, depth - 1)
        elif name not in _NO_ROWS and not name.endswith(_OURS) and path.is_file():
            files.append(path)
    return files
