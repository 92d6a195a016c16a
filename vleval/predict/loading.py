"""Loading a model folder into this process: its type of number, and an adapter on it."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from vldata.errors import DataError, MissingExtraError, UsageError
from vldata.models.layout import read_adapter_config
from vleval.predict.retry import as_sentence


def choose_dtype(torch: Any, name: str, device: str) -> Any:
    """The type that a device computes in, for "auto", or the one that is named.

    Raises:
        UsageError: there is no such type.
    """
    if name == "auto":
        return torch.float32 if device == "cpu" else torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    found = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}.get(name)
    if found is None:
        raise UsageError(f"no dtype {name!r}.", cure="There are: auto, float32, float16, bfloat16.")
    return found


def load_folder(folder: Path, dtype: Any) -> tuple[Any, Any]:
    """Load the image processor and the model of a folder.

    Raises:
        DataError: transformers cannot; the message holds its reason.
    """
    from transformers import AutoImageProcessor, AutoModelForImageTextToText

    try:
        return AutoImageProcessor.from_pretrained(folder), AutoModelForImageTextToText.from_pretrained(folder, dtype=dtype)
    except MemoryError:
        raise
    except Exception as error:  # it raises whatever a step of its reading meets, of a dozen kinds
        raise DataError(
            f"transformers cannot load this model: {_in_a_line(error)}",
            where=str(folder),
            cure="Download it again, whole; a model newer than transformers needs: pip install -U transformers",
        ) from None


def add_adapter(model: Any, adapter: str) -> Any:
    """Put an adapter on a model.

    Raises:
        MissingExtraError: peft is not installed.
        DataError: the folder holds no adapter, or one for another model.
    """
    try:
        from peft import PeftModel
        from safetensors import SafetensorError
    except ImportError:
        raise MissingExtraError("an adapter", "train") from None
    read_adapter_config(Path(adapter))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)  # peft reads an old alias
            warnings.filterwarnings("error", message="Found missing adapter keys", category=UserWarning)  # parts would stay untrained
            return PeftModel.from_pretrained(model, adapter)
    except UserWarning:
        raise _unfit(adapter, "it has no weights for some of the layers that it names") from None
    except (RuntimeError, ValueError, TypeError, KeyError, OSError, SafetensorError) as error:
        raise _unfit(adapter, _shapes(str(error)) or _in_a_line(error)) from None


def _unfit(adapter: str, why: str) -> DataError:
    return DataError(as_sentence(f"does not fit this model: {why}"), where=adapter, cure="Give the base it was trained on.")


_SHAPE = re.compile(r"size mismatch for (\S+): .*?torch\.Size\(\[([\d, ]*)\]\) from checkpoint.*?torch\.Size\(\[([\d, ]*)\]\)")


def _shapes(text: str) -> str:
    """What torch says of tensors of other shapes, in a line; "" where it says nothing of them."""
    found = _SHAPE.findall(text)
    if not found:
        return ""
    name, its, ours = found[0]
    short = name.removeprefix("base_model.model.").replace(".default.", ".")
    return f"{len(found):,} of its tensors have another shape, the first {short} with [{its}] for [{ours}]"


def _in_a_line(error: BaseException) -> str:
    """The words of an error in one line, at most 300 characters, with a full stop."""
    return as_sentence(" ".join(str(error).split())[:300] or "it gives no reason")
