"""A model folder or an adapter that cannot be loaded: our own sentence, whatever the libraries raise."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vldata.datasets.dataset import Dataset
from vldata.errors import DataError
from vleval.inference.hf import HfModel

torch = pytest.importorskip("torch", reason="the hf backend needs the train extra")
transformers = pytest.importorskip("transformers", reason="the hf backend needs the train extra")


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def lose_a_tensor(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors[max(tensors)]  # the first is tied to another
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def widen(folder: Path) -> None:
    text = json.loads((folder / "config.json").read_text())["text_config"]
    change(folder / "config.json", text_config={**text, "intermediate_size": 2 * text["intermediate_size"]})


MODELS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no weights": (lambda d: (d / "model.safetensors").unlink(), "the model folder lacks model.safetensors"),
    "no processor": (lambda d: (d / "preprocessor_config.json").unlink(), "the model folder lacks preprocessor_config.json"),
    "an empty config": (lambda d: (d / "config.json").write_text("{}"), "names no model_type"),
    "a broken config": (lambda d: (d / "config.json").write_text("{"), "not JSON"),
    "cut weights": (lambda d: (d / "model.safetensors").write_bytes((d / "model.safetensors").read_bytes()[:5_000]), "is damaged"),
    "an unknown type": (lambda d: change(d / "config.json", model_type="novel"), "it does not know the model type 'novel'"),
    "a type of text": (lambda d: change(d / "config.json", model_type="bert"), "of the type 'bert' does not take pictures"),
    "a list for a processor": (lambda d: (d / "preprocessor_config.json").write_text("[]"), "one of its JSON files is not as it should be"),
    "other shapes": (widen, "its weights have other shapes than its config.json says"),
    "a lost tensor": (lose_a_tensor, "the weights lack 1 tensor, model."),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_cannot_be_loaded_is_named_with_a_cure(name: str, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil, words = MODELS[name]
    spoil(copy)
    with pytest.raises(DataError) as caught:
        HfModel(str(copy), device="cpu")
    text = str(caught.value)
    assert "LOAD REPORT" not in capsys.readouterr().err
    assert words in text and caught.value.cure and "<class" not in text and text.splitlines()[0].endswith((".", ")."))


@pytest.mark.parametrize("command", ["predict", "parity", "serve-cmd"])
def test_commands_say_it_and_leave_nothing(command: str, copy: Path, prepared: Path, tmp_path: Path, vleval: Any) -> None:
    (copy / "config.json").write_text("{}")
    more = {
        "predict": ("--backend", "hf", "--model", copy, "--out", tmp_path / "p.jsonl"),
        "parity": ("--backends", f"hf@{copy},hf@{copy}"),
        "serve-cmd": ("--model", copy),
    }[command]
    ran = vleval(command, "--data", prepared / "openeqa", *more)
    assert ran.code == 1 and "config.json: names no model_type." in ran.err and not ran.out
    assert [path.name for path in tmp_path.iterdir()] == ["model"] and len(Dataset(prepared / "openeqa")) == 6


def test_an_absurd_room_for_answers_is_wrong_usage(prepared: Path, vleval: Any) -> None:
    ran = vleval("serve-cmd", "--data", prepared / "openeqa", "--model", "hub/model", "--answer-tokens", "9" * 20)
    assert ran.code == 2 and not ran.out


@pytest.fixture(scope="module")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from peft import LoraConfig, get_peft_model

    folder = tmp_path_factory.mktemp("adapter") / "lora"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft reads an alias that transformers gives up
        base = transformers.AutoModelForImageTextToText.from_pretrained(tiny_model)
        get_peft_model(base, LoraConfig(r=4, target_modules=["q_proj", "v_proj"])).save_pretrained(folder)
    return folder


ADAPTERS: dict[str, tuple[dict[str, Any], str]] = {
    "another rank": ({"r": 8}, r"8 of its tensors have another shape, the first \S+q_proj.lora_A.weight with \[4, 64\] for \[8, 64\]\."),
    "layers that are not there": ({"target_modules": ["elsewhere"]}, "Target modules {'elsewhere'} not found in the base model"),
    "weights that are not there": ({"target_modules": ["q_proj", "v_proj", "up_proj"]}, "it has no weights for some of the layers"),
    "weights left over": ({"target_modules": ["q_proj"]}, r"it has no place for 4 tensors, the first \S+v_proj.lora_A.weight\."),
    "no kind": ({"peft_type": None}, "adapter_config.json is not one that peft reads"),
}


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_that_does_not_fit_says_in_what(name: str, adapter: Path, tiny_model: Path, tmp_path: Path) -> None:
    changed, words = ADAPTERS[name]
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    change(folder / "adapter_config.json", **changed)
    with pytest.raises(DataError, match=f"does not fit this model: .*{words}") as caught:
        HfModel(str(tiny_model), adapter=str(folder), device="cpu")
    assert "Error" not in str(caught.value) and caught.value.cure == "Give the base it was trained on."


def test_loading_an_adapter_looks_nothing_up_and_says_nothing(adapter: Path, tiny_model: Path, tmp_path: Path, capsys: Any) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    change(folder / "adapter_config.json", base_model_name_or_path="nobody/no-such-model")  # warnings are errors here
    HfModel(str(tiny_model), adapter=str(folder), device="cpu")
    assert "no-such-model" not in "".join(capsys.readouterr())


def test_a_configuration_that_is_none_of_an_adapter_is_named(adapter: Path, tiny_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(DataError, match=r"adapter_config.json: names no peft_type"):
        HfModel(str(tiny_model), adapter=str(folder), device="cpu")
