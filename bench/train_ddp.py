"""One GPU against two through `vltrain sft`: DDP's speed, and FSDP2's losses.

python bench/train_ddp.py [--steps 20]       # two GPUs of one host, about 4 minutes
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from train_h100 import build_model, write_data

TIMEOUT_S = 110
LAYERS = "Qwen3VLTextDecoderLayer,Qwen3VLVisionBlock"
FSDP = ["--use_fsdp", "--fsdp_version", "2", "--fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP",
        "--fsdp_transformer_layer_cls_to_wrap", LAYERS, "--fsdp_cpu_ram_efficient_loading", "false",
        "--fsdp_state_dict_type", "FULL_STATE_DICT", "--fsdp_reshard_after_forward", "true",
        "--mixed_precision", "no", "--dynamo_backend", "no", "--num_machines", "1"]  # fmt: skip


def run(name: str, launcher: list[str], work: Path, steps: int, batch: int, *, gpus: str, compiled: bool) -> dict[str, object]:
    """Run one way, and read its results and losses."""
    out = work / name.replace(" ", "_")
    recipe = work / f"{out.name}.yaml"
    recipe.write_text(
        f"model: {work / 'model'}\ndata: {work / 'data' / 'frames'}\noutput: {out}\ncutoff: 4096\nlearning_rate: 1e-4\nmax_steps: {steps}\n"
        f"log_steps: 1\nworkers: 12\ntensorboard: false\nplot: false\noverwrite: true\ncheckpointing: false\nbatch_size: {batch}\n"
        f"compile: {'true' if compiled else 'false'}\nprecision: bf16\n"
    )
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": gpus}
    log = work / f"{out.name}.log"
    with log.open("w") as file:
        command = [*launcher, "-m", "vltrain", "sft", str(recipe)]
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code = process.wait(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            code = -1
    if code:
        print(f"{name}: {'hung' if code == -1 else 'failed'}\n{log.read_text()[-3000:]}", flush=True)
        return {"name": name, "failed": code}
    results = json.loads((out / "all_results.json").read_text())
    losses = [json.loads(line)["loss"] for line in (out / "trainer_log.jsonl").read_text().splitlines()]
    row: dict[str, object] = {"name": name, "samples_per_s": round(results["steady_samples_per_second"], 2)}
    row |= {
        "wait": round(results["data_wait_share"], 4),
        "peak_gib": round(results["peak_memory_gib"], 1),
        "losses": [float(loss) for loss in losses],
    }
    return row


def main() -> None:
    """Run the ways and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--only", default="", help="names of ways, separated by ;")
    arguments = parser.parse_args()
    steps = arguments.steps
    work = Path(tempfile.mkdtemp(prefix="train_ddp_"))
    build_model(work / "model", tiny=False)
    write_data(work / "data", work / "model", records=1_024, tiny=False)
    one, two = [sys.executable], [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    fsdp = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "2", *FSDP]
    ways = (
        ("one GPU", one, steps, 8, "0", True),
        ("DDP on two", two, steps, 8, "0,1", True),
        ("FSDP2 on two", fsdp, 6, 4, "0,1", False),
        ("DDP on two, as FSDP2", two, 6, 4, "0,1", False),
    )
    rows = []
    for name, launcher, count, batch, gpus, compiled in ways:
        if arguments.only and name not in arguments.only.split(";"):
            continue
        rows.append(run(name, launcher, work, count, batch, gpus=gpus, compiled=compiled))
        print(json.dumps(rows[-1]), flush=True)
    if len(rows) > 1 and "samples_per_s" in rows[0] and "samples_per_s" in rows[1]:
        print(f"DDP on two / one: {float(str(rows[1]['samples_per_s'])) / float(str(rows[0]['samples_per_s'])):.2f} x")
    if os.environ.get("OUT"):
        (Path(os.environ["OUT"]) / "train_ddp.json").write_text(json.dumps(rows, indent=2))
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
