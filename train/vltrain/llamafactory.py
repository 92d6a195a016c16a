"""LLaMA-Factory's training, evaluation and merge YAML (release 0.9.5), read into our recipe unchanged.

Every key is translated, of no effect here (said so), or refused by name. A key that LLaMA-Factory does not have either is a typing error.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from vldata.errors import UsageError
from vldata.files.paths import path_fault
from vldata.suggest import nearest
from vltrain.llamafactory_keys import COMBINED, GENERATION, LISTS, MOOT, RENAMED, REQUIRED, UNSUPPORTED
from vltrain.trainer_names import TRACKERS

if TYPE_CHECKING:
    from vltrain.recipe import Recipe

Fields = dict[str, Any]
SAMPLING = {"max_new_tokens": "--max-tokens", "temperature": "--temperature", "top_p": "--top-p"}  # and vleval's options


def known_keys() -> tuple[str, ...]:
    """Every key this module can answer."""
    return (*RENAMED, *GENERATION, *LISTS, *COMBINED, *MOOT, *UNSUPPORTED)


def is_llamafactory(values: Fields) -> bool:
    """Whether the keys are LLaMA-Factory's and not ours."""
    return "model_name_or_path" in values or ("stage" in values and "model" not in values)


def translate(values: Fields, *, where: str) -> tuple[Fields, list[str]]:
    """Translate to recipe fields, and list what a reader should know.

    Raises:
        UsageError: an unknown key, with the nearest real one; a known one that is not supported; a value that is not.
    """
    _refuse_unknown(values, where)
    fields: Fields = {ours: values[theirs] for theirs, ours in RENAMED.items() if values.get(theirs) is not None}
    fields["job"] = _job(values)
    fields["dialect"] = "llamafactory"
    fields.setdefault("cutoff", 2_048)
    fields.setdefault("packing", False)
    fields["shard_gb"] = values.get("export_size") or 5
    folder = PurePosixPath(str(values.get("dataset_dir") or "data"))
    for theirs, ours in LISTS.items():
        names = str(values.get(theirs) or "").split(",")
        fields[ours] = [str(folder / _dataset_name(name.strip(), theirs, where)) for name in names if name.strip()]
    fields["generation"] = {key: values[key] for key in GENERATION if values.get(key) is not None}
    for step in (_precision, _adapters, _schedule, _logging):
        step(values, fields, where)
    if isinstance(fields.get("max_records"), int) and fields["max_records"] >= 10_000_000:
        del fields["max_records"]
    notes = []
    if values.get("overwrite_output_dir") and values.get("resume_from_checkpoint"):
        notes.append("resume_from_checkpoint wins over overwrite_output_dir: a run that was interrupted goes on where it stopped.")
    moot = [f"{key} ({MOOT[key]})" for key in values if MOOT.get(key) and key not in REQUIRED]
    return fields, [*notes, f"of no effect here: {'; '.join(moot)}."] if moot else notes


def _dataset_name(name: str, key: str, where: str) -> str:
    """A name of the registry in `dataset_dir`, which is no path."""
    if fault := "is a path" if "/" in name else path_fault(name):
        raise UsageError(
            f"{key}: {name!r} {fault}, and not a dataset of dataset_dir.", where=where, cure="Name a key of dataset_info.json."
        )
    return name


def _refuse_unknown(values: Fields, where: str) -> None:
    for key, value in values.items():
        if key in UNSUPPORTED:
            if value is None or value == UNSUPPORTED[key] or (not value and not UNSUPPORTED[key]):
                continue
            raise UsageError(
                f"{key} is LLaMA-Factory's, and not supported here.", where=where, cure=f"Remove {key!r}, or train with llamafactory-cli."
            )
        if key not in known_keys():
            raise UsageError(f"unknown key {key!r}.{nearest(key, known_keys())}", where=where)
        if key in REQUIRED and value not in REQUIRED[key]:
            allowed = " or ".join(str(value) for value in REQUIRED[key] if value is not None)
            cure = "llamafactory-cli trains it, or TRL: vldata export DIR/NAME --to trl." if key == "stage" else ""
            raise UsageError(f"{key}: {value!r} is not supported; here it is {allowed}.", where=where, cure=cure)


def _job(values: Fields) -> str:
    if values.get("export_dir"):
        return "merge"
    return "predict" if values.get("do_predict") and not values.get("do_train") else "sft"


def _precision(values: Fields, fields: Fields, where: str) -> None:
    if values.get("bf16") and values.get("fp16"):
        raise UsageError("bf16 and fp16 exclude each other.", where=where)
    if values.get("bf16") or values.get("pure_bf16"):
        fields["precision"] = "bf16"
    elif values.get("fp16"):
        fields["precision"] = "fp16"
    else:
        fields["precision"] = "fp32" if "bf16" in values or "fp16" in values else "auto"


def _adapters(values: Fields, fields: Fields, where: str) -> None:
    target = str(values.get("lora_target") or "all")
    fields["targets"] = [name.strip() for name in target.split(",") if name.strip()]
    fields["train_vision"] = values.get("freeze_vision_tower") is False
    fields["train_projector"] = values.get("freeze_multi_modal_projector") is False
    bits = values.get("quantization_bit")
    if bits not in (None, 4):
        raise UsageError(f"quantization_bit: {bits!r} is not supported; here it is 4 (nf4).", where=where)
    fields["method"] = "qlora" if bits == 4 else "lora"


def _schedule(values: Fields, fields: Fields, where: str) -> None:
    if values.get("warmup_steps"):
        fields["warmup"] = values["warmup_steps"]
    strategy = values.get("eval_strategy", "no")
    if strategy not in ("no", False, "steps", "epoch"):
        raise UsageError(f"eval_strategy: {strategy!r} is none of no, steps, epoch.", where=where)
    if strategy == "steps":
        fields["eval_steps"] = values.get("eval_steps") or values.get("logging_steps") or 10
    if values.get("save_strategy") == "no":
        fields["save_steps"] = 0
    elif "save_steps" not in values:
        fields["save_steps"] = 500
    fields["checkpointing"] = not values.get("disable_gradient_checkpointing", not values.get("gradient_checkpointing", True))


def _logging(values: Fields, fields: Fields, where: str) -> None:
    names = values.get("report_to", "none")
    names = names if isinstance(names, list) else [names]
    for name in names:
        if name not in ("none", "tensorboard", "all", None, *TRACKERS):
            known = ", ".join(("none", "tensorboard", *TRACKERS))
            raise UsageError(f"report_to: {name!r} is not supported; here it is one of {known}.", where=where)
    fields["tensorboard"] = "tensorboard" in names or "all" in names
    fields["report_to"] = tuple(name for name in names if name in TRACKERS)
    fields.setdefault("plot", False)
    resume: Callable[[], str] = lambda: "never" if fields.get("overwrite") else "auto"  # noqa: E731
    given = values.get("resume_from_checkpoint")
    fields["resume"] = "auto" if given is True else resume() if given is None else "never" if given is False else str(given)
    if given not in (None, False):
        fields["overwrite"] = False  # an explicit wish to go on wins over the habit of overwriting


def predict_command(recipe: Recipe) -> str:
    """The `vleval predict` line that does what LLaMA-Factory's evaluation YAML asks for, greedily."""
    words = ["vleval predict", *(f"--data {target}" for target in recipe.eval_data), "--backend hf", f"--model {recipe.model}"]
    if recipe.adapter:
        words.append(f"--adapter {recipe.adapter}")
    if "max_new_tokens" in recipe.generation:
        words.append(f"--max-tokens {recipe.generation['max_new_tokens']:g}")
    folder = recipe.output.rstrip("/") or "."
    return f"mkdir -p {shlex.quote(folder)} && " + " ".join([*words, f"--out {shlex.quote(f'{folder}/preds.jsonl')}"])


def sampling_note(recipe: Recipe) -> str:
    """Say what becomes of a temperature, which would make the score a draw; "" where there is none."""
    temperature = recipe.generation.get("temperature")
    if not temperature or recipe.generation.get("do_sample") is False:
        return ""
    why = "it makes each answer, and so the score, a draw. Answers are greedy"
    return f"Left out: temperature {temperature:g}, as {why}; add --temperature {temperature:g} to draw all the same."
