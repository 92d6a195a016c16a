"""What a server needs next to the weights: Ollama's Modelfile, and launch lines whose limits come from the data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vldata.datasets.limits import measure_limits
from vldata.errors import DataError, UsageError
from vldata.files.durable import write_atomic
from vldata.models.families_of import folder_family
from vldata.models.layout import check_model_folder, is_quantized
from vldata.models.prompt import Prompter
from vldata.models.serving import Limits, Server, check_served, launch_line, modelfile
from vltrain.data import load_set


def limits_of(model: Path, targets: Sequence[str], *, answer_tokens: int = 512) -> Limits:
    """Work out the limits that every record of the datasets needs.

    Raises:
        UsageError: no dataset is named.
    """
    if not targets:
        raise UsageError("no data to take limits from.", cure="Name datasets: --data DIR/NAME")
    rows = ((example.record, example.sizes) for target in targets for example in load_set(target).examples)
    family = folder_family(model)
    if family is None:
        raise UsageError(
            f"{model}: of an unknown model type, whose images cost nobody knows what.", cure="Give limits to the server by hand."
        )
    return measure_limits(Prompter(model), rows, answer_tokens=answer_tokens, processor=family.name)


def export(model: Path, server: Server, limits: Limits, *, t4: bool = False) -> str:
    """Return the launch line for a server; for Ollama write the Modelfile, and a config.json it can read, into the model folder.

    Raises:
        DataError: the folder is incomplete, or quantised with bitsandbytes, which Ollama and LMDeploy do not read.
    """
    check_model_folder(model)
    family = folder_family(model)
    check_served(server, family)
    if server != "vllm" and is_quantized(model):
        raise DataError(f"{server} does not read bitsandbytes weights.", where=str(model), cure="Give the merged full-precision model.")
    if server == "ollama":
        write_atomic(model / "Modelfile", modelfile(".", limits, family).encode())
        _write_plain_config(model / "config.json")
    return launch_line(server, str(model), limits, t4=t4, family=family)


def _write_plain_config(path: Path) -> None:
    """Give the text config `rope_theta` and `rope_scaling`, as transformers 4 wrote and Ollama's converter reads; nothing is taken away."""
    config: dict[str, Any] = json.loads(path.read_bytes())
    text = config["text_config"]
    rope = text.get("rope_parameters")
    if rope is None or "rope_theta" in text:
        return
    text["rope_theta"] = rope["rope_theta"]
    text["rope_scaling"] = {
        "mrope_interleaved": rope.get("mrope_interleaved", True),
        "mrope_section": rope["mrope_section"],
        "rope_type": rope.get("rope_type", "default"),
    }
    write_atomic(path, (json.dumps(config, indent=2, ensure_ascii=False) + "\n").encode())
