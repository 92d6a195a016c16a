from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from vldata.datasets.dataset import Dataset
from vldata.datasets.limits import dataset_limits
from vldata.models.flagcheck import check_flags
from vldata.models.serving import Exposure, Limits, launch_line, llama_line
from vleval.inference.ask import iter_asks

SERVERS = ("vllm", "lmdeploy", "ollama", "transformers", "llama-server")


@pytest.mark.parametrize("gpu", [[], ["t4"]])
@pytest.mark.parametrize("server", ["vllm", "lmdeploy", "ollama"])
def test_it_prints_the_line_that_vltrain_export_prints(
    server: str, gpu: list[str], prepared: Path, tiny_model: Path, vleval: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from vltrain.cli import main

    data = prepared / "openeqa"
    ours = vleval(
        "serve-cmd", "--data", data, "--model", tiny_model, "--backend", server, "--answer-tokens", 64, *(["--gpu", *gpu] if gpu else [])
    )
    call = ["vltrain", "export", tiny_model, "--to", server, "--data", data, "--answer-tokens", "64", *(["--t4"] if gpu else [])]
    monkeypatch.setattr(sys, "argv", [str(part) for part in call])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ours.code == 0 and not ended.value.code
    theirs = capsys.readouterr().out
    if server == "ollama":  # the Modelfile first, as export writes it
        assert (tiny_model / "Modelfile").read_text() in ours.out and ours.out.splitlines()[-1] == theirs.strip()
    else:
        assert ours.out == theirs


def test_limits_are_exact_with_a_tokenizer_and_from_above_without(prepared: Path, tiny_model: Path) -> None:
    dataset = Dataset(prepared / "openeqa")
    exact, _ = dataset_limits(dataset, str(tiny_model), answer_tokens=64)
    above, how = dataset_limits(dataset, "Qwen/Qwen3-VL-2B-Instruct", answer_tokens=64)
    assert (exact.pictures, exact.max_pixels) == (above.pictures, above.max_pixels) == (2, 384 * 224)
    longest = max(len(ask.question) for ask in iter_asks(dataset))
    assert 2 * 86 + 10 < exact.prompt_tokens < 2 * 86 + 20 + longest
    assert "contract" in how and 2 * 86 < above.prompt_tokens < 2 * 86 + 60


@pytest.mark.parametrize("server", SERVERS)
def test_every_server_has_a_line_a_shell_reads(server: Any) -> None:
    line = launch_line(server, "my models/it's", Limits(prompt_tokens=1_500, pictures=2), exposure=Exposure(port=9_999))
    words = shlex.split(line)
    assert any("it's" in word for word in words)
    assert server == "ollama" or "9999" in words
    assert "--max-model-len" not in words or "2048" in words


def test_llama_server_shares_its_context_among_slots() -> None:
    words = shlex.split(llama_line("merged", Limits(prompt_tokens=1_500, max_pixels=589_824)))
    assert words[words.index("-c") + 1] == "8192" and words[words.index("-np") + 1] == "4"
    assert words[words.index("--image-max-tokens") + 1] == "576" and words[words.index("--image-min-tokens") + 1] == "64"


def test_json_holds_the_line_and_its_limits(prepared: Path, vleval: Any) -> None:
    ran = vleval("serve-cmd", "--data", prepared / "openeqa", "--model", "hub/model", "--backend", "ollama", "--json")
    document = json.loads(ran.out)
    assert document["command"] == "cd hub/model && ollama create model -f Modelfile"
    assert (
        "PARAMETER num_ctx 4096" in document["modelfile"]
        and document["context"] == document["limits"]["prompt_tokens"] // 1024 * 1024 + 1024
    )


def test_a_server_is_for_this_machine_with_a_name_and_a_key(prepared: Path, vleval: Any) -> None:
    base = ("serve-cmd", "--data", prepared / "openeqa", "--model", "hub/Some-Model")
    for server, flags in (
        ("vllm", ("--served-model-name Some-Model", "--host 127.0.0.1", '--api-key "${VLEVAL_API_KEY:?')),
        ("lmdeploy", ("--model-name Some-Model", "--server-name 127.0.0.1", '--api-keys "${VLEVAL_API_KEY:?')),
        ("llama-server", ("--alias Some-Model", "--host 127.0.0.1", '--api-key "${VLEVAL_API_KEY:?')),
    ):
        ran = vleval(*base, "--backend", server)
        assert ran.code == 0 and all(flag in ran.out for flag in flags), ran.out
        assert "--model Some-Model" in ran.err and "curl http://127.0.0.1:" in ran.err
    ran = vleval(*base, "--name", "tuned", "--host", "0.0.0.0", "--no-key")
    assert "--served-model-name tuned --host 0.0.0.0" in ran.out and "api-key" not in ran.out
    assert "asks for no key" in ran.err
    assert vleval(*base, "--host", "a b").code == 2
    assert "ollama run some-model" in vleval(*base, "--backend", "ollama").err


def _adapter(folder: Path, tensor: str) -> Path:
    folder.mkdir()
    header = json.dumps({tensor: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "adapter_model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    (folder / "adapter_config.json").write_text(json.dumps({"r": 64, "peft_type": "LORA"}))
    return folder


def test_an_adapter_is_served_and_one_of_the_vision_side_is_warned_of(prepared: Path, tmp_path: Path, vleval: Any) -> None:
    base = ("serve-cmd", "--data", prepared / "openeqa", "--model", "hub/model")
    plain = _adapter(tmp_path / "tuned", "base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_A.weight")
    ran = vleval(*base, "--adapter", plain)
    assert f"--enable-lora --max-lora-rank 64 --lora-modules tuned={plain}" in ran.out and "--model tuned" in ran.err
    assert "vision side" not in ran.err
    seeing = _adapter(tmp_path / "seeing", "base_model.model.model.visual.blocks.0.attn.qkv.lora_A.weight")
    assert "changes the vision side (1 tensors)" in vleval(*base, "--adapter", seeing, "--backend", "lmdeploy").err
    refused = vleval(*base, "--adapter", plain, "--backend", "llama-server")
    assert refused.code == 2 and "Merge it first" in refused.err
    assert vleval(*base, "--adapter", tmp_path).code == 1


def test_four_bits_are_for_vllm_alone(prepared: Path, tiny_model: Path, vleval: Any) -> None:
    config = json.loads((tiny_model / "config.json").read_text())
    (tiny_model / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "bitsandbytes"}}))
    base = ("serve-cmd", "--data", prepared / "openeqa", "--model", tiny_model)
    assert "does not read bitsandbytes weights" in vleval(*base, "--backend", "lmdeploy").err
    (tiny_model / "config.json").write_text(json.dumps(config))


def test_flags_are_held_against_the_server_that_is_there(prepared: Path, tmp_path: Path, vleval: Any, monkeypatch: Any) -> None:
    fake = tmp_path / "bin" / "vllm"
    fake.parent.mkdir()
    line = launch_line("vllm", "m", Limits(prompt_tokens=10))
    flags = [word for word in line.split() if word.startswith("--")]
    fake.write_text("#!/bin/sh\necho '" + ", ".join(flags) + "'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/bin:/usr/bin")
    assert check_flags("vllm", line) == (True, f"All {len(flags)} flags are known to the vllm that is installed here.")
    fake.write_text("#!/bin/sh\necho '" + ", ".join(flags[1:]) + "'\n")
    good, said = check_flags("vllm", line)
    assert good is False and flags[0] in said
    ran = vleval("serve-cmd", "--data", prepared / "openeqa", "--model", "m", "--check")
    assert ran.code == 1 and "does not know --served-model-name" in ran.err
    assert check_flags("lmdeploy", "lmdeploy --x")[0] is None and check_flags("ollama", "x")[0] is None
