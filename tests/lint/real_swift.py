"""Runs in ms-swift's own venv: every case of a folder through its loader, template, collator and one forward pass.

    python real_swift.py CASES MODEL OUT.json

The form of CASES and OUT.json is that of real_llamafactory.py. Rows that the template refuses are dropped by ms-swift's lazy dataset,
which takes another one in their place; they are told here as dropped.
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
os.environ["MODELSCOPE_CACHE"] = tempfile.mkdtemp()
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "consumers"))
import datasets
import torch
import torchvision_env  # noqa: F401  before swift: it makes the next imports possible
from swift.dataset import load_dataset
from swift.model import get_processor
from swift.template import get_template
from swift.template.templates.qwen import Qwen3VLTemplate
from transformers import AutoModelForImageTextToText

PADS = re.compile(r"(?:<\|(?:image|video)_pad\|>)+")


class Runner:
    """Holds what is the same for all cases."""

    def __init__(self, model: str) -> None:
        self.why = ""
        self.processor = get_processor(model, model_type="qwen3_vl")
        tokenizer = self.processor.tokenizer
        Qwen3VLTemplate.image_token_id = tokenizer.convert_tokens_to_ids("<|image_pad|>")
        Qwen3VLTemplate.video_token_id = tokenizer.convert_tokens_to_ids("<|video_pad|>")
        self.model = AutoModelForImageTextToText.from_pretrained(model)

    def run(self, case: Path) -> dict[str, Any]:
        """Return what became of one case."""
        spec = json.loads((case / "case.json").read_text())
        os.chdir(case)
        template = get_template(self.processor, max_length=spec.get("settings", {}).get("max_length"), template_type="qwen3_vl")
        template._get_model = lambda: self.model
        template.set_mode({"sft": "train", "rm": "rlhf", "kto": "kto"}[spec.get("stage", "sft")])
        try:
            dataset = load_dataset([spec.get("file", "data.jsonl")], load_from_cache_file=False)[0]
        except BaseException as error:
            return {"stage": "load", "message": reason(error), "rows": []}
        self.why = ""
        rows = [self.row(dict(row), template) for row in dataset]
        if len(rows) == 0 or all(row is None for row in rows):
            return {"stage": "load", "message": "DROP all rows", "rows": [], "why": self.why}
        return {"stage": "", "message": "", "rows": [row for row in rows if row is not None]}

    def row(self, row: dict[str, Any], template: Any) -> dict[str, Any] | None:
        """Say what became of one row; None where the template refuses it."""
        decode = self.processor.tokenizer.decode
        try:
            encoded = template.encode(row, return_length=True)
        except Exception as error:
            self.why = reason(error)
            return None
        prefix = "chosen_" if "chosen_input_ids" in encoded else ""
        ids, labels = encoded[f"{prefix}input_ids"], encoded[f"{prefix}labels"]
        said: dict[str, Any] = {
            "tokens": len(ids),
            "text": PADS.sub("<pads>", decode(ids)),
            "learned": decode([label for label in labels if label != -100]),
            "grids": [g.tolist() for k in ("image_grid_thw", "video_grid_thw") for g in encoded.get(f"{prefix}{k}", [])],
            "message": "",
        }
        if "rejected_labels" in encoded:
            said["rejected"] = decode([label for label in encoded["rejected_labels"] if label != -100])
        try:
            batch = template.data_collator([encoded])
            batch = {k: v for k, v in batch.items() if isinstance(v, torch.Tensor)}
            if "pixel_values" in batch:  # the colours of the first patch, top left
                said["first"] = [round(float(part.float().mean()), 2) for part in batch["pixel_values"][0].chunk(3)]
            if not prefix and template.mode == "train":
                with torch.no_grad():
                    self.model(**{k: v for k, v in batch.items() if k not in ("labels", "text_position_ids", "loss_scale", "channel")})
        except Exception as error:
            said["message"] = reason(error)
        return said


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
