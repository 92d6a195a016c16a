"""Exports: a registered dataset in the form another trainer reads, with the snippet that trains on it.

One module a family of formats; the table says which function writes which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vldata.errors import UsageError
from vldata.exports import jsonl, llamafactory, tables
from vldata.exports.plan import Exported, ExportPlan, ImagePlaces
from vldata.files.lock import hold_below
from vldata.suggest import nearest


@dataclass(frozen=True)
class ExportFormat:
    """A format.

    Attributes:
        write: the function that writes it.
        title: what it is, for the help.
        images: how it can hold pictures; the first is what it does unless told otherwise.
        sharded: it writes shards, whose size can be told.
    """

    write: Callable[[ExportPlan], Exported]
    title: str
    images: tuple[ImagePlaces, ...] = ("absolute", "copy")
    sharded: bool = False


_ANY: tuple[ImagePlaces, ...] = ("embed", "absolute", "copy")

FORMATS: dict[str, ExportFormat] = {
    "llamafactory": ExportFormat(llamafactory.export_sharegpt, "sharegpt records, registry entry and training YAML"),
    "alpaca": ExportFormat(llamafactory.export_alpaca, "LLaMA-Factory's alpaca columns"),
    "swift": ExportFormat(jsonl.export_swift, "ms-swift messages and images"),
    "trl": ExportFormat(jsonl.export_trl, "TRL prompt and completion of content parts"),
    "llava": ExportFormat(jsonl.export_llava, "LLaVA conversations"),
    "openai": ExportFormat(jsonl.export_openai, "OpenAI content parts with data URLs", _ANY),
    "qwen": ExportFormat(jsonl.export_qwen, "Qwen's own fine-tuning scripts"),
    "internvl": ExportFormat(jsonl.export_internvl, "InternVL annotations and meta.json"),
    "parquet": ExportFormat(tables.export_parquet, "parquet shards, pictures embedded or as paths", _ANY, sharded=True),
    "webdataset": ExportFormat(tables.export_webdataset, "tar shards of pictures and JSON", ("embed",), sharded=True),
    "hf": ExportFormat(tables.export_hf, "a datasets folder for load_from_disk", ("embed",)),
}


def find_format(name: str) -> ExportFormat:
    """Return a format's line of the table.

    Raises:
        UsageError: there is no such format.
    """
    if name not in FORMATS:
        raise UsageError(f"no format {name!r}.{nearest(name, FORMATS)}", cure=f"There are: {', '.join(FORMATS)}.")
    return FORMATS[name]


def export(name: str, plan: ExportPlan) -> Exported:
    """Write a dataset in the format `name`.

    Raises:
        UsageError: there is no such format, or the format cannot hold what the records have.
        DataError: there are no records.
    """
    kind = find_format(name)
    plan.dataset.first()
    with hold_below(plan.out, f".{plan.name}.{name}.lock", f"the {name} export of {plan.name!r}"):
        return kind.write(plan)
