"""Runs in LLaMA-Factory's own venv: the training YAML of our export takes two steps, with a tiny model in place of the published one.

python llamafactory_parts.py EXPORT_DIR NAME MODEL OUT   # NAME.train.yaml says stage, template and dataset
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import torchvision_env  # noqa: F401  first: it makes the next imports possible
import yaml
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer
from llamafactory.train.tuner import run_exp

_COLUMNS = {"sft": "labels", "dpo": "rejected_labels", "kto": "kto_tags"}
_GPU_ALONE = ("bf16", "plot_loss", "warmup_ratio", "num_train_epochs")


def main() -> int:
    folder, name, model, out = sys.argv[1:5]
    settings = yaml.safe_load((Path(folder) / f"{name}.train.yaml").read_text())
    settings = {key: value for key, value in settings.items() if key not in _GPU_ALONE}
    settings |= {"model_name_or_path": model, "output_dir": out, "overwrite_output_dir": True, "max_steps": 2, "logging_steps": 1}
    settings |= {"report_to": "none", "overwrite_cache": True, "gradient_accumulation_steps": 1, "per_device_train_batch_size": 2}
    model_args, data_args, training_args, _, _ = get_train_args(dict(settings))
    tokenizer_module = load_tokenizer(model_args)
    template = get_template_and_fix_tokenizer(tokenizer_module["tokenizer"], data_args)
    stage = settings["stage"]
    data = get_dataset(template, model_args, data_args, training_args, stage={"dpo": "rm"}.get(stage, stage), **tokenizer_module)
    dataset = data["train_dataset"]
    assert _COLUMNS[stage] in dataset.column_names, dataset.column_names
    labels = next(iter(dataset))["chosen_labels" if stage == "dpo" else "labels"]
    learned = tokenizer_module["tokenizer"].decode([label for label in labels if label >= 0])
    print(json.dumps({"dataset": name, "stage": stage, "records": len(dataset), "learned": learned}))
    if stage == "kto":  # its KTO stage drops mm_token_type_ids, without which Qwen3-VL stops: what it loads is all there is to see
        assert set(dataset["kto_tags"]) == {True, False}
        return 0
    run_exp(dict(settings))
    logged = [json.loads(line) for line in (Path(out) / "trainer_log.jsonl").read_text().splitlines()]
    print(
        json.dumps(
            {"dataset": name, "stage": stage, "steps": logged[-1]["current_steps"], "loss": [r["loss"] for r in logged if "loss" in r]}
        )
    )
    return 0 if logged[-1]["current_steps"] == 2 else 1


if __name__ == "__main__":
    raise SystemExit(main())
