#!/usr/bin/env bash
# Builds the venv with the real LLaMA-Factory on a machine without a GPU: $1 is where.
# llamafactory pins an older world than ours, so it lives apart. torchvision's wheel is a CUDA build whose Python part works once its
# operator schemas are declared (see torchvision_env.py); torchaudio is imported at load and stubbed there.
set -euo pipefail
venv=$1
if [ -f "$venv/.ready" ]; then exit 0; fi
python3 -m venv "$venv"
"$venv/bin/pip" install -q torch==2.13.0
"$venv/bin/pip" install -q --no-deps llamafactory==0.9.5
"$venv/bin/pip" install -q torch==2.13.0 transformers==5.5.4 datasets==4.0.0 accelerate==1.11.0 peft==0.18.1 trl==0.24.0 torchdata==0.11.0 av==16.0.0 \
  "tyro<0.9.0" pillow numpy scipy pandas einops sentencepiece tiktoken safetensors fire omegaconf packaging protobuf pyyaml pydantic modelscope \
  hf-transfer matplotlib
"$venv/bin/pip" install -q --no-deps torchvision==0.29.2
touch "$venv/.ready"
