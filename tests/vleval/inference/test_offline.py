"""Engines in this process. The real ones are asked by `make servers`; here stand-ins look at what they are given."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from vldata.datasets.dataset import Dataset
from vldata.errors import UsageError
from vleval.inference.ask import Sampler, iter_asks
from vleval.inference.offline import takes_offline
from vleval.inference.options import RunOptions
from vleval.inference.run import predict

pytest.importorskip("transformers")


class FakeVllm(ModuleType):
    """Answers with the number of the prompt; refuses a whole batch for one word, as the real one does for one prompt too long."""

    def __init__(self, pad: int, refuse: list[int]) -> None:
        super().__init__("vllm")
        self.loaded: dict[str, Any] = {}
        self.params: dict[str, Any] = {}
        self.prompts: list[dict[str, Any]] = []
        outer = self

        class LLM:
            def __init__(self, **options: Any) -> None:
                outer.loaded = options

            def generate(self, prompts: list[dict[str, Any]], params: Any, *, use_tqdm: bool) -> list[Any]:
                for prompt in prompts:
                    if refuse and any(prompt["prompt_token_ids"][at : at + len(refuse)] == refuse for at in range(300)):
                        raise ValueError("The decoder prompt is longer than the maximum model length.\nmore")
                assert not use_tqdm
                outer.prompts += prompts
                texts = [f"{len(prompt['multi_modal_data']['image'])} pictures" for prompt in prompts]
                finish = [SimpleNamespace(text=text, finish_reason="stop", token_ids=[1, 2]) for text in texts]
                ids = [[0] * (len(prompt["prompt_token_ids"]) + 166) for prompt in prompts]
                return [SimpleNamespace(outputs=[one], prompt_token_ids=ids[n]) for n, one in enumerate(finish)]

        def make_params(**options: Any) -> None:
            outer.params = options

        self.__dict__.update(LLM=LLM, SamplingParams=make_params, pad=pad)


def install_vllm(monkeypatch: pytest.MonkeyPatch, tiny_model: Path, refuse: str = "", device: str = "cpu") -> FakeVllm:
    from vldata.models.prompt import Prompter

    prompter = Prompter(tiny_model)
    fake = FakeVllm(prompter.image_pad, prompter.token_ids(refuse))
    platforms = ModuleType("vllm.platforms")
    platforms.__dict__["current_platform"] = SimpleNamespace(is_cpu=lambda: True, device_type=device)
    monkeypatch.setitem(sys.modules, "vllm", fake)
    monkeypatch.setitem(sys.modules, "vllm.platforms", platforms)
    return fake


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_a_folder_without_an_address_is_for_this_process(tiny_model: Path) -> None:
    assert takes_offline(str(tiny_model), ())
    assert not takes_offline(str(tiny_model), ("http://127.0.0.1:8000",))  # a server is named
    assert not takes_offline("tuned", ())  # a name that a server lists


@pytest.mark.parametrize(("backend", "port"), [("vllm", 8000), ("lmdeploy", 23333)])
def test_a_missing_package_has_two_cures(
    backend: str, port: int, prepared: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, backend, None)
    with pytest.raises(UsageError) as caught:
        predict(Dataset(prepared / "openeqa"), tmp_path / "p.jsonl", RunOptions(backend=backend, model=str(tiny_model)))
    said = str(caught.value)
    assert f"--base-url http://127.0.0.1:{port}" in said and f"pip install {backend}" in said and "cannot be imported here" in said
    assert not (tmp_path / "p.jsonl").exists()


@pytest.mark.parametrize("backend", ["vllm", "lmdeploy"])
def test_an_engine_without_a_gpu_has_two_cures(
    backend: str, prepared: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("Torch not compiled with CUDA enabled")

    install_vllm(monkeypatch, tiny_model, device="")
    lmdeploy = ModuleType("lmdeploy")
    lmdeploy.__dict__.update(GenerationConfig=dict, PytorchEngineConfig=dict, pipeline=refuse)
    monkeypatch.setitem(sys.modules, "lmdeploy", lmdeploy)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    options = RunOptions(backend=backend, model=str(tiny_model))
    with pytest.raises(UsageError, match=f"the {backend} backend finds no GPU") as caught:
        predict(Dataset(prepared / "openeqa"), tmp_path / "p.jsonl", options)
    assert "--base-url http://HOST:" in caught.value.cure and "--backend hf" in caught.value.cure
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)  # then it is something else, and not hidden
    if backend == "lmdeploy":
        with pytest.raises(AssertionError, match="not compiled with CUDA"):
            predict(Dataset(prepared / "openeqa"), tmp_path / "p.jsonl", options)


def test_vllm_is_given_our_tokens_and_pictures(prepared: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = install_vllm(monkeypatch, tiny_model)
    out, dataset = tmp_path / "p.jsonl", Dataset(prepared / "openeqa")
    options = RunOptions(backend="vllm", model=str(tiny_model), sampler=Sampler(max_tokens=9, stop=("\n",), extra={"top_k": 1}))
    assert predict(dataset, out, options).answered == 6
    assert fake.loaded["dtype"] == "float32" and fake.loaded["limit_mm_per_prompt"] == {"image": 2, "video": 0}
    assert fake.loaded["mm_processor_kwargs"] == {"min_pixels": 65_536, "max_pixels": 384 * 224}
    assert fake.params == {"max_tokens": 9, "temperature": 0.0, "top_p": 1.0, "seed": 0, "stop": ["\n"], "top_k": 1}
    for prompt in fake.prompts:
        assert prompt["prompt_token_ids"].count(fake.__dict__["pad"]) == 2  # one a picture: vLLM expands them
        assert [picture.size for picture in prompt["multi_modal_data"]["image"]] == [(384, 224)] * 2
        assert len(prompt["prompt_token_ids"]) + 2 * 83 <= fake.loaded["max_model_len"]
    rows = rows_of(out)
    assert [row["id"] for row in rows] == [ask.id for ask in iter_asks(dataset)]
    assert {row["prediction"] for row in rows} == {"2 pictures"} and rows[0]["usage"]["completion_tokens"] == 2
    asked = len(fake.prompts)
    assert predict(dataset, out, options).taken_over == 6 and len(fake.prompts) == asked


def test_one_refused_question_is_one_error(prepared: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset(prepared / "openeqa")
    word = next(iter_asks(dataset)).question
    install_vllm(monkeypatch, tiny_model, refuse=word)
    result = predict(dataset, tmp_path / "p.jsonl", RunOptions(backend="vllm", model=str(tiny_model)))
    bad = [row for row in rows_of(tmp_path / "p.jsonl") if row["error"]]
    assert result.errors == len(bad) == sum(ask.question == word for ask in iter_asks(dataset)) < 6
    assert all(row["error"].startswith("The decoder prompt is longer than the maximum model length. (after") for row in bad)


def test_an_adapter_is_to_be_merged_first(prepared: Path, tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"takes no adapter in this process.\n  Merge it first: vltrain merge"):
        predict(Dataset(prepared / "openeqa"), tmp_path / "p.jsonl", RunOptions(backend="vllm", model=str(tiny_model), adapter="a"))


def test_lmdeploy_gets_what_its_server_gets(prepared: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def infer(messages: list[Any], *, gen_config: dict[str, Any]) -> list[Any]:
        given.extend(messages)
        assert gen_config["do_sample"] is False and gen_config["max_new_tokens"] == 256 and gen_config["random_seed"] == 0
        kinds = ["error", *["stop"] * (len(messages) - 1)]
        return [SimpleNamespace(text="a sofa", finish_reason=kind, input_token_len=190, generate_token_len=3) for kind in kinds]

    fake = ModuleType("lmdeploy")
    fake.__dict__.update(
        GenerationConfig=dict, PytorchEngineConfig=dict, pipeline=lambda model, backend_config: SimpleNamespace(infer=infer)
    )
    monkeypatch.setitem(sys.modules, "lmdeploy", fake)
    result = predict(Dataset(prepared / "openeqa"), tmp_path / "p.jsonl", RunOptions(backend="lmdeploy", model=str(tiny_model)))
    assert [part["type"] for part in given[0][0]["content"]] == ["image_url", "image_url", "text"]
    assert given[0][0]["content"][0]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    rows = rows_of(tmp_path / "p.jsonl")
    assert (result.answered, result.errors) == (5, 1)
    assert sum(row["prediction"] == "a sofa" for row in rows) == 5
    assert next(row["error"] for row in rows if row["error"]) == "the engine ends with 'error': a sofa (after 1 attempts)"


def test_the_engines_own_options_are_passed_on(prepared: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = install_vllm(monkeypatch, tiny_model)
    said: list[str] = []
    (tmp_path / "engine.yaml").write_text("tensor_parallel_size: 2\nmax_model_len: 9000\n")
    options = RunOptions(backend="vllm", model=str(tiny_model), engine_args=str(tmp_path / "engine.yaml"))
    predict(Dataset(prepared / "openeqa"), tmp_path / "p.jsonl", options, note=said.append)
    assert fake.loaded["tensor_parallel_size"] == 2 and fake.loaded["max_model_len"] == 9000
    assert any("max_model_len is 9000, where this dataset asks for" in note for note in said)
    document = json.loads((tmp_path / "p.jsonl.run.json").read_text())
    assert document["engine_args"] == {"tensor_parallel_size": 2, "max_model_len": 9000}
    other = RunOptions(backend="vllm", model=str(tiny_model), engine_args='{"enforce_eager": true}')
    assert predict(Dataset(prepared / "openeqa"), tmp_path / "p.jsonl", other).taken_over == 0  # another arithmetic is another run


def test_options_that_an_engine_does_not_take_are_named(
    prepared: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def config(*, dtype: str, session_len: int) -> None:
        pass

    lmdeploy = ModuleType("lmdeploy")
    lmdeploy.__dict__.update(GenerationConfig=dict, PytorchEngineConfig=config, pipeline=None)
    monkeypatch.setitem(sys.modules, "lmdeploy", lmdeploy)
    dataset, out = Dataset(prepared / "openeqa"), tmp_path / "p.jsonl"
    options = RunOptions(backend="lmdeploy", model=str(tiny_model), engine_args='{"tpp": 2}')
    with pytest.raises(UsageError, match=r"the lmdeploy engine does not take them: .*'tpp'"):
        predict(dataset, out, options)
    for text, words in (('{"a": 1', "--engine-args is "), ("[1]", "cannot be read"), ("/nonexistent.yaml", "cannot be read")):
        with pytest.raises(UsageError, match=words):
            predict(dataset, out, RunOptions(backend="lmdeploy", model=str(tiny_model), engine_args=text))
    with pytest.raises(UsageError, match="not for the hf backend"):
        predict(dataset, out, RunOptions(backend="hf", model=str(tiny_model), engine_args="{}"))
    with pytest.raises(UsageError, match="this backend asks a server"):
        predict(dataset, out, RunOptions(backend="vllm", model="tiny", base_url="http://127.0.0.1:9", engine_args="{}"))
    assert not out.exists()
