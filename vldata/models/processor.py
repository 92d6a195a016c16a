"""Loading any model's processor where torchvision is not installed.

transformers 5 falls back to a Pillow image processor by itself, but refuses a whole processor whose video part needs torchvision. Such a
part gets the image processor as its stand-in: it has the settings that a constructor reads, and no video ever comes to it.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.models.families_of import folder_family, model_type_of, read_json

_KEPT = ("image_processor", "tokenizer")


def load_processor(folder: Path, *, own_code: bool = False) -> Any:
    """Load the processor of a model folder; without torchvision it takes pictures only. `own_code`: code of the folder may run.

    Raises:
        DataError: its images need torchvision, which is not installed, or a package that it names; or it needs code of its own.
    """
    try:
        return _load(folder, own_code)
    except ValueError as error:
        if "custom code" not in str(error):
            raise
        cure = "Read that code, then allow it: trust_remote_code: true in a recipe, vleval predict --trust-remote-code."
        raise DataError("asks for code of its own (auto_map), which is not run.", where=str(folder), cure=cure) from None


def _load(folder: Path, own_code: bool) -> Any:
    from transformers import AutoProcessor
    from transformers.utils.import_utils import is_torchvision_available

    if is_torchvision_available():
        return AutoProcessor.from_pretrained(folder, trust_remote_code=own_code)
    found = _class_of(folder)
    if found is None:
        try:
            return AutoProcessor.from_pretrained(folder, trust_remote_code=own_code)
        except (ValueError, KeyError, OSError, ImportError) as error:
            if "custom code" in str(error):
                raise
            why = " ".join(str(error).split()).split(". ")[0][:200]
            raise DataError(f"transformers finds no processor: {why}.", where=str(folder), cure="pip install -U transformers") from None
    try:
        return _for_pictures(found).from_pretrained(folder, trust_remote_code=own_code)
    except (ImportError, ValueError) as error:
        if isinstance(error, ValueError) and "torchvision" not in str(error):
            raise
        what = "torchvision" if "torchvision" in str(error).lower() else " ".join(str(error).split())[:200]
        cure = "pip install torchvision, of the build that fits your torch" if what == "torchvision" else "Install it."
        raise DataError(
            f"the image processor of {model_type_of(folder) or 'the model'} needs {what}.", where=str(folder), cure=cure
        ) from None


def _class_of(folder: Path) -> Any:
    """The class that the folder names, else the family's; None where transformers knows neither."""
    files = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")
    named = [read_json(folder, name).get("processor_class") for name in files]
    family = folder_family(folder)
    wanted = (name for name in [*named, family.processor if family else None] if isinstance(name, str))
    return next((kind for kind in map(_find, wanted) if kind is not None), None)


def _find(name: str) -> Any:
    """A class of transformers, also one that it hides without torchvision.

    Such a class takes a function or two from the torchvision twin of its image processor, which the Pillow twin has too.
    """
    import transformers

    place = getattr(transformers, "_class_to_module", {}).get(name)
    if place is None:
        return None
    try:
        kind = getattr(transformers, name)
        if "_backends" not in vars(kind):
            return kind
    except ImportError:
        pass
    folder, _, file = f"transformers.{place.removeprefix('transformers.')}".rpartition(".")
    twin = f"{folder}.image_processing_{file.removeprefix('processing_')}"
    try:
        sys.modules.setdefault(twin, importlib.import_module(twin.replace("image_processing_", "image_processing_pil_")))
        return getattr(importlib.import_module(f"{folder}.{file}"), name)
    except ImportError:
        return None


def _for_pictures(kind: Any) -> Any:
    """The same class with its parts for video and sound stood in for."""
    absent = [part for part in kind.get_attributes() if part not in _KEPT]
    if not absent:
        return kind

    def check(self: Any, name: str, part: Any) -> Any:
        return type(part) if name in absent else kind.check_argument_for_proper_class(self, name, part)

    def load(cls: Any, folder: Any, *args: Any, **kwargs: Any) -> list[Any]:
        from transformers.models.auto.image_processing_auto import AutoImageProcessor  # transformers 5.17 hides it without torchvision
        from transformers.models.auto.tokenization_auto import AutoTokenizer

        kwargs.pop("_from_auto", None)
        images = AutoImageProcessor.from_pretrained(folder, **kwargs)
        return [AutoTokenizer.from_pretrained(folder, **kwargs) if "tokenizer" in part else images for part in kind.get_attributes()]

    own = {"check_argument_for_proper_class": check, "_get_arguments_from_pretrained": classmethod(load), "__doc__": kind.__doc__}
    return type(kind.__name__, (kind,), own)
