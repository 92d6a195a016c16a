"""Exports: a registered dataset in the form another trainer reads, with the snippet that trains on it.

One module a family of formats; the table says which function writes which.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from vldata.errors import UsageError
from vldata.suggest import nearest

if TYPE_CHECKING:
    from vldata.exports.plan import Exported, ExportPlan

# format -> module:function; what it is, for the help.
FORMATS: dict[str, tuple[str, str]] = {
    "llamafactory": ("vldata.exports.llamafactory:export_sharegpt", "sharegpt records, registry entry and training YAML"),
    "alpaca": ("vldata.exports.llamafactory:export_alpaca", "LLaMA-Factory's alpaca columns"),
    "swift": ("vldata.exports.jsonl:export_swift", "ms-swift messages and images"),
    "trl": ("vldata.exports.jsonl:export_trl", "TRL prompt and completion of content parts"),
    "llava": ("vldata.exports.jsonl:export_llava", "LLaVA conversations"),
    "openai": ("vldata.exports.jsonl:export_openai", "OpenAI content parts with data URLs"),
    "qwen": ("vldata.exports.jsonl:export_qwen", "Qwen's own fine-tuning scripts"),
    "internvl": ("vldata.exports.jsonl:export_internvl", "InternVL annotations and meta.json"),
    "parquet": ("vldata.exports.tables:export_parquet", "parquet shards, pictures embedded or as paths"),
    "webdataset": ("vldata.exports.tables:export_webdataset", "tar shards of pictures and JSON"),
    "hf": ("vldata.exports.tables:export_hf", "a datasets folder for load_from_disk"),
}


def export(name: str, plan: ExportPlan) -> Exported:
    """Write a dataset in the format `name`.

    Raises:
        UsageError: there is no such format, or the format cannot hold what the records have.
        DataError: there are no records.
    """
    if name not in FORMATS:
        raise UsageError(f"no format {name!r}.{nearest(name, FORMATS)}", cure=f"There are: {', '.join(FORMATS)}.")
    plan.dataset.first()
    module, function = FORMATS[name][0].split(":")
    write: Callable[[ExportPlan], Exported] = getattr(import_module(module), function)
    return write(plan)
