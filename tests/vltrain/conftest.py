from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("peft")

import torch
from vltrain.data import Example
from vltrain.features import Featurizer, Sample

from fixtures.colours import convert_colours
from vldata.models.tiny import build_tiny_model
from vldata.records.record import Message, Record

torch.set_num_threads(1)
SIZES = ((256, 256), (320, 256), (512, 160))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model whose embeddings are wide enough that a frozen head can be sure of itself."""
    return build_tiny_model(tmp_path_factory.mktemp("model") / "tiny", seed=0, embedding_std=0.15)


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> str:
    return convert_colours(tmp_path_factory.mktemp("colours") / "prepared", count=16)


@pytest.fixture(scope="session")
def samples(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return draw_samples(tiny, tmp_path_factory.mktemp("pictures"))


def draw_samples(model: Path, folder: Path) -> list[Sample]:
    """Four samples that differ in pictures, their sizes, turns and length; one has no picture."""
    rng = np.random.default_rng(0)
    for number, (width, height) in enumerate(SIZES):
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    featurizer = Featurizer(model)
    return [featurizer.make(example) for example in examples(folder)]


def examples(folder: Path) -> list[Example]:
    plans: list[tuple[tuple[int, ...], int]] = [((0,), 1), ((1, 2, 0), 2), ((), 1), ((2,), 3)]
    found = []
    for number, (pictures, rounds) in enumerate(plans):
        messages = []
        for turn in range(rounds):
            tags = "<image>" * len(pictures) if turn == 0 else ""
            messages.append(Message("user", f"{tags}Question {number} of turn {turn}, {'very ' * number}long?"))
            messages.append(Message("assistant", f"Answer {random.Random(number * 7 + turn).randrange(1000)} it is."))
        record = Record(id=f"r{number}", messages=tuple(messages), images=tuple(f"{p}.png" for p in pictures), references=(), meta={})
        found.append(Example(record, folder, tuple(SIZES[picture] for picture in pictures)))
    return found


def load(folder: Path, **options: Any) -> Any:
    from transformers import AutoModelForImageTextToText

    return AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, **options)


# Of other packages, about each other.
FOREIGN = ("ignore:.*is_gradient_checkpointing:FutureWarning", "ignore::DeprecationWarning:torch.*", "ignore:.*pin_memory.*:UserWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in FOREIGN:
                item.add_marker(pytest.mark.filterwarnings(warning))
