"""Exports: a registered dataset in the form another trainer reads, with the snippet that trains on it.

One module a family of formats; the table says which function writes which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from vldata.errors import UsageError
from vldata.exports import axolotl, jsonl, llamafactory, mds, swift, tables, trl, unsloth
from vldata.exports.plan import Exported, ExportPlan, ImagePlaces
from vldata.exports.training import held_out, model_of, note_of
from vldata.files.lock import hold_below
from vldata.records.parts import PARTS, Parts, parts_of, said_of
from vldata.records.record import Record
from vldata.suggest import nearest


@dataclass(frozen=True)
class ExportFormat:
    """A format.

    Attributes:
        write: the function that writes it.
        title: what it is, for the help.
        images: how it can hold pictures; the first is what it does unless told otherwise.
        sharded: it writes shards, whose size can be told.
        holds: the optional parts of a record that it can hold.
        trains: it writes a training file that names a base model.
    """

    write: Callable[[ExportPlan], Exported]
    title: str
    images: tuple[ImagePlaces, ...] = ("absolute", "copy")
    sharded: bool = False
    holds: Parts = ()
    trains: bool = False


_ALL: Parts = tuple(PARTS)
_ANY: tuple[ImagePlaces, ...] = ("embed", "absolute", "copy")

FORMATS: dict[str, ExportFormat] = {
    "llamafactory": ExportFormat(
        llamafactory.export_sharegpt, "sharegpt records, registry entry and training YAML", holds=llamafactory.HOLDS, trains=True
    ),
    "alpaca": ExportFormat(llamafactory.export_alpaca, "LLaMA-Factory's alpaca columns", holds=llamafactory.HOLDS, trains=True),
    "swift": ExportFormat(swift.export_swift, "ms-swift messages and images", holds=_ALL, trains=True),
    "trl": ExportFormat(trl.export_trl, "TRL prompt and completion of content parts, and a LoRA script", holds=_ALL, trains=True),
    "unsloth": ExportFormat(unsloth.export_unsloth, "rows and a LoRA script for Unsloth", holds=("reasoning", "loss"), trains=True),
    "axolotl": ExportFormat(axolotl.export_axolotl, "messages and a LoRA YAML for Axolotl", trains=True),
    "llava": ExportFormat(jsonl.export_llava, "LLaVA conversations", holds=("reasoning",)),
    "openai": ExportFormat(jsonl.export_openai, "OpenAI content parts with data URLs", _ANY, holds=("loss",)),
    "qwen": ExportFormat(jsonl.export_qwen, "Qwen's own fine-tuning scripts", holds=("reasoning",)),
    "internvl": ExportFormat(jsonl.export_internvl, "InternVL annotations and meta.json", holds=("reasoning",)),
    "parquet": ExportFormat(tables.export_parquet, "parquet shards, pictures embedded or as paths", _ANY, sharded=True, holds=_ALL),
    "webdataset": ExportFormat(tables.export_webdataset, "tar shards of pictures and JSON", ("embed",), sharded=True, holds=_ALL),
    "mds": ExportFormat(mds.export_mds, "MosaicML Streaming's shards", ("embed",), sharded=True, holds=_ALL),
    "hf": ExportFormat(tables.export_hf, "a datasets folder for load_from_disk", ("embed",), holds=_ALL),
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
    _refuse_parts(name, plan.dataset.first(), plan)
    if kind.trains and not held_out(plan):
        model_of(plan)  # refused before anything is written
    with hold_below(plan.out, f".{plan.name}.{name}.lock", f"the {name} export of {plan.name!r}"):
        written = kind.write(plan)
    notes = [written.note or note_of(plan), _changed(plan)]
    return msgspec.structs.replace(written, note=" ".join(note for note in notes if note))


def _changed(plan: ExportPlan) -> str:
    if (file := plan.dataset.changed()) is None:
        return ""
    return f"Warning: {file} was changed after the conversion; what is exported is not what the contract describes."


def _refuse_parts(name: str, first: Record, plan: ExportPlan) -> None:
    """Refuse records with a part that the format cannot hold: it would be lost without a word. Nothing trains on questions alone.

    Raises:
        UsageError: with the formats that can.
    """
    if first.solution == "" and name in ("swift", "trl", "unsloth", "axolotl"):
        raise UsageError(
            f"{plan.name!r} holds questions without answers or solutions.", cure="Ask a model first: vleval predict --data DIR/NAME"
        )
    parts = {*parts_of(first), *plan.dataset.contract.parts}
    if lost := [part for part in PARTS if part in parts and part not in FORMATS[name].holds]:
        able = ", ".join(other for other, kind in FORMATS.items() if parts <= {*kind.holds})
        cures = {"reasoning": "convert with --thinking drop", "loss": "leave `loss` out with --ignore loss", "wanted": "--ignore label"}
        more = f", or {cures[lost[0]]}" if lost[0] in cures else ""
        what = f"{plan.name!r} holds {said_of(lost)}, for which the {name} format has no place."
        raise UsageError(what, cure=f"Export to {able}{more}.")
