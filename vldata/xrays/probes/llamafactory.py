"""LLaMA-Factory: its loader, template and collator over rows, one dataset a row."""

from __future__ import annotations

import io
import json
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from vldata.xrays.probes import common


def make(job: common.Job) -> tuple[Any, tuple[str, ...]]:
    """Load tokenizer and template once; each row is then a dataset of its own."""
    common.without_gpu()
    import datasets
    from llamafactory.data import SFTDataCollatorWith4DAttentionMask, get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    datasets.disable_progress_bars()
    base = {
        "model_name_or_path": job.model,
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "output_dir": tempfile.mkdtemp(dir=job.out),
        "report_to": "none",
        "overwrite_cache": True,
        "media_dir": job.root,
        **job.settings,
        "trust_remote_code": False,
    }
    model = common.small_model(job.model)

    def look(row: dict[str, Any]) -> dict[str, Any]:
        folder = Path(row["file"]).parent
        name = f"row{row['row']}"
        entry = {**row["entry"], "file_name": Path(row["file"]).name}
        registry = folder / "dataset_info.json"
        registry.write_text(json.dumps({name: entry}), encoding="utf-8")
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            arguments = get_train_args({**base, "dataset": name, "dataset_dir": str(folder)})
            modules = load_tokenizer(arguments[0])
            template = get_template_and_fix_tokenizer(modules["tokenizer"], arguments[1])
            try:
                dataset = get_dataset(template, *arguments[:3], stage="sft", **modules)["train_dataset"]
            except RuntimeError as error:
                if "Cannot find valid samples" in str(error):
                    return {"stage": "dropped", "message": common.reason(error)}
                raise
        if not len(dataset):
            return {"stage": "dropped", "message": "no sample is left of the row"}
        sample = dict(dataset[0])
        seen: dict[str, Any] = {"stage": "", "message": "", "ids": sample["input_ids"], "labels": sample["labels"]}
        collator = SFTDataCollatorWith4DAttentionMask(template=template, model=model, label_pad_token_id=common.IGNORED, **modules)
        shown = bool(sample.get("images") or sample.get("videos"))  # for a row without, it puts an image of its own into the batch
        try:
            batch = collator([sample])
        except Exception as error:
            return {**seen, "stage": "collate", "message": common.reason(error)}
        ids = common.listed(batch["input_ids"])
        seen |= {"ids": ids, "labels": common.listed(batch["labels"])}
        if shown:
            seen["images"] = common.images_of(modules["processor"], batch, job.out, name)
        seen["positions"] = common.positions(None, batch)
        return seen

    return look, ("llamafactory", "transformers", "datasets", "torch", "pillow")


if __name__ == "__main__":
    raise SystemExit(common.run(make))
