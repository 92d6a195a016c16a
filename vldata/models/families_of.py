"""Which family a model folder is of, and its image arithmetic with the folder's own settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vldata.errors import VlkitError
from vldata.files import strictjson
from vldata.models.families import family_of
from vldata.models.families.family import Family, Images
from vldata.models.layout import model_file


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """A JSON file of a model folder as a table; empty where it is missing or no table."""
    try:
        table = strictjson.read_json(model_file(folder, name).checked()) if (folder / name).is_file() else {}
    except VlkitError:
        return {}
    return table if isinstance(table, dict) else {}


def model_type_of(folder: Path) -> str:
    """What config.json calls the model; "" where there is none."""
    found = read_json(folder, "config.json").get("model_type")
    return found if isinstance(found, str) else ""


def folder_family(folder: Path) -> Family | None:
    """The family of a model folder, or None where its model type is unknown."""
    return family_of(model_type_of(folder))


def image_settings(folder: Path) -> dict[str, Any]:
    """What the folder says of its image processor: preprocessor_config.json, and processor_config.json over it."""
    settings, whole = read_json(folder, "preprocessor_config.json"), read_json(folder, "processor_config.json")
    inner = whole.pop("image_processor", None)
    return {**settings, **(inner if isinstance(inner, dict) else {}), **whole}


def folder_images(folder: Path, family: Family) -> Images:
    """The family's arithmetic with the folder's settings: those count, whatever was published."""
    return family.images.configured(image_settings(folder))
