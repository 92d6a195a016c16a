from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from vldata.datasets.dataset import Dataset
from vldata.datasets.limits import dataset_limits
from vldata.models.serving import Limits, launch_line, llama_line
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
    line = launch_line(server, "my models/it's", Limits(prompt_tokens=1_500, pictures=2), port=9_999)
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
