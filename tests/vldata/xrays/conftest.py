from __future__ import annotations

import json
from pathlib import Path

import pytest

from vldata.models.tiny import CHAT_TEMPLATE, SPECIAL_TOKENS, train_bpe, write_processor_files
from vldata.xrays.text import Tokens


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder without weights: tokenizer, template, configuration."""
    pytest.importorskip("jinja2")
    folder = tmp_path_factory.mktemp("model")
    train_bpe(SPECIAL_TOKENS).save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen3_vl"}))
    write_processor_files(folder)
    return folder


@pytest.fixture(scope="session")
def tokens(model: Path) -> Tokens:
    return Tokens(model)
