"""Convert a tiny model to GGUF with llama.cpp's own converter: weights and vision tower, in fp32.

    PYTHON make_gguf.py SOURCE MODEL OUT [OPTION ...]     # SOURCE: llama.cpp's sources; writes OUT/model.gguf and OUT/mmproj-model.gguf

The converter knows a pre-tokenizer by the hash of what a tokenizer makes of a text. The tiny one splits as Qwen2's does but has a
vocabulary of its own, so it is named here. Runs in llama-server's venv.
"""

from __future__ import annotations

import sys
from pathlib import Path

source, model, out = (Path(argument).resolve() for argument in sys.argv[1:4])
sys.path.insert(0, str(source))

import convert_hf_to_gguf  # noqa: E402
from conversion import TextModel  # noqa: E402

TextModel.get_vocab_base_pre = lambda self, tokenizer: "qwen2"
out.mkdir(parents=True, exist_ok=True)
options = sys.argv[4:]  # for the language model
for name, more in (("model.gguf", options), ("mmproj-model.gguf", ["--mmproj"])):
    sys.argv = ["convert_hf_to_gguf.py", str(model), "--outtype", "f32", "--outfile", str(out / name), *more]
    convert_hf_to_gguf.main()
