"""transformers alone: the model's processor and chat template over messages of content parts, labels by the template's own mask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vldata.xrays.probes import common


def load_processor(folder: str) -> Any:
    """The processor; without torchvision the one of Qwen-VL without its video half."""
    from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer, ProcessorMixin
    from transformers.utils.import_utils import is_torchvision_available

    if is_torchvision_available():
        return AutoProcessor.from_pretrained(folder, trust_remote_code=False)
    from transformers import Qwen3VLProcessor

    class ImageOnly(Qwen3VLProcessor):
        """Qwen3-VL's processor without its video half, which needs torchvision."""

        def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None, **kwargs: Any) -> None:
            for name in ("image_pad", "video_pad", "vision_start", "vision_end"):
                plain = name.removesuffix("_pad")
                setattr(self, f"{plain}_token", f"<|{name}|>")
                setattr(self, f"{plain}_token_id", tokenizer.convert_tokens_to_ids(f"<|{name}|>"))
            ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    return ImageOnly(AutoImageProcessor.from_pretrained(folder, trust_remote_code=False), tokenizer, chat_template=tokenizer.chat_template)


def make(job: common.Job) -> tuple[Any, tuple[str, ...]]:
    """Load the processor; settings are keyword arguments of it (`max_pixels`, `size`, `do_resize`)."""
    common.without_gpu()
    processor = load_processor(job.model)
    model = common.small_model(job.model)

    def look(row: dict[str, Any]) -> dict[str, Any]:
        from PIL import Image

        given = json.loads(Path(row["file"]).read_text(encoding="utf-8"))
        text = processor.apply_chat_template(given["messages"], tokenize=False)
        images = [Image.open(image) for image in given["images"]]
        batch = dict(processor(text=[text], images=images or None, return_tensors="pt", return_mm_token_type_ids=True, **job.settings))
        ids = common.listed(batch["input_ids"])
        return {
            "stage": "",
            "message": "",
            "ids": ids,
            "images": common.images_of(processor, batch, job.out, f"row{row['row']}"),
            "positions": common.positions(model, batch),
        }

    return look, ("transformers", "torch", "pillow")


if __name__ == "__main__":
    raise SystemExit(common.run(make))
