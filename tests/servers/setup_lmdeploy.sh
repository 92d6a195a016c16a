#!/usr/bin/env bash
# Builds a venv with LMDeploy's API server: $1 is where. Without a GPU only the server runs, not its engine: what the engine alone needs
# (CUDA libraries, kernels, Ray) is left out.
set -euo pipefail
venv=$1
here=$(cd "$(dirname "$0")" && pwd)
if [ -f "$venv/.ready" ]; then exit 0; fi
[ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
"$venv/bin/pip" install -q torch==2.13.0
"$venv/bin/pip" install -q --no-deps lmdeploy==0.18.0 torchvision==0.28.0 xgrammar==0.2.8 peft==0.14.0
"$venv/bin/pip" install -q torch==2.13.0 transformers==5.19.0 accelerate aiohttp cloudpickle einops fastapi fire mmengine-lite numpy "openai>=2.45" \
  openai_harmony partial_json_parser pillow prometheus_client protobuf psutil pybase64 "pydantic>2" python-multipart pyzmq safetensors \
  sentencepiece shortuuid tiktoken uvicorn apache-tvm-ffi
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
cp "$here/torchvision_shim.py" "$site/"
echo "import torchvision_shim" >"$site/torchvision_shim.pth"
"$venv/bin/python" "$here/torchvision_decode.py" "$site"
# What vleval itself needs, for `--backend lmdeploy` in this process; it is imported from the checkout.
"$venv/bin/pip" install -q msgspec jsonschema typer rich pyyaml
touch "$venv/.ready"
