"""The rules of Ollama's parser, and that our Modelfiles keep them."""

from __future__ import annotations

import pytest

from tests.servers.modelfile_rules import modelfile_fault, read_modelfile
from vldata.models.families import FAMILIES
from vldata.models.serving import Limits, modelfile


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("FROM .\n", ""),
        ('# a comment\nFROM ./a b\nPARAMETER stop "<|im_end|>"\nMESSAGE user hello there\n', ""),
        ('FROM .\nTEMPLATE """two\nlines"""\n', ""),
        ("PARAMETER temperature 0\n", "no FROM line"),
        ("FROM .\nPARAMETR temperature 0\n", "no command"),
        ("FROM .\nPARAMETER num_ctx many\n", "no whole number"),
        ("FROM .\nPARAMETER numctx 1\n", "no parameter"),
        ("FROM .\nRENDERER qwen3-vl\n", "no renderer"),
        ('FROM .\nTEMPLATE """never ends\n', "a quote that never ends"),
        ("FROM .\nMESSAGE nobody hello\n", "no role"),
        ("FROM\n", "is no command with a value"),
    ],
)
def test_the_rules(text: str, fault: str) -> None:
    assert fault in modelfile_fault(text) and bool(fault) == bool(modelfile_fault(text))


def test_what_is_read() -> None:
    assert read_modelfile('FROM .\nPARAMETER stop "a b"\nMESSAGE user hi\n') == [("from", "."), ("stop", "a b"), ("message", "user: hi")]


@pytest.mark.parametrize("family", [family for family in FAMILIES.values() if "ollama" in family.serving.servers], ids=lambda f: f.name)
def test_our_modelfiles_keep_them(family: object) -> None:
    for limits in (Limits(prompt_tokens=80), Limits(prompt_tokens=4_650, pictures=8, answer_tokens=128)):
        assert modelfile_fault(modelfile(".", limits, family)) == ""  # type: ignore[arg-type]
        assert modelfile_fault("# said first\n" + modelfile("./a folder", limits, family)) == ""  # type: ignore[arg-type]
