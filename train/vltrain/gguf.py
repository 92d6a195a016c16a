"""A merged model as GGUF, for llama-server and Ollama: language model and vision tower, each a file, by llama.cpp's own converter.

The converter is not ours and not a package: it is in a check-out of llama.cpp and knows a new model before any release does.
Where it is at hand it is run; else its lines are printed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from vldata.errors import DataError
from vldata.files.whole_folder import whole_folder
from vldata.models.families_of import folder_family
from vldata.models.layout import check_model_folder, is_quantized, refuse_own_code
from vldata.models.serving import Exposure, Limits, check_served, launch_line
from vltrain.api.export import OutType
from vltrain.merging_whole import tensor_names

SCRIPT = "convert_hf_to_gguf.py"
_PACKAGES = {"yaml": "pyyaml", "google": "protobuf", "mistral_common": "mistral-common"}  # where the package has another name
_LAST = 12  # lines of the converter that a failure shows
_EVERY_S = 5.0  # of a progress bar, which a pipe turns into lines
Tell = Callable[[str], None]


class GgufConversion(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs of the converter, the files they write, and whether they were made here."""

    lines: tuple[tuple[str, ...], tuple[str, ...]]
    files: tuple[Path, Path]
    made: bool = False


def plan_conversion(model: Path, out: Path, *, outtype: OutType, converter: Path | None) -> GgufConversion:
    """Work out the two runs; the vision tower stays in 16 bits where the language model goes to eight, as quantising it costs accuracy.

    Raises:
        DataError: the folder is incomplete, or quantised with bitsandbytes, which the converter does not read.
        UsageError: llama-server does not serve the family.
    """
    check_model_folder(model)
    check_served("llama-server", folder_family(model))
    if is_quantized(model):
        raise DataError("llama.cpp does not read bitsandbytes weights.", where=str(model), cure="Give the merged full-precision model.")
    script = str(converter or Path("llama.cpp") / SCRIPT)
    files = (out / "model.gguf", out / "mmproj-model.gguf")
    front = (sys.executable if converter else "python", script, str(model))
    tower = "f16" if outtype == "q8_0" else outtype
    without = ("--no-mtp",) if lacks_mtp(model) else ()
    return GgufConversion(
        lines=(
            (*front, *without, "--outtype", outtype, "--outfile", str(files[0])),
            (*front, "--mmproj", "--outtype", tower, "--outfile", str(files[1])),
        ),
        files=files,
    )


def lacks_mtp(model: Path) -> bool:
    """Whether a Qwen3.5 is without the layers that predict several tokens: transformers drops them, and the converter expects them."""
    family = folder_family(model)
    return family is not None and family.name == "qwen3.5" and not any(name.startswith("mtp.") for name in tensor_names(model))


def as_gguf(
    model: Path, out: Path, limits: Limits, *, outtype: OutType, llama_cpp: Path | None, tell: Tell | None = None
) -> tuple[GgufConversion, str]:
    """Convert where the converter is at hand, else say how; and give the line of llama-server for the result.

    `tell` takes the lines of the converter while it runs.
    """
    converter = find_converter(llama_cpp)
    if converter is not None:
        made = convert(model, out, outtype=outtype, converter=converter, tell=tell)
    else:
        made = plan_conversion(model, out, outtype=outtype, converter=None)
    exposure = Exposure(name=model.absolute().name)
    return made, launch_line("llama-server", str(made.files[0]), limits, exposure=exposure, family=folder_family(model))


def find_converter(given: Path | None) -> Path | None:
    """The converter of the check-out that is given, else of $LLAMA_CPP, else on the path.

    Raises:
        DataError: a check-out was given and holds none.
    """
    folder = given or (Path(os.environ["LLAMA_CPP"]) if os.environ.get("LLAMA_CPP") else None)
    if folder is not None:
        script = folder if folder.name == SCRIPT else folder / SCRIPT
        if not script.is_file():
            raise DataError(f"holds no {SCRIPT}.", where=str(folder), cure="Name a check-out of llama.cpp: --llama-cpp DIR")
        return script
    found = shutil.which(SCRIPT)
    return Path(found) if found else None


def convert(model: Path, out: Path, *, outtype: OutType, converter: Path, tell: Tell | None = None) -> GgufConversion:
    """Run the converter twice; the folder is there when both ended well, and else nothing is.

    Raises:
        DataError: the converter failed; its last lines are told.
    """
    planned = plan_conversion(model, out, outtype=outtype, converter=converter)
    refuse_own_code(model)  # the converter opens some tokenizers with trust_remote_code=True
    with whole_folder(out) as partial:
        for line, file in zip(planned.lines, planned.files, strict=True):
            _run([*line[:-1], str(partial / file.name)], partial / file.name, tell)
    return msgspec.structs.replace(planned, made=True)


def _run(line: list[str], file: Path, tell: Tell | None) -> None:
    last: deque[str] = deque(maxlen=_LAST)
    told = 0.0
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment) as running:
        for said in map(str.rstrip, running.stdout or ()):
            if not said:
                continue
            last.append(said)
            if tell is not None and ("%|" not in said or time.monotonic() - told >= _EVERY_S):
                told = time.monotonic() if "%|" in said else told
                tell(said)
    if running.returncode or not file.is_file() or file.stat().st_size == 0:
        end = "\n  ".join(last) or "it said nothing"
        what = f"the converter ended with {running.returncode} and without {file.name}:\n  {end}"
        raise DataError(what, where=line[1], cure=cure_for("\n".join(last)))


def cure_for(said: str) -> str:
    """What to do about the converter's last words, in the words of its releases of October 2026 (b11434)."""
    missing = re.search(r"No module named '([\w.]+)'", said)
    if missing:
        package = missing[1].split(".")[0]
        return f"Install what it imports into this Python: {sys.executable} -m pip install {_PACKAGES.get(package, package)}"
    if "pre-tokenizer was not recognized" in said:
        return (
            "It knows a tokenizer by the hash of what it makes of a text, and not this one: put back tokenizer.json and "
            "tokenizer_config.json of the base model if they were changed, or take a newer llama.cpp."
        )
    if re.search(r"Model \w+ is not supported", said):
        return (
            "This llama.cpp does not know the model: take a newer one. Some families it finds by `architectures` in text_config and "
            "vision_config of config.json: where they are gone, put back config.json of the base model."
        )
    return "It needs its requirements (torch, transformers, sentencepiece) in this Python, and a llama.cpp that knows the model."
