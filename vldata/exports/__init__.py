"""Exports: a registered dataset in the form another trainer reads, with the snippet that trains on it.

One module a family of formats; the table says which function writes which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vldata.errors import UsageError
from vldata.exports import jsonl, llamafactory, tables
from vldata.exports.plan import Exported, ExportPlan
from vldata.files.lock import hold_below
from vldata.suggest import nearest


@dataclass(frozen=True)
class ExportFormat:
    """A format: the function that writes it, and what it is, for the help."""

    write: Callable[[ExportPlan], Exported]
    title: str


FORMATS: dict[str, ExportFormat] = {
    "llamafactory": ExportFormat(llamafactory.export_sharegpt, "sharegpt records, registry entry and training YAML"),
    "alpaca": ExportFormat(llamafactory.export_alpaca, "LLaMA-Factory's alpaca columns"),
    "swift": ExportFormat(jsonl.export_swift, "ms-swift messages and images"),
    "trl": ExportFormat(jsonl.export_trl, "TRL prompt and completion of content parts"),
    "llava": ExportFormat(jsonl.export_llava, "LLaVA conversations"),
    "openai": ExportFormat(jsonl.export_openai, "OpenAI content parts with data URLs"),
    "qwen": ExportFormat(jsonl.export_qwen, "Qwen's own fine-tuning scripts"),
    "internvl": ExportFormat(jsonl.export_internvl, "InternVL annotations and meta.json"),
    "parquet": ExportFormat(tables.export_parquet, "parquet shards, pictures embedded or as paths"),
    "webdataset": ExportFormat(tables.export_webdataset, "tar shards of pictures and JSON"),
    "hf": ExportFormat(tables.export_hf, "a datasets folder for load_from_disk"),
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
    with hold_below(plan.out, f".{plan.name}.{name}.lock", f"the {name} export of {plan.name!r}"):
        return FORMATS[name].write(plan)
