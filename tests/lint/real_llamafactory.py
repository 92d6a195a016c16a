"""Runs in LLaMA-Factory's own venv: every case of a folder through its loader, template, collator and one forward pass.

    python real_llamafactory.py CASES MODEL OUT.json

CASES holds a folder a case, with `case.json` (see `tests/lint/cases.py`). OUT.json says for each row what LLaMA-Factory made of it:
whether it stopped, dropped the row or encoded it, and then the text, what of it is learned, and the grids of its images.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys
import tempfile
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_DATASETS_CACHE", tempfile.mkdtemp())
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "consumers"))
import datasets
import torch
import torchvision_env  # noqa: F401  before llamafactory: it makes the next imports possible
from llamafactory.data import SFTDataCollatorWith4DAttentionMask, get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer
from transformers import AutoModelForImageTextToText

PADS = re.compile(r"(?:<\|(?:image|video)_pad\|>)+")


class Runner:
    """Holds what is the same for all cases: the model, and a tokenizer and template a template's name."""

    def __init__(self, model: str) -> None:
        self.folder = model
        self.model = AutoModelForImageTextToText.from_pretrained(model)
        self.model.train()

    def run(self, case: Path) -> dict[str, Any]:
        """Return `{"stage": where it stopped, "message", "rows": [...]}` of one case."""
        spec = json.loads((case / "case.json").read_text())
        settings = {
            "model_name_or_path": self.folder,
            "stage": spec.get("stage", "sft"),
            "do_train": True,
            "finetuning_type": "lora",
            "template": "qwen3_vl_nothink",
            "dataset": spec.get("dataset", "data"),
            "dataset_dir": str(case),
            "output_dir": tempfile.mkdtemp(),
            "report_to": "none",
            "overwrite_cache": True,
            **spec.get("settings", {}),
        }
        if settings["stage"] == "rm":
            settings["stage"] = "dpo"
        stage = "arguments"
        try:
            model_args, data_args, training_args, _, _ = get_train_args(settings)
            modules = load_tokenizer(model_args)
            tokenizer = modules["tokenizer"]
            template = get_template_and_fix_tokenizer(tokenizer, data_args)
            stage = "load"
            with redirect_stdout(io.StringIO()):
                kind = {"dpo": "rm"}.get(settings["stage"], settings["stage"])
                dataset = get_dataset(template, model_args, data_args, training_args, stage=kind, **modules)["train_dataset"]
        except BaseException as error:
            return {"stage": stage, "message": reason(error), "rows": []}
        collator = SFTDataCollatorWith4DAttentionMask(
            template=template, model=self.model, pad_to_multiple_of=8, label_pad_token_id=-100, **modules
        )
        return {"stage": "", "message": "", "rows": [self.row(dict(row), collator, tokenizer) for row in dataset]}

    def row(self, row: dict[str, Any], collator: Any, tokenizer: Any) -> dict[str, Any]:
        """Say what became of one encoded row."""
        prefix = "chosen_" if "chosen_input_ids" in row else ""
        ids, labels = row[f"{prefix}input_ids"], row[f"{prefix}labels"]
        said: dict[str, Any] = {
            "tokens": len(ids),
            "text": PADS.sub("<pads>", tokenizer.decode(ids)),
            "learned": tokenizer.decode([label for label in labels if label != -100]),
            "grids": [],
            "message": "",
        }
        if prefix:
            said["rejected"] = tokenizer.decode([label for label in row["rejected_labels"] if label != -100])
        try:
            batch = collator(
                [
                    {
                        "input_ids": ids,
                        "labels": labels,
                        "attention_mask": [1] * len(ids),
                        **{k: row.get(k) for k in ("images", "videos", "audios")},
                    }
                ]
            )
            if row.get("images") or row.get("videos"):
                said["grids"] = [g.tolist() for key in ("image_grid_thw", "video_grid_thw") if key in batch for g in batch[key]]
            if "pixel_values" in batch:  # the colours of the first patch, top left
                said["first"] = [round(float(part.float().mean()), 2) for part in batch["pixel_values"][0].chunk(3)]
            with torch.no_grad():
                self.model(**{key: value for key, value in batch.items() if isinstance(value, torch.Tensor)})
        except BaseException as error:
            said["message"] = reason(error)
        return said


def reason(error: BaseException) -> str:
    """The innermost message: `datasets` wraps what it stumbled on."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}"[:300]


def apart(runner: Runner, case: Path) -> dict[str, Any]:
    """Run a case in a child: some files take the whole process with them (a bus error in Arrow)."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        with os.fdopen(write, "w") as pipe:
            json.dump(runner.run(case), pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    return json.loads(text) if text else {"stage": "load", "message": f"the process died (status {status})", "rows": []}


def main() -> int:
    cases, model, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    warnings.simplefilter("ignore")
    datasets.disable_progress_bars()
    logging.disable(logging.CRITICAL)
    runner = Runner(model)
    found = {}
    for number, case in enumerate(sorted(path.parent for path in cases.glob("*/case.json"))):
        found[case.name] = apart(runner, case)
        if number % 25 == 0:
            print(number, case.name, flush=True)
    out.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
