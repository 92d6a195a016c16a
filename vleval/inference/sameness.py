"""What the dataset's contract declares, held against the model folder and the adapter's run: each difference by name, nothing loaded.

Only local folders are looked at. Of a server's own settings nothing is known here: `vleval ping` and `vleval parity` ask it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vldata.datasets.dataset import Dataset
from vldata.errors import VlkitError
from vldata.files import strictjson
from vldata.models.families import find_family
from vldata.models.families.native import Native
from vldata.models.families_of import folder_family, image_settings, read_json
from vldata.models.fingerprint import weights_digest
from vldata.models.layout import ADAPTER_CONFIG, INDEX, WEIGHTS, model_file, read_chat_template
from vldata.output.contract import Contract
from vldata.records.record import IMAGE_TAG, Record
from vleval.inference.preflight import Check

MANIFEST = "run_manifest.json"
_QUESTION = "{question}"


def find_differences(dataset: Dataset, *, model: str, adapter: str = "", backend: str = "") -> list[Check]:
    """Everything in which the dataset, the model folder and the adapter's training differ; empty when nothing does, or nothing is local.

    `backend` is what asks: of llama-server it is known that it splits some texts otherwise.
    """
    found = [*_prompt(dataset), *_in_parts(dataset, backend)]
    folder = Path(model)
    if (folder / "config.json").is_file():
        found += _processor(dataset, folder)
    if adapter and (Path(adapter) / ADAPTER_CONFIG).is_file():
        found += _adapter(dataset, folder, Path(adapter))
    return found


def _prompt(dataset: Dataset) -> Iterator[Check]:
    """Questions must be worded as the contract says: same words before and after."""
    settings = dataset.contract.settings
    prompt = settings.get("prompt")
    if not isinstance(prompt, str) or "wordings" in settings or dataset.contract.converter == "sharegpt":
        return
    before, question, after = prompt.replace("{images}", "").partition(_QUESTION)
    if "{" in before + after:  # further fields of the row: not to be undone
        return
    other = 0
    first = ""
    for record in dataset:
        asked = _asked(record)
        good = asked.startswith(before.strip()) and asked.endswith(after.strip()) if question else asked == prompt.strip()
        if not good:
            other += 1
            first = first or record.id
    if other:
        yield _differs(
            "questions are worded as the contract says",
            f"{other:,} of {len(dataset):,} questions are not worded as the contract says, {prompt!r}; the first is {first!r}",
        )


def _in_parts(dataset: Dataset, backend: str) -> Iterator[Check]:
    """Qwen's tokenizer puts characters together (NFC) before it splits a text; llama.cpp, with the same vocabulary, does not (b11434)."""
    if backend != "llama-server" or not dataset.contract.pixels.processor.startswith("qwen"):
        return
    parted = [record.id for record in dataset if not all(map(_whole, _given(record)))]
    if parted:
        what = f"{len(parted):,} of {len(dataset):,} questions hold characters in parts (they are not in NFC), the first {parted[0]!r}"
        yield _differs("texts are split as the tokenizer does", f"{what}: llama-server makes other tokens of them than the model learned")


def _given(record: Record) -> Iterator[str]:
    return (message.content for message in record.messages if message.role != "assistant")


def _whole(text: str) -> bool:
    return unicodedata.is_normalized("NFC", text)


def _asked(record: Record) -> str:
    users = [message.content for message in record.messages if message.role == "user"]
    return users[0].replace(IMAGE_TAG, "").strip() if users else ""


def _processor(dataset: Dataset, folder: Path) -> Iterator[Check]:
    """The model's image processor must leave every picture as it is."""
    declared = find_family(dataset.contract.pixels.processor)
    name = "the model's image processor is the contract's"
    config = image_settings(folder)
    if not config:
        yield Check(name, None, f"{folder} has no preprocessor_config.json")
        return
    own = folder_family(folder)
    if own is not None and type(own.images) is not type(declared.images):
        yield _differs(name, f"the model is of {own.title}, and the images were written for {declared.title}")
        return
    made_by = declared.images.configured(config)
    if not isinstance(declared.images, Native) or not isinstance(made_by, Native):
        if made_by != declared.images:
            yield _differs(
                name, f"the model's image processor is set otherwise than {declared.name}: tokens were counted with other values"
            )
        return
    yield from _on_grid(dataset, folder, declared.name, declared.images, made_by)


def _on_grid(dataset: Dataset, folder: Path, family: str, declared: Native, found: Native) -> Iterator[Check]:
    patch, merge = found.patch, found.merge
    if (patch, merge) != (declared.patch, declared.merge):
        what = f"the model's image processor makes patches of {patch} pixels merged by {merge}, and the contract's {family}"
        yield _differs("the model's image processor is the contract's", f"{what} has {declared.patch} and {declared.merge}")
        return
    vision = read_json(folder, "config.json").get("vision_config")
    tower = (vision.get("patch_size", patch), vision.get("spatial_merge_size", merge)) if isinstance(vision, dict) else (patch, merge)
    if tower != (patch, merge):
        yield _differs(
            "processor and vision tower agree",
            f"the image processor makes patches of {patch} pixels merged by {merge}, but the vision tower takes {tower[0]} and {tower[1]}",
        )
    total = resized = 0
    example = ""
    for line in dataset.media():
        total += 1
        size = line.width, line.height
        made = found.resize(*size)
        if made != size:
            resized += 1
            example = example or f"{size[0]}x{size[1]} becomes {made[0]}x{made[1]}"
    if resized:
        yield _differs(
            "pictures stay as they were written",
            f"the model's limits, {found.min_pixels:,} to {found.max_pixels:,} px, resize {resized:,} of {total:,} pictures: {example}",
        )


def _adapter(dataset: Dataset, model: Path, adapter: Path) -> Iterator[Check]:
    base, own = (_template(folder) for folder in (model, adapter))
    if base and own and base != own:
        yield _differs(
            "the adapter was trained with the model's chat template",
            f"the adapter was trained with another chat template than the model's: {adapter} holds it",
        )
    manifest = _read(adapter / MANIFEST)
    if not manifest:
        yield Check("the adapter's run is known", None, f"{adapter} has no {MANIFEST}")
        return
    noted = manifest.get("model") if isinstance(manifest.get("model"), dict) else {}
    if isinstance(noted, dict) and (model / "config.json").is_file() and not _is_base(noted, model):
        yield _differs(
            "the adapter's base is this model",
            f"the adapter was trained on {noted.get('path')!r}, which has other weights or another config.json than {str(model)!r}",
        )
    sets = manifest.get("data") if isinstance(manifest.get("data"), list) else []
    here = {file.sha256 for file in dataset.contract.files}
    for entry in sets if isinstance(sets, list) else []:
        target, files = (entry.get("target"), entry.get("files")) if isinstance(entry, dict) else (None, None)
        if isinstance(files, dict) and here & {str(digest) for digest in files.values()}:
            yield _differs(
                "the adapter has not seen these records",
                f"the adapter has seen these records: {dataset.name} is in its training data ({target})",
            )
        elif isinstance(target, str):
            yield from _training_contract(dataset.contract, target)


def _is_base(noted: dict[str, Any], model: Path) -> bool:
    """Whether a folder holds what a run noted of its base; what was not noted, or is not there, is no difference."""
    config = hashlib.sha256(model_file(model, "config.json").read()).hexdigest()
    if noted.get("config") and noted["config"] != config:
        return False
    weights = (model / WEIGHTS).is_file() or (model / INDEX).is_file()
    return not (weights and noted.get("weights")) or weights_digest(model) == noted["weights"]


def _training_contract(ours: Contract, target: str) -> Iterator[Check]:
    """The contract of a training set, where it still is on this disk."""
    name = f"as in training ({target})"
    try:
        theirs = Dataset(target).contract
    except VlkitError:
        yield Check(f"pixels and prompt are {name}", None, "its contract is not to be found from this folder")
        return
    pairs = {
        "processor": (ours.pixels.processor, theirs.pixels.processor),
        "min_pixels": (ours.pixels.min_pixels, theirs.pixels.min_pixels),
        "max_pixels": (ours.pixels.max_pixels, theirs.pixels.max_pixels),
        "coordinate space": (ours.coordinate_space, theirs.coordinate_space),
    }
    if ours.converter == theirs.converter:
        pairs["prompt"] = (str(ours.settings.get("prompt")), str(theirs.settings.get("prompt")))
    for what, (here, there) in pairs.items():
        if here != there:
            yield _differs(f"{what} is {name}", f"the {what} is {here!r} here, and was {there!r} in training ({target})")


def _template(folder: Path) -> str | None:
    return read_chat_template(folder) if folder.is_dir() else None


def _read(path: Path) -> dict[str, Any]:
    """A JSON object of a folder that others wrote; {} where there is none to read."""
    if not path.is_file():
        return {}
    value = strictjson.read_json(path)
    return value if isinstance(value, dict) else {}


def _differs(name: str, detail: str) -> Check:
    return Check(name, False, detail)
