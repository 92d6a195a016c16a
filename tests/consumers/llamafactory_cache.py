"""Runs in LLaMA-Factory's own venv: it writes its token cache (`tokenized_path`) from our dataset, and trains from it alone.

    python llamafactory_cache.py DATASET_DIR NAME MODEL OUT

Prints the losses of two steps without a cache, while it is written, and from it (with a dataset's name that does not exist): one and the
same; exit 1 where they differ.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import torchvision_env  # noqa: F401  first: it makes the next imports possible
from llamafactory.train.tuner import run_exp


def main() -> int:
    dataset_dir, name, model, out = sys.argv[1:5]
    cache = f"{out}/cache"
    losses = {}
    for run, more in {
        "plain": {"dataset": name},
        "writes": {"dataset": name, "tokenized_path": cache},
        "reads": {"dataset": "none_such", "tokenized_path": cache},
    }.items():
        where = Path(out) / run
        run_exp(
            {
                "model_name_or_path": model,
                "stage": "sft",
                "do_train": True,
                "finetuning_type": "lora",
                "template": "qwen3_vl_nothink",
                "dataset_dir": dataset_dir,
                "cutoff_len": 16_384,
                "output_dir": str(where),
                "overwrite_output_dir": True,
                "per_device_train_batch_size": 1,
                "max_steps": 2,
                "logging_steps": 1,
                "report_to": "none",
                **more,
            }
        )
        log = [json.loads(line) for line in (where / "trainer_log.jsonl").read_text().splitlines()]
        losses[run] = [row["loss"] for row in log if "loss" in row]
    print(json.dumps({"dataset": name, "token cache": cache, "losses": losses}))
    return 0 if losses["plain"] == losses["writes"] == losses["reads"] and len(losses["reads"]) == 2 else 1


if __name__ == "__main__":
    raise SystemExit(main())
