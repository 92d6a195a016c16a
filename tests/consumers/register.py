"""Register an export that has no registry of its own, as its users do: register.py FORMAT FILE NAME.

dataset_info.json is written beside the file, or for hf and parquet beside its folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

_TALK = {"formatting": "sharegpt", "columns": {"messages": "conversations", "images": "image"}}
_RECORD = {
    "formatting": "sharegpt",
    "columns": {"messages": "messages", "images": "images"},
    "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"},
}
ENTRIES = {"llava": _TALK, "qwen": _TALK, "internvl": _TALK, "parquet": _RECORD, "hf": _RECORD}

format_name, file, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
folder = file.parents[1] if format_name in ("hf", "parquet") else file.parent
entry = {"file_name": file.relative_to(folder).as_posix(), **ENTRIES[format_name]}
(folder / "dataset_info.json").write_text(json.dumps({name: entry}, indent=2))
