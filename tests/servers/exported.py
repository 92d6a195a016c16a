"""`vltrain export --to gguf` with llama.cpp's converter as it is, and llama-server started by the line that it prints.

The model has Qwen's whole vocabulary, so that the converter knows its tokenizer by itself; the questions hold what pre-tokenizers cut
differently (digits, Chinese, emoji, line ends, control tokens as text).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.chain import ask
from tests.servers.compare import compare
from tests.servers.process import Commands, install, must_fail, running
from tests.servers.servers import HERE, Place

PORT = 6  # after the run's first
KEY = "a-key-of-this-run"
NAME = "gguf"
TEXTS = (
    "What is shown?",
    "How many? 3 33 333 3333, 1,234.50 or 1e-5?",
    "图里有什么？请用一句话回答，不要超过二十个字。",
    "Что на картинке? И сколько их?",
    "😀 or 👩‍👩‍👧, and a flag 🇨🇭?",
    "  two blanks in front,\ttab,\r\nwindows line,\n\n\nthree lines. ",
    "I'll say it's 'RE you sure? WE'VE don't",
    "x = a[i]+=1; // ====---====\n\tif (x) { return; }",
    "កាន់តែពិសេស नमस्ते مرحبا",
)
IN_PARTS = ("a\u0301 is not \u00e1, nor \u212b \u00c5",)  # Qwen's tokenizer puts the first together, llama.cpp's does not


def ask_exported(call: Commands, place: Place) -> str:
    """Make the model and the questions, convert, serve, and hold the server to `hf`; returns the verdict's words."""
    venv = place.venvs / "llama"
    install(HERE / "setup_llama_server.sh", venv, place.work / f"{NAME}.log")
    call.clear(place.work, "whole", "whole-gguf", "texts", "parts")
    model, data, parts = place.work / "whole", ask_texts(call, place.work, "texts", TEXTS), ask_texts(call, place.work, "parts", IN_PARTS)
    call(["python", "-m", "tests.servers.whole_vocabulary", str(venv / "source"), str(model)])
    export = ["-m", "vltrain", "export", str(model), "--to", "gguf", "--outtype", "f32", "--llama-cpp", str(venv / "source"), "--json"]
    paths = {"PYTHONPATH": os.pathsep.join((str(Path.cwd()), str(Path.cwd() / "train")))}
    told = json.loads(call.python(venv / "bin/python", [*export, "--data", str(data)], paths))
    if not told["made"] or not all(Path(file).is_file() for file in told["files"]):
        raise AssertionError(f"the two files are not there: {told}")
    ours = ask(call, data, place.work / "answers" / f"{NAME}-hf.jsonl", "--backend", "hf", "--model", str(model))
    os.environ["VLEVAL_API_KEY"] = KEY
    try:
        with started(told["command"], place) as url:
            at = ("--backend", "llama-server", "--base-url", url, "--model", model.name)
            call(["vleval", "ping", "--data", str(data), *at, "--strict"])
            compare_both = ["vleval", "parity", "--backends", f"hf@{model},llama-server@{model.name}={url}", "--max-tokens", "8"]
            call([*compare_both, "--data", str(data), "--limit", str(len(TEXTS))])
            must_fail(call, [*compare_both, "--data", str(parts)], "it is not in NFC")
            agreement = compare(ours, ask(call, data, place.work / "answers" / f"{NAME}.jsonl", *at))
    finally:
        del os.environ["VLEVAL_API_KEY"]
    if not agreement.whole:
        raise AssertionError(str(agreement))
    return f"converted and served as printed: {agreement}"


def ask_texts(call: Commands, work: Path, name: str, texts: tuple[str, ...]) -> Path:
    """Questions with a picture each; returns the dataset."""
    from PIL import Image

    source = work / name
    source.mkdir()
    Image.linear_gradient("L").resize((320, 256)).convert("RGB").save(source / "grey.png")
    rows = [{"id": str(number), "image": "grey.png", "question": text, "answer": "x"} for number, text in enumerate(texts)]
    (source / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    convert = ["vldata", "convert", "jsonl", str(source / "rows.jsonl"), "--image-root", str(source), "--name", name]
    call([*convert, "--out", str(source / "out")])
    return source / "out" / name


@contextmanager
def started(line: str, place: Place) -> Iterator[str]:
    """Run the printed line in a shell, as its reader does; only the port is another, in case that one is taken."""
    port = place.port + PORT
    if " --port 8080 " not in line:
        raise AssertionError(f"a line without its port: {line}")
    programs = {"PATH": f"{place.venvs / 'llama/build/bin'}{os.pathsep}{os.environ['PATH']}"}
    shell = ["bash", "-c", "exec " + line.replace(" --port 8080 ", f" --port {port} ")]
    with running(shell, f"http://127.0.0.1:{port}/health", place.work / f"{NAME}-server.log", programs):
        yield f"http://127.0.0.1:{port}"
