#!/usr/bin/env bash
# Builds the venv with the real ms-swift on a machine without a GPU: $1 is where.
set -euo pipefail
venv=$1
if [ -f "$venv/.ready" ]; then exit 0; fi
python3 -m venv "$venv"
"$venv/bin/pip" install -q torch==2.13.0
"$venv/bin/pip" install -q torch==2.13.0 ms-swift==4.6.0 transformers==5.19.0 qwen_vl_utils==0.0.14 decord==0.6.0 pillow
"$venv/bin/pip" install -q --no-deps torchvision==0.29.2
touch "$venv/.ready"
