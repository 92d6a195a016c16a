"""Loading a model folder into this process: its type of number, and an adapter on it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vldata.errors import DataError, MissingExtraError, UsageError
from vldata.files import strictjson
from vldata.models.layout import ADAPTER_CONFIG, ADAPTER_WEIGHTS, is_quantized, read_adapter_config
from vleval.inference.retry import as_sentence

_OWN_CODE = "it asks for code of its own (auto_map), which is not run"


def choose_dtype(torch: Any, name: str, device: str) -> Any:
    """The type that a device computes in, for "auto", or the one that is named.

    Raises:
        UsageError: there is no such type.
    """
    if name == "auto":
        # torch says that older GPUs know bfloat16 too; they emulate it, many times slower.
        return torch.float32 if device == "cpu" else torch.bfloat16 if torch.cuda.get_device_capability()[0] >= 8 else torch.float16
    found = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}.get(name)
    if found is None:
        raise UsageError(f"no dtype {name!r}.", cure="There are: auto, float32, float16, bfloat16.")
    return found


def load_folder(folder: Path, dtype: Any, *, own_code: bool = False) -> tuple[Any, Any]:
    """Load the image processor and the model of a folder; code of its own runs only with `own_code`.

    Raises:
        DataError: transformers cannot; the message holds its reason.
    """
    from transformers import AutoImageProcessor, AutoModelForImageTextToText
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()  # it prints a table of what does not fit, and then raises something else
    try:
        images = AutoImageProcessor.from_pretrained(folder, trust_remote_code=own_code)
        loaded: Any = AutoModelForImageTextToText.from_pretrained(folder, dtype=dtype, output_loading_info=True, trust_remote_code=own_code)
    except MemoryError:
        raise
    except Exception as error:  # it raises whatever a step of its reading meets, of a dozen kinds
        reason = _why_not(folder, error)
        cure = "Download it again, whole; a model newer than transformers needs: pip install -U transformers"
        if reason == _OWN_CODE:
            cure = "Read that code, then allow it: --trust-remote-code"
        raise DataError(as_sentence(f"transformers cannot load this model: {reason}"), where=str(folder), cure=cure) from None
    finally:
        logging.set_verbosity(before)
    model, told = loaded
    if missing := sorted(told["missing_keys"]):  # it would go on with random numbers in their place
        raise DataError(f"the weights lack {_count(missing, 'tensor')}.", where=str(folder), cure="Download it again, whole.")
    if is_quantized(folder):
        use_one_type(model, dtype)
    return images, model


def use_one_type(model: Any, dtype: Any) -> None:
    """Make a model in four bits compute in one type: its quantised layers by their setting, everything else by its weights.

    transformers gives some parts the type that is asked for and leaves others in the one they were saved in; the first bias then meets an
    input of another type.
    """
    for module in model.modules():
        if hasattr(module, "compute_dtype"):
            module.compute_dtype = dtype
    for parameter in model.parameters():
        if parameter.is_floating_point() and not hasattr(parameter, "quant_state"):
            parameter.data = parameter.data.to(dtype)


def _why_not(folder: Path, error: Exception) -> str:
    """Why transformers does not load a folder: its first sentence, or ours where it speaks of itself."""
    text = _in_a_line(error)
    kind = strictjson.read_json(folder / "config.json").get("model_type")
    if "custom code" in text or "remote code" in text:
        return _OWN_CODE
    if "does not recognize this architecture" in text:
        return f"it does not know the model type {kind!r}"
    if "Unrecognized configuration class" in text:
        return f"a model of the type {kind!r} does not take pictures and text"
    if "ignore_mismatched_sizes" in text:
        return "its weights have other shapes than its config.json says"
    if isinstance(error, KeyError | AttributeError | TypeError | IndexError):
        return f"one of its JSON files is not as it should be ({text})"
    return text


def add_adapter(model: Any, adapter: str) -> Any:
    """Put an adapter on a model.

    Raises:
        MissingExtraError: peft is not installed.
        DataError: the folder holds no adapter, or one for another model.
    """
    try:
        from peft import PeftModel, get_peft_model_state_dict
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise MissingExtraError("an adapter", "train") from None
    if "peft_type" not in read_adapter_config(Path(adapter)):
        raise DataError("names no peft_type.", where=str(Path(adapter) / ADAPTER_CONFIG), cure="Give the output folder of a training run.")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)  # peft reads an old alias
            warnings.filterwarnings("error", message="Found missing adapter keys", category=UserWarning)  # parts would stay untrained
            tuned = PeftModel.from_pretrained(model, adapter)
        with safe_open(Path(adapter) / ADAPTER_WEIGHTS, "pt") as file:
            its = {name for name in set(file.keys()) if "lora_" in name}
        placed = {name for name in get_peft_model_state_dict(tuned, save_embedding_layers=False) if "lora_" in name}
    except UserWarning:
        raise _unfit(adapter, "it has no weights for some of the layers that it names") from None
    except (KeyError, TypeError, AttributeError):
        raise _unfit(adapter, "its adapter_config.json is not one that peft reads") from None
    except (RuntimeError, ValueError, OSError, SafetensorError) as error:
        raise _unfit(adapter, _shapes(str(error)) or _in_a_line(error)) from None
    if len(its) > len(placed):  # peft leaves the rest out without a word; it renames those of older versions
        raise _unfit(adapter, f"it has no place for {_count(sorted(its - placed), 'tensor')}")
    return tuned


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
    """The first sentence of an error, at most 200 characters."""
    return " ".join(str(error).split()).split(". ")[0][:200] or "it gives no reason"


def _count(names: Sequence[str], what: str) -> str:
    """How many there are, and the first of them."""
    return f"1 {what}, {names[0]}" if len(names) == 1 else f"{len(names):,} {what}s, the first {names[0]}"
