"""What llama.cpp makes of a family: a random tiny model, converted by its own converter, served, and asked what `hf` is asked.

    python -m tests.servers.gguf_families --bin .venv/bin --llama .venvs/llama [--family NAME ...]

Without --family the four that were seen to be the same; the tiny folders of the others lack what the converter looks for in published
ones (`architectures` in text_config, names of weights), so that they prove nothing yet. The tiny vocabularies are not known to the
converter by their hash, so their pre-tokenizer is named (`make_gguf.py`). Says for each family how far it comes: converted, served, the
same prompt in tokens, no divergence by `vleval parity`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import msgspec

from tests.servers.process import Commands, running
from tests.servers.servers import HERE, MARKER
from vldata.models.families import FAMILIES
from vldata.models.families.family import Family
from vldata.models.tiny_families import build_tiny_family

PORT = 18_150
SEEN = ("qwen3-vl", "qwen3.5", "qwen2.5-vl", "qwen2-vl")


def main() -> int:
    """Run from the command line; 1 when a family that the table calls served is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, required=True)
    parser.add_argument("--llama", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path(".work/gguf"))
    parser.add_argument("--family", action="append", default=[])
    args = parser.parse_args()
    work = args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    call = Commands(args.bin.resolve(), work / "commands.log")
    failed = 0
    for name, family in FAMILIES.items():
        if name not in (args.family or SEEN):
            continue
        said = judge(call, family, args.llama.resolve(), work / name)
        claimed = "llama-server" in family.serving.servers
        failed += claimed and said != "the same"
        print(f"{name}: {'claimed' if claimed else 'not claimed'}: {said}", flush=True)
    return int(bool(failed))


def judge(call: Commands, family: Family, llama: Path, work: Path) -> str:
    """How far one family comes."""
    call.clear(work, "gguf", "data")
    work.mkdir(parents=True, exist_ok=True)
    model, gguf = work / "model", work / "gguf"
    try:
        if not (model / "config.json").is_file():
            as_published(family.name, build_tiny_family(deep_enough(family), model, mixing=20.0))
        data = questions(call, work.name, work / "data")
    except (AssertionError, ImportError, ValueError, TypeError, AttributeError) as error:
        return f"no tiny model here: {last_line(str(error))}"
    log = work / "llama.log"
    with log.open("w") as out:
        make = [str(llama / "bin/python"), str(HERE / "make_gguf.py"), str(llama / "source"), str(model), str(gguf)]
        make += ["--no-mtp"] if family.name == "qwen3.5" else []  # a tiny one has no layers that predict several tokens
        if subprocess.run(make, stdout=out, stderr=subprocess.STDOUT, check=False).returncode:
            return f"not converted: {last_line(log.read_text())}"
    url = f"http://127.0.0.1:{PORT}"
    command = [str(llama / "build/bin/llama-server"), "-m", str(gguf / "model.gguf"), "--mmproj", str(gguf / "mmproj-model.gguf")]
    command += ["--host", "127.0.0.1", "--port", str(PORT), "--alias", "tiny", "--jinja", "-c", "8192", "-np", "1", "-t", "1"]
    if family.serving.pixel_limits:
        command += ["--image-min-tokens", "16", "--image-max-tokens", "4096"]
    try:
        with running(command, f"{url}/health", log, {"LLAMA_MEDIA_MARKER": MARKER}):
            backends = f"hf@{model},llama-server@tiny={url}"
            call(["vleval", "parity", "--data", str(data), "--backends", backends, "--limit", "2", "--max-tokens", "8"])
    except AssertionError as error:
        lines = [line for line in str(error).splitlines() if "divergence" in line]
        return last_line(lines[-1] if lines else str(error))
    return "the same"


def deep_enough(family: Family) -> Family:
    """With four blocks in the tower: the converter finds the merger's third layer by a table as long as the tower is deep."""
    known = {"depth": 4} if family.name.startswith("qwen") else {}
    return msgspec.structs.replace(family, tiny=msgspec.structs.replace(family.tiny, vision={**family.tiny.vision, **known}))


# What published folders have and tiny ones lack: the converter finds these families by the parts' architectures.
ARCHITECTURES = {
    "internvl": ("Qwen2ForCausalLM", "InternVisionModel"),
    "smolvlm": ("VLlama3ForCausalLM", ""),
    "idefics-3": ("VLlama3ForCausalLM", ""),
    "lfm2-vl": ("Lfm2ForCausalLM", ""),
}


def as_published(name: str, model: Path) -> None:
    """Write what a published folder has: architectures of the parts, and the names of weights as they were when it was published."""
    text, vision = ARCHITECTURES.get(name, ("", ""))
    config = json.loads((model / "config.json").read_text())
    for part, architecture in (("text_config", text), ("vision_config", vision)):
        if architecture:
            config[part]["architectures"] = [architecture]
    (model / "config.json").write_text(json.dumps(config, indent=2))
    if name == "gemma-3":
        from safetensors.torch import load_file, save_file

        weights = load_file(model / "model.safetensors")
        renamed = {key.replace("vision_tower.", "vision_tower.vision_model."): value for key, value in weights.items()}
        save_file(renamed, model / "model.safetensors", {"format": "pt"})


def questions(call: Commands, name: str, folder: Path) -> Path:
    """Two questions with a picture each, converted for the model."""
    from PIL import Image

    folder.mkdir(parents=True)
    for one, size in (("a", (320, 256)), ("b", (448, 448))):
        Image.linear_gradient("L").resize(size).convert("RGB").save(folder / f"{one}.png")
    rows = [{"id": one, "image": f"{one}.png", "question": "What colour is the square?", "answer": "red"} for one in "ab"]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    convert = ["vldata", "convert", "jsonl", str(folder / "rows.jsonl"), "--image-root", str(folder), "--name", "two"]
    call([*convert, "--processor", name, "--out", str(folder / "out")])
    return folder / "out" / "two"


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no words"


if __name__ == "__main__":
    sys.exit(main())
