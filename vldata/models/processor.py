"""Loading a model's processor where torchvision is not installed.

transformers 5 falls back to a Pillow image processor by itself, but refuses the whole Qwen3-VL processor, whose video part needs
torchvision. A processor reads its parts off its signature, so a subclass that does not name the video part is enough.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def load_processor(folder: Path) -> Any:
    """Load the processor of a Qwen3-VL folder; without torchvision it takes pictures only."""
    from transformers import AutoProcessor
    from transformers.utils.import_utils import is_torchvision_available

    if is_torchvision_available():
        return AutoProcessor.from_pretrained(folder)
    return _picture_processor().from_pretrained(folder)


def _picture_processor() -> Any:
    from transformers import Qwen3VLProcessor
    from transformers.processing_utils import ProcessorMixin

    class Qwen3VLPictureProcessor(Qwen3VLProcessor):
        """Qwen3-VL's processor without its video part."""

        def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None, **kwargs: Any) -> None:
            for part in ("image", "video"):
                token = f"<|{part}_pad|>"
                setattr(self, f"{part}_token", token)
                setattr(self, f"{part}_token_id", tokenizer.convert_tokens_to_ids(token))
            for part in ("vision_start", "vision_end"):
                setattr(self, f"{part}_token", f"<|{part}|>")
                setattr(self, f"{part}_token_id", tokenizer.convert_tokens_to_ids(f"<|{part}|>"))
            ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    return Qwen3VLPictureProcessor
