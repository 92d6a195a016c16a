"""Training speed on one GPU through `vltrain sft`, data loading included: random weights of the published Qwen3-VL-2B shape.

    python bench/train_h100.py [--only plain,fast,...] [--steps 24]     # one H100, about 8 minutes
    python bench/train_h100.py --shape qwen3.5-2b --only 'plain;fast'     # of about the shape of Qwen3.5-2B; without MFU
    python bench/train_h100.py --shape qwen2.5-vl-3b [--only "@one;@but"]   # of the published shape of Qwen2.5-VL-3B
    python bench/train_h100.py --tiny                                     # a logic test on the CPU

Every row is a run of `vltrain.training.run_sft` on the same folder of JPEG files; speed is taken over the second half of its steps. MFU is
useful FLOPs (language forward and data gradients, vision forward, logits at labels; nothing recomputed) over 989e12 a second.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import itertools
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import msgspec
import numpy as np
import torch
import torch._inductor.config
import vltrain.collate
from PIL import Image
from vltrain.collate import ROW_WASTE
from vltrain.cuts import MERGE
from vltrain.data import load_set
from vltrain.features import IGNORED, Featurizer
from vltrain.planning import prepare
from vltrain.recipe import Recipe
from vltrain.towers.qwen2_5_vl import lay as windows_of
from vltrain.trainer import SftTrainer
from vltrain.training import run_sft

from vldata.models import tiny_families
from vldata.models.families import FAMILIES
from vldata.models.families_of import folder_family
from vldata.models.shapes import PUBLISHED, Shape, read_shape
from vldata.models.tiny import build_config, build_tokenizer, write_processor_files
from vldata.output.dataset_info import make_entry
from vldata.records.record import Message, Record, encode_record

PEAK = 989e12
TARGET, ANSWER = 2_048, 63
HYBRID = "qwen3.5-2b"
WINDOWS = "qwen2.5-vl-3b"
OTHERS = {HYBRID: "qwen3.5", WINDOWS: "qwen2.5-vl"}


def build_model(out: Path, *, tiny: bool, name: str = "2b") -> None:
    """Write random weights of a published shape with a small tokenizer; its token ids lie in the large vocabulary."""
    from transformers import AutoModelForImageTextToText

    other = FAMILIES[OTHERS[name]] if name in OTHERS else None
    tokenizer = tiny_families.build_tokenizer(other) if other else build_tokenizer()
    make = {HYBRID: hybrid_config, WINDOWS: windows_config}.get(name)
    config = make(tokenizer, tiny=tiny) if make else build_config(tokenizer)
    if not tiny and not other:
        shape = PUBLISHED[name]
        text, vision = config.text_config, config.vision_config
        for key, value in {"vocab_size": 151_936, "hidden_size": shape.hidden, "intermediate_size": shape.ffn,
                           "num_hidden_layers": shape.layers,
                           "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads, "head_dim": 128}.items():  # fmt: skip
            setattr(text, key, value)
        text.rope_parameters = {"rope_type": "default", "rope_theta": 5e6, "mrope_interleaved": True, "mrope_section": [24, 20, 20]}
        for key, value in {"depth": shape.vision_depth, "hidden_size": shape.vision_hidden, "intermediate_size": shape.vision_ffn,
                           "num_heads": 16, "out_hidden_size": shape.hidden, "num_position_embeddings": 2_304,
                           "deepstack_visual_indexes": list(shape.deepstack)}.items():  # fmt: skip
            setattr(vision, key, value)
        text.tie_word_embeddings = config.tie_word_embeddings = shape.tied
        config = type(config).from_dict(config.to_dict())
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForImageTextToText.from_config(config, dtype=torch.bfloat16 if device == "cuda" else torch.float32)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    if other:
        tiny_families.write_processor_files(other, out)
    else:
        write_processor_files(out)


def hybrid_config(tokenizer: Any, *, tiny: bool) -> Any:
    """The configuration of Qwen3.5 with three layers of linear attention before each of full attention."""
    config = tiny_families.build_config(FAMILIES["qwen3.5"], "qwen3_5", tokenizer)
    if tiny:
        return config
    text, vision = config.text_config, config.vision_config
    for key, value in {"vocab_size": 151_936, "hidden_size": 2_048, "intermediate_size": 6_144, "num_hidden_layers": 24,
                       "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 256, "linear_num_key_heads": 16,
                       "linear_num_value_heads": 16, "linear_key_head_dim": 128, "linear_value_head_dim": 128,
                       "layer_types": [*["linear_attention"] * 3, "full_attention"] * 6}.items():  # fmt: skip
        setattr(text, key, value)
    turning = {"rope_type": "default", "rope_theta": 1e7, "partial_rotary_factor": 0.25, "mrope_section": [11, 11, 10]}
    text.rope_parameters = {**turning, "mrope_interleaved": True}
    for key, value in {"depth": 24, "hidden_size": 1_024, "intermediate_size": 4_096, "num_heads": 16, "out_hidden_size": 2_048,
                       "num_position_embeddings": 2_304}.items():  # fmt: skip
        setattr(vision, key, value)
    return type(config).from_dict(config.to_dict())


def windows_config(tokenizer: Any, *, tiny: bool) -> Any:
    """The configuration of Qwen2.5-VL-3B as it was published."""
    config = tiny_families.build_config(FAMILIES["qwen2.5-vl"], "qwen2_5_vl", tokenizer)
    if tiny:
        return config
    text, vision = config.text_config, config.vision_config
    for key, value in {"vocab_size": 151_936, "hidden_size": 2_048, "intermediate_size": 11_008, "num_hidden_layers": 36,
                       "num_attention_heads": 16, "num_key_value_heads": 2, "layer_types": ["full_attention"] * 36}.items():  # fmt: skip
        setattr(text, key, value)
    text.rope_parameters = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}
    for key, value in {"depth": 32, "hidden_size": 1_280, "intermediate_size": 3_420, "num_heads": 16, "out_hidden_size": 2_048,
                       "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31]}.items():  # fmt: skip
        setattr(vision, key, value)
    return type(config).from_dict(config.to_dict())


def write_data(out: Path, model: Path, *, records: int, tiny: bool) -> None:
    """Write `frames` (8 pictures of 448 x 448, 2,048 tokens), `near` (up to 100 tokens fewer) and `mixed` (every other one a chart).

    On a grid of 28 pixels 6 pictures take as many tokens; `ragged` has 8 of 392 x 392, whose last windows are half as wide.
    """
    rng, choose = np.random.default_rng(0), random.Random(0)
    (out / "images").mkdir(parents=True)
    cell = folder_family(model).images.factor
    side, pool, shown = (256 // cell * cell, 8, 8) if tiny else (448, 96, 8 if cell == 32 else 6)

    def draw(name: str, width: int, height: int) -> str:
        noise = rng.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC).save(out / "images" / name, quality=90)
        return f"images/{name}"

    frames = [draw(f"f{number}.jpg", side, side) for number in range(pool)]
    charts = [draw(f"c{number}.jpg", 800 - 800 % cell, 608 - 608 % cell) for number in range(pool // 4)]
    small = [draw(f"s{number}.jpg", 392, 392) for number in range(pool)] if cell == 28 else []

    def digits(count: int) -> str:
        return "".join(choose.choice("0123456789") for _ in range(count))

    def record(number: int, images: list[str], question: int) -> Record:
        user = Message("user", "<image>" * len(images) + digits(question))
        messages = (user, Message("assistant", digits(ANSWER)))
        return Record(id=f"r{number}", messages=messages, images=tuple(images), references=(), meta={})

    eight = [choose.choices(frames, k=shown) for _ in range(records)]
    probe = [record(0, eight[0], 8), record(0, [charts[0]], 140)]
    write_dataset(out, "probe", probe)
    featurizer = Featurizer(model)
    pad = max(0, TARGET - len(featurizer.make(load_set(str(out / "probe")).examples[0])))
    write_dataset(out, "frames", [record(number, images, 8 + pad) for number, images in enumerate(eight)])
    write_dataset(out, "near", [record(number, images, 8 + max(0, pad - number * 37 % 100)) for number, images in enumerate(eight)])
    mixed = [record(n, images, 8 + pad) if n % 2 else record(n, [choose.choice(charts)], 140) for n, images in enumerate(eight)]
    write_dataset(out, "mixed", mixed)
    if small:
        write_dataset(out, "ragged", [record(number, choose.choices(small, k=8), 8 + pad - 32) for number in range(records)])


def write_dataset(out: Path, name: str, records: list[Record]) -> None:
    """Write and register records."""
    (out / f"{name}.jsonl").write_bytes(b"".join(encode_record(record) + b"\n" for record in records))
    path = out / "dataset_info.json"
    table = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**table, name: make_entry(f"{name}.jsonl")}))


def useful_flops(shape: Shape, target: str, model: Path, *, seen: bool) -> float:
    """Mean useful FLOPs of a record; without the tower's where pictures were `seen` before."""
    featurizer, total, queries = Featurizer(model), 0.0, shape.heads * shape.head_dim
    examples = load_set(target, limit=8).examples
    for example in examples:
        sample = featurizer.make(example)
        length, labels = len(sample), int((sample.labels != IGNORED).sum())
        language = 2.0 * shape.language_linear_parameters * length + 2.0 * length**2 * queries * shape.layers
        vision = sum(vision_flops(shape, grid, model) for grid in sample.grids)
        total += 2 * language + 2 * 2.0 * shape.hidden * shape.vocabulary * labels + (0.0 if seen else vision)
    return total / len(examples)


def vision_flops(shape: Shape, grid: tuple[int, int], model: Path) -> float:
    """FLOPs of a picture in the tower, attention inside windows where it stays there."""
    width, patches = shape.vision_hidden, grid[0] * grid[1]
    block = shape.vision_depth * sum(inputs * outputs for inputs, outputs in shape.vision_linears().values())
    merger = (1 + len(shape.deepstack)) * sum(inputs * outputs for inputs, outputs in shape.merger_linears().values())
    squares = shape.vision_depth * patches**2
    config = json.loads((model / "config.json").read_text())["vision_config"]
    if "window_size" in config:
        whole, side = len(config["fullatt_block_indexes"]), config["window_size"] // config["patch_size"] // MERGE
        squares = whole * patches**2 + (shape.vision_depth - whole) * sum(length**2 for length in windows_of(grid, side).windows)
    return 2.0 * block * patches + 4.0 * squares * width + 2.0 * merger * patches / 4 + 2.0 * 6 * shape.patch**2 * width * patches


PLAIN = {"packing": False, "vision_no_grad": False, "logits_at_labels": False, "linear_patch_embed": False, "host_positions": False}
ROWS: dict[str, dict[str, Any]] = {
    "fast": {"data": "frames", "compile": True, "batch_size": 8, "checkpointing": False},
    "plain": {"data": "frames", **PLAIN, "batch_size": 4, "checkpointing": False, "steps": 12},
    "fast, checkpointing": {"data": "frames", "compile": True, "batch_size": 8, "checkpointing": True},
    "plain, checkpointing": {"data": "frames", **PLAIN, "batch_size": 4, "checkpointing": True, "steps": 12},
    "fast, mixed": {"data": "mixed", "compile": True, "batch_size": 8, "checkpointing": False},
    "plain, mixed": {"data": "mixed", **PLAIN, "batch_size": 8, "checkpointing": True, "steps": 12},
    "qlora": {"data": "frames", "method": "qlora", "compile": True, "batch_size": 8, "checkpointing": False},
    "fast, one batch repeated": {"data": "frames", "compile": True, "batch_size": 8, "checkpointing": False, "repeat": True},
    "fast, near lengths": {"data": "near", "compile": True, "batch_size": 8, "checkpointing": False},
    "fast, near lengths, no rows": {"data": "near", "compile": True, "batch_size": 8, "checkpointing": False, "waste": 0},
    "fast, pictures kept": {"data": "frames", "compile": True, "batch_size": 8, "checkpointing": False, "keep_vision_gib": 8.0},
    "fast, Liger": {"data": "frames", "compile": True, "liger": True, "batch_size": 8, "checkpointing": False},
    "fast, Liger, not compiled": {"data": "frames", "liger": True, "batch_size": 4, "checkpointing": False, "steps": 12},
    "fp16": {"data": "frames", "compile": True, "precision": "fp16", "batch_size": 8, "checkpointing": False},
    "fast, not compiled": {"data": "frames", "batch_size": 4, "checkpointing": False, "steps": 12},
    "fast, batch 4": {"data": "frames", "compile": True, "batch_size": 4, "checkpointing": False},
    "trace": {"data": "frames", "compile": True, "batch_size": 8, "checkpointing": False, "steps": 6},
    "fast, batch 2": {"data": "frames", "compile": True, "batch_size": 2, "checkpointing": False},
    "fast, not compiled, checkpointing": {"data": "frames", "batch_size": 4, "checkpointing": True, "steps": 12},
    "fast, fp8": {"data": "frames", "compile": True, "batch_size": 8, "checkpointing": False, "base": "fp8"},
    "fast, fp8, batch 2": {"data": "frames", "compile": True, "batch_size": 2, "checkpointing": False, "base": "fp8"},
    "fast, fp8, checkpointing": {"data": "frames", "compile": True, "batch_size": 8, "checkpointing": True, "base": "fp8"},
    "fast, fp8, batch 4": {"data": "frames", "compile": True, "batch_size": 4, "checkpointing": False, "base": "fp8"},
    "fast, kept, checkpointing": {
        "data": "frames",
        "compile": True,
        "batch_size": 8,
        "checkpointing": True,
        "keep_vision_gib": 8.0,
    },
    "fast, ragged windows": {"data": "ragged", "compile": True, "batch_size": 8, "checkpointing": True},
    "plain, ragged windows": {"data": "ragged", **PLAIN, "batch_size": 4, "checkpointing": True, "steps": 12},
    "fast, batch 12": {"data": "frames", "compile": True, "batch_size": 12, "checkpointing": False},
}


ONE = {f"plain and {name}": {"data": "frames", **PLAIN, name: True, "batch_size": 4, "checkpointing": True, "steps": 8} for name in PLAIN}
BUT = {
    f"fast without {name}": {"data": "frames", "compile": True, name: False, "batch_size": 8, "checkpointing": True, "steps": 12}
    for name in (*PLAIN, "compile")
}
USUAL = [name for name in ROWS if name != "trace" and "ragged" not in name]
ROWS |= {**ONE, **BUT}
GROUPS = {"@one": ["plain, checkpointing", *ONE], "@but": ["fast, checkpointing", *BUT]}
USUAL_OF = {
    WINDOWS: ["plain, checkpointing", "fast, checkpointing", "plain", "fast", "fast, fp8, checkpointing", "plain, mixed", "fast, mixed",
              "fast, batch 4", "plain, ragged windows", "fast, ragged windows", "fast, kept, checkpointing", "qlora", "fast, Liger",
              "fast, near lengths"],
}  # fmt: skip


COMPARED = {
    "fast, mixed": "plain, mixed", "plain, mixed": "", "fast, ragged windows": "plain, ragged windows", "plain, ragged windows": "",
    "plain": "", "plain, checkpointing": "",
}  # fmt: skip


def run_row(name: str, work: Path, steps: int, *, tiny: bool, trace: bool) -> dict[str, Any]:
    """Run one row and return its figures."""
    changes = dict(ROWS[name])
    data, repeat = changes.pop("data"), changes.pop("repeat", False)
    vltrain.collate.ROW_WASTE = changes.pop("waste", ROW_WASTE)
    recipe = Recipe(
        model=str(work / "model"), data=(str(work / "data" / data),), output=str(work / "out"), cutoff=4_096, rank=8, learning_rate=1e-5,
        max_steps=changes.pop("steps", steps), log_steps=1_000, workers=2 if tiny else 12, tensorboard=False, plot=False, overwrite=True,
    )  # fmt: skip
    if tiny:
        changes |= {"batch_size": 2, "precision": "fp32", "compile": False}
    recipe = msgspec.structs.replace(recipe, **changes)
    shutil.rmtree(work / "out", ignore_errors=True)
    began = time.perf_counter()
    with one_batch() if repeat else contextlib.nullcontext():
        result = run_sft(recipe) if not trace else profiled(lambda: run_sft(recipe))
    shape = read_shape(work / "model")
    flops = useful_flops(shape, recipe.data[0], work / "model", seen=recipe.keep_vision_gib > 0) if shape else 0.0
    rate = result.steady_samples_per_second
    return {
        "row": name, "batch": recipe.batch_size, "samples_per_s": round(rate, 2), "mfu": round(rate * flops / PEAK, 4),
        "peak_gib": round(result.peak_memory_gib, 1), "planned_gib": planned(recipe), "wait": round(result.data_wait_share, 4),
        "steady_wait": round(result.steady_wait_share, 4), "loss": round(result.train_loss, 4),
        "useful_tflop": round(flops / 1e12, 2), "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def planned(recipe: Recipe) -> float:
    """GiB that `vltrain plan` foresees."""
    memory = prepare(recipe).plan.memory
    return float(memory["H100-80GB"]["gib"]) if memory else 0.0


class OneBatch:
    """The first batch of a loader, again and again: the GPU never waits for it."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self.dataset, self.batch_size, self.batch_sampler = loader.dataset, loader.batch_size, loader.batch_sampler

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Any]:
        yield from itertools.repeat(next(iter(self._loader)), len(self._loader))


@contextlib.contextmanager
def one_batch() -> Iterator[None]:
    """Let the trainer see one batch only, to compare with: what the loader costs is the difference."""
    original = SftTrainer.get_train_dataloader
    SftTrainer.get_train_dataloader = lambda self: OneBatch(original(self))
    try:
        yield
    finally:
        SftTrainer.get_train_dataloader = original


def profiled(call: Any) -> Any:
    """Run under the profiler, and print the kernels that take the time."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        result = call()
    print(profile.key_averages().table(sort_by="cuda_time_total", row_limit=28, max_name_column_width=70))
    return result


def main() -> None:
    """Run the rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names of rows, separated by ; (@one: each lever alone, @but: all but one)")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--budget", type=float, default=500, help="seconds after which no row is begun")
    parser.add_argument("--trace", default="", help="name of a row to profile")
    parser.add_argument("--inductor", default="", help="settings of torch._inductor.config to switch on, separated by commas")
    parser.add_argument("--shape", default="2b", choices=(*PUBLISHED, *OTHERS), help="of the published Qwen3-VL, or another")
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args()
    began, rows = time.perf_counter(), []
    work = Path(tempfile.mkdtemp(prefix="train_bench_"))
    build_model(work / "model", tiny=arguments.tiny, name=arguments.shape)
    write_data(work / "data", work / "model", records=512 if not arguments.tiny else 16, tiny=arguments.tiny)
    if torch.cuda.is_available():
        print(
            subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout.strip(), torch.__version__, flush=True
        )
    print(f"model and data in {time.perf_counter() - began:.0f} s", flush=True)
    for setting in arguments.inductor.split(",") if arguments.inductor else ():
        setattr(torch._inductor.config, setting, True)
    chosen = arguments.only.split(";") if arguments.only else USUAL_OF.get(arguments.shape, USUAL)
    for name in dict.fromkeys(row for entry in chosen for row in GROUPS.get(entry, [entry])):
        if time.perf_counter() - began > arguments.budget:
            print(f"{name}: not run, out of time", flush=True)
            continue
        try:
            rows.append(run_row(name, work, 4 if arguments.tiny else arguments.steps, tiny=arguments.tiny, trace=name == arguments.trace))
            print(json.dumps(rows[-1]), flush=True)
        except Exception:  # a row that fails is reported, and the next one runs
            traceback.print_exc(limit=-6)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    found = {row["row"]: row["samples_per_s"] for row in rows}
    for fast in found:
        plain = COMPARED.get(fast, "plain, checkpointing" if ROWS[fast].get("checkpointing") else "plain")
        if found.get(plain) and fast != plain:
            print(f"{fast} / {plain}: {found[fast] / found[plain]:.2f} x")
    if os.environ.get("OUT"):
        (Path(os.environ["OUT"]) / "train_h100.json").write_text(json.dumps(rows, indent=2))
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
