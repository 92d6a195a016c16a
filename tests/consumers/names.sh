#!/usr/bin/env bash
# Unpacks the wheels whose names our training files use, without installing or running anything: $1 is a Python with pip, $2 the folder.
set -euo pipefail
python=$1
folder=$2
if [ -f "$folder/.ready" ]; then exit 0; fi
mkdir -p "$folder/wheels"
"$python" -m pip download -q --no-deps -d "$folder/wheels" trl==1.16.0 peft==0.21.2 transformers==5.23.0 unsloth==2026.10.9 \
  unsloth_zoo==2026.10.9 axolotl==0.19.0 llamafactory==0.9.5 ms-swift==4.6.0
# LLaMA-Factory 0.9.5 takes no newer transformers than 5.6; setup_llamafactory.sh installs this one.
"$python" -m pip download -q --no-deps -d "$folder/wheels-llamafactory" transformers==5.5.4
"$python" -m zipfile -e "$folder"/wheels-llamafactory/*.whl "$folder/for-llamafactory"
for wheel in "$folder"/wheels/*.whl; do "$python" -m zipfile -e "$wheel" "$folder"; done
touch "$folder/.ready"
