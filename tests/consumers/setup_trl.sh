#!/usr/bin/env bash
# Builds the venv with the real TRL on a machine without a GPU: $1 is where.
set -euo pipefail
venv=$1
if [ -f "$venv/.ready" ]; then exit 0; fi
python3 -m venv "$venv"
"$venv/bin/pip" install -q torch==2.13.0
"$venv/bin/pip" install -q torch==2.13.0 trl==1.16.0 transformers==5.23.0 peft==0.21.2 datasets pillow
touch "$venv/.ready"
