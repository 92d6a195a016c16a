"""ms-swift: its loader, template and collator over rows, one file a row."""

from __future__ import annotations

import os
from typing import Any

from vldata.xrays.probes import common

_TEMPLATES = {"qwen3_vl": "qwen3_vl", "qwen3_vl_moe": "qwen3_vl", "qwen2_5_vl": "qwen2_5_vl", "qwen2_vl": "qwen2_vl"}
_ENVIRONMENT = ("MAX_PIXELS", "MIN_PIXELS", "IMAGE_MAX_TOKEN_NUM", "VIDEO_MAX_TOKEN_NUM", "FPS", "FPS_MAX_FRAMES", "FPS_MIN_FRAMES")


def make(job: common.Job) -> tuple[Any, tuple[str, ...]]:
    """Load processor and template once; settings in capitals are ms-swift's environment variables."""
    settings = dict(job.settings)
    for key in [key for key in settings if key.isupper()]:
        os.environ[key] = str(settings.pop(key))
    common.without_gpu()
    import datasets
    from swift.dataset import load_dataset
    from swift.model import get_processor
    from swift.template import get_template
    from transformers import AutoConfig

    datasets.disable_progress_bars()
    kind = AutoConfig.from_pretrained(job.model, trust_remote_code=False).model_type
    name = str(settings.pop("model_type", _TEMPLATES.get(kind, kind)))
    processor = get_processor(job.model, model_type=name)
    template = get_template(processor, template_type=str(settings.pop("template", name)), **settings)
    said = []
    for key, token in (("image_token_id", "<|image_pad|>"), ("video_token_id", "<|video_pad|>")):
        number = processor.tokenizer.convert_tokens_to_ids(token)
        if isinstance(number, int) and getattr(template, key, number) != number:
            said.append(f"{token} is {number} in this tokenizer; the template writes {getattr(template, key)}, which was set right here.")
            setattr(template, key, number)
    model = common.small_model(job.model)
    template._get_model = lambda: model
    template.set_mode("train")
    job.settings["_said"] = said

    def look(row: dict[str, Any]) -> dict[str, Any]:
        rows = load_dataset([row["file"]], load_from_cache_file=False)[0]
        if not len(rows):
            return {"stage": "dropped", "message": "its loader leaves the row out"}
        try:
            encoded = template.encode(dict(rows[0]), return_length=True)
        except Exception as error:  # its dataset catches any error of a row and takes another row in its place
            return {"stage": "dropped", "message": common.reason(error)}
        seen: dict[str, Any] = {"stage": "", "message": "", "ids": list(encoded["input_ids"]), "labels": list(encoded["labels"])}
        try:
            batch = template.data_collator([encoded])
        except Exception as error:
            return {**seen, "stage": "collate", "message": common.reason(error)}
        seen["images"] = common.images_of(processor, batch, job.out, f"row{row['row']}")
        seen["positions"] = common.positions(None, batch)
        return seen

    return look, ("ms_swift", "transformers", "qwen_vl_utils", "datasets", "torch", "pillow")


if __name__ == "__main__":
    raise SystemExit(common.run(make))
