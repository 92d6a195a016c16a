"""Runs in TRL's own venv: every case of a folder through `load_dataset`, SFTTrainer, its collator and one forward pass.

    python real_trl.py CASES MODEL OUT.json

The form of CASES and OUT.json is that of real_llamafactory.py.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_DATASETS_CACHE", tempfile.mkdtemp())
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "consumers"))
import datasets
import torch
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer
from trl import SFTConfig, SFTTrainer
from trl_load import ImageOnlyProcessor

PADS = re.compile(r"(?:<\|(?:image|video)_pad\|>)+")
LOADERS = {".jsonl": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet", ".txt": "text"}


class Runner:
    """Holds what is the same for all cases."""

    def __init__(self, model: str) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        image = AutoImageProcessor.from_pretrained(model)
        self.processor = ImageOnlyProcessor(image, self.tokenizer, chat_template=self.tokenizer.chat_template)
        self.model = AutoModelForImageTextToText.from_pretrained(model)

    def run(self, case: Path) -> dict[str, Any]:
        """Return what became of one case."""
        spec = json.loads((case / "case.json").read_text())
        os.chdir(case)
        file = spec.get("file", "data.jsonl")
        try:
            dataset = datasets.load_dataset(LOADERS[Path(file).suffix], data_files=file, split="train", cache_dir=tempfile.mkdtemp())
            config = SFTConfig(
                output_dir=tempfile.mkdtemp(),
                report_to="none",
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
                **spec.get("settings", {}),
            )
            trainer = SFTTrainer(self.model, args=config, train_dataset=dataset, processing_class=self.processor)
            rows = trainer._remove_unused_columns(trainer.train_dataset, description="training")
        except BaseException as error:
            return {"stage": "load", "message": reason(error), "rows": []}
        found = [self.row(dict(rows[index]), trainer) for index in range(len(rows))]
        if not found:
            return {"stage": "load", "message": "DROP all rows", "rows": []}
        return {"stage": "", "message": "", "rows": found}

    def row(self, row: dict[str, Any], trainer: Any) -> dict[str, Any]:
        """Say what became of one row."""
        said: dict[str, Any] = {"tokens": 0, "text": "", "learned": "", "grids": [], "message": ""}
        try:
            batch = trainer.data_collator([row])
            ids, labels = batch["input_ids"][0].tolist(), batch["labels"][0].tolist()
            said |= {
                "tokens": len(ids),
                "text": PADS.sub("<pads>", self.tokenizer.decode(ids)),
                "learned": PADS.sub("", self.tokenizer.decode([label for label in labels if label != -100])),
                "grids": batch["image_grid_thw"].tolist() if "image_grid_thw" in batch else [],
            }
            if "pixel_values" in batch:  # the colours of the first patch, top left
                said["first"] = [round(float(part.float().mean()), 2) for part in batch["pixel_values"][0].chunk(3)]
            with torch.no_grad():
                self.model(**{k: v for k, v in batch.items() if isinstance(v, torch.Tensor) and k in KNOWN})
        except BaseException as error:
            said["message"] = reason(error)
        return said


KNOWN = ("input_ids", "attention_mask", "labels", "pixel_values", "image_grid_thw", "mm_token_type_ids")


def reason(error: BaseException) -> str:
    """The innermost message."""
    while error.__cause__ is not None and type(error.__cause__).__name__ != "RemoteTraceback":
        error = error.__cause__
    return f"{type(error).__name__}: {error}"[:300]


def main() -> int:
    cases, model, out = Path(sys.argv[1]).resolve(), str(Path(sys.argv[2]).resolve()), Path(sys.argv[3]).resolve()
    warnings.simplefilter("ignore")
    datasets.disable_progress_bars()
    logging.disable(logging.CRITICAL)
    runner = Runner(model)
    found = {}
    for case in sorted(path.parent for path in cases.glob("*/case.json")):
        found[case.name] = runner.run(case)
    out.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
