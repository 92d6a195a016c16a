"""The tiny model with Qwen's whole vocabulary, which llama.cpp's converter knows by its hash: 10 M parameters, 40 MB.

    python -m tests.servers.whole_vocabulary SOURCE OUT     # SOURCE: llama.cpp's sources, which carry the vocabulary without a model

The converter knows a pre-tokenizer by the hash of what a tokenizer makes of a text, and refuses every other. The tiny tokenizer has a
vocabulary of its own; with this one the converter runs as it is, and its special tokens have the published numbers.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from vldata.models.tiny import SPECIAL_TOKENS, build_tiny_model, qwen_tokenizer

FILE = "models/ggml-vocab-qwen2.gguf"
FIRST_SPECIAL = 151_643


def read_vocabulary(source: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Read tokens and merges; the special tokens of Qwen3-VL, which the file calls padding but for three, take their published numbers."""
    sys.path.insert(0, str(source / "gguf-py"))
    import gguf

    fields: Any = gguf.GGUFReader(str(source / FILE)).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()[:FIRST_SPECIAL] + list(SPECIAL_TOKENS)
    merges = [tuple(merge.split(" ", 1)) for merge in fields["tokenizer.ggml.merges"].contents()]
    return {token: number for number, token in enumerate(tokens)}, merges


def build_whole_tokenizer(source: Path) -> Any:
    """Qwen2's tokenizer with the special tokens of Qwen3-VL."""
    tokenizer = qwen_tokenizer(*read_vocabulary(source))
    if tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)) != list(range(FIRST_SPECIAL, FIRST_SPECIAL + len(SPECIAL_TOKENS))):
        raise ValueError("the special tokens do not have the published numbers")
    return tokenizer


if __name__ == "__main__":
    build_tiny_model(Path(sys.argv[2]), embedding_std=0.15, mixing=10, head_dim=32, tokenizer=build_whole_tokenizer(Path(sys.argv[1])))
