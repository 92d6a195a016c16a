"""TRL: `load_dataset`, SFTTrainer and its collator over rows, one file a row."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from vldata.xrays.probes import common
from vldata.xrays.probes.transformers import load_processor

_LOADERS = {".jsonl": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet", ".txt": "text"}


def make(job: common.Job) -> tuple[Any, tuple[str, ...]]:
    """Load processor and a small model once; each row has a trainer of its own."""
    common.without_gpu()
    import datasets
    from trl import SFTConfig, SFTTrainer

    datasets.disable_progress_bars()
    processor = load_processor(job.model)
    model = common.small_model(job.model, device="cpu")

    def look(row: dict[str, Any]) -> dict[str, Any]:
        file = row["file"]
        dataset = datasets.load_dataset(
            _LOADERS[Path(file).suffix], data_files=file, split="train", cache_dir=tempfile.mkdtemp(dir=job.out)
        )
        if row.get("cast"):
            dataset = dataset.cast_column("images", datasets.Sequence(datasets.Image()))
        config = SFTConfig(
            output_dir=tempfile.mkdtemp(dir=job.out),
            report_to="none",
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            **job.settings,
        )
        trainer = SFTTrainer(model, args=config, train_dataset=dataset, processing_class=processor)
        rows = trainer._remove_unused_columns(trainer.train_dataset, description="training")
        if not len(rows):
            return {"stage": "dropped", "message": "no sample is left of the row"}
        batch = dict(trainer.data_collator([rows[len(rows) - 1]]))
        return {
            "stage": "",
            "message": "",
            "ids": common.listed(batch["input_ids"]),
            "labels": common.listed(batch["labels"]),
            "images": common.images_of(processor, batch, job.out, f"row{row['row']}"),
            "positions": common.positions(model, batch),
        }

    return look, ("trl", "transformers", "datasets", "torch", "pillow")


if __name__ == "__main__":
    raise SystemExit(common.run(make))
