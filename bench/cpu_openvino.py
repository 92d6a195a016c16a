"""Answers and speed of a merged Qwen3-VL under OpenVINO on a CPU, beside plain transformers in the same process and on the same inputs.

Run it in a venv of its own (transformers 5 is too new for the exporter):

    pip install torch==2.13.0 torchvision 'optimum-intel[openvino]==2.2.0' transformers==4.57.6
    python bench/cpu_openvino.py MODEL prepared/squares_test.jsonl [--tokens 8] [--limit 16] [--bits 8]

MODEL: a folder whose config.json is as transformers 4 writes it; `vltrain export MODEL --to ollama` makes it so. One question at a time,
greedy.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor


def questions(path: Path, limit: int) -> list[tuple[str, list[Image.Image]]]:
    """The first user turn of each record, and its images."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[:limit]]
    return [
        (row["messages"][0]["content"].replace("<image>", ""), [Image.open(path.parent / name).convert("RGB") for name in row["images"]])
        for row in rows
    ]


def answers(model: Any, processor: Any, asked: list[tuple[str, list[Image.Image]]], tokens: int) -> tuple[list[str], float, float]:
    """What a model says, seconds to the first token (mean), and tokens a second after it."""
    said, first, rest, count = [], 0.0, 0.0, 0
    for text, images in asked:
        content = [*({"type": "image"} for _ in images), {"type": "text", "text": text}]
        prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False)
        inputs = processor(text=[prompt], images=images, return_tensors="pt")
        width = inputs["input_ids"].shape[1]
        began = time.perf_counter()
        model.generate(**inputs, do_sample=False, max_new_tokens=1)
        one = time.perf_counter() - began
        began = time.perf_counter()
        output = model.generate(**inputs, do_sample=False, max_new_tokens=tokens)
        new = output.shape[1] - width
        first, rest, count = first + one, rest + max(0.0, time.perf_counter() - began - one), count + new - 1
        said.append(processor.batch_decode(output[:, width:], skip_special_tokens=True)[0])
    return said, first / len(asked), count / rest if rest else 0.0


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("records", type=Path)
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--limit", type=int, default=16)
    parser.add_argument("--bits", type=int, default=32, choices=(8, 16, 32), help="of OpenVINO's weights")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    asked = questions(arguments.records, arguments.limit)
    processor = AutoProcessor.from_pretrained(arguments.model)
    plain = AutoModelForImageTextToText.from_pretrained(arguments.model, dtype=torch.float32).eval()
    with torch.inference_mode():
        theirs = answers(plain, processor, asked, arguments.tokens)
    del plain
    print(f"transformers: first token after {theirs[1]:.3f} s, then {theirs[2]:.1f} tokens/s", flush=True)
    from optimum.intel import OVModelForVisualCausalLM

    began = time.perf_counter()
    options: dict[str, Any] = {"load_in_8bit": arguments.bits == 8}
    config = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": str(arguments.threads)}
    with tempfile.TemporaryDirectory() as folder:
        model = OVModelForVisualCausalLM.from_pretrained(arguments.model, export=True, compile=False, **options)
        model.save_pretrained(folder)
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        print(f"exported in {time.perf_counter() - began:.0f} s, {size / 1e6:,.1f} MB", flush=True)
        del model
        opened = OVModelForVisualCausalLM.from_pretrained(folder, ov_config=config)
        ours = answers(opened, processor, asked, arguments.tokens)
    alike = sum(a == b for a, b in zip(ours[0], theirs[0], strict=True))
    speed = f"first token after {ours[1]:.3f} s, then {ours[2]:.1f} tokens/s"
    print(f"OpenVINO, {arguments.bits} bits: {speed}; {alike} of {len(asked)} answers alike")
    print("first answers:", list(zip(theirs[0][:4], ours[0][:4], strict=True)))


if __name__ == "__main__":
    main()
