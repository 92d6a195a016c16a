"""Launch lines and the Modelfile, with limits from the data; and four bits."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest
from vltrain.handing_over import export, limits_of

from vldata.errors import DataError, UsageError
from vldata.models.serving import Limits, lmdeploy_line, modelfile, vllm_line

EIGHT = Limits(prompt_tokens=4_650, answer_tokens=128, pictures=8)


def test_the_context_holds_prompt_and_answer() -> None:
    assert EIGHT.context == 5_120
    assert Limits(prompt_tokens=1_000, answer_tokens=24).context == 1_024


def test_vllm() -> None:
    assert vllm_line("merged", EIGHT) == (
        "vllm serve merged --served-model-name merged --host 127.0.0.1 --port 8000 --dtype auto --max-model-len 5120 "
        '--limit-mm-per-prompt \'{"image": 8, "video": 0}\' --mm-processor-kwargs \'{"min_pixels": 65536, "max_pixels": 589824}\' '
        '--generation-config vllm --api-key "${VLEVAL_API_KEY:?set it to a secret first}"'
    )
    words = shlex.split(vllm_line("a b", EIGHT, t4=True))
    assert words[2] == "a b" and {"float16", "--enforce-eager", "--no-enable-prefix-caching"} <= set(words)


def test_lmdeploy() -> None:
    assert lmdeploy_line("merged", EIGHT, t4=True) == (
        "lmdeploy serve api_server merged --model-name merged --server-name 127.0.0.1 --server-port 23333 --backend pytorch "
        "--dtype float16 --session-len 5120 --max-batch-size 16 --cache-max-entry-count 0.5 --eager-mode "
        '--api-keys "${VLEVAL_API_KEY:?set it to a secret first}"'
    )


def test_the_modelfile_has_room_for_enlarged_pictures() -> None:
    lines = modelfile("./merged", EIGHT).splitlines()
    assert lines[:3] == ["FROM ./merged", "RENDERER qwen3-vl-instruct", "PARSER qwen3-vl-instruct"]
    assert "PARAMETER num_ctx 9216" in lines and not any(line.startswith("TEMPLATE") for line in lines)


def test_limits_come_from_the_data(tiny: Path, colours: str) -> None:
    limits = limits_of(tiny, [colours])
    assert (limits.prompt_tokens, limits.pictures, limits.max_pixels) == (83, 1, 65_536)
    with pytest.raises(UsageError, match="--data"):
        limits_of(tiny, [])


def test_ollama_gets_a_modelfile_and_a_plain_config(tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "Merged"))
    assert export(folder, "ollama", EIGHT).endswith("ollama create merged -f Modelfile")
    text = json.loads((folder / "config.json").read_text())["text_config"]
    assert text["rope_theta"] == 10_000.0 and text["rope_scaling"]["mrope_section"] == [4, 2, 2]
    from tests.vltrain.conftest import load

    assert load(folder).config.text_config.rope_parameters["rope_theta"] == 10_000.0
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": {"load_in_4bit": True}}))
    with pytest.raises(DataError, match="bitsandbytes"):
        export(folder, "ollama", EIGHT)
