#!/usr/bin/env bash
# Builds the venv in which our package and `datasets` live together: $1 is where, $2 the checkout.
set -euo pipefail
venv=$1
if [ -f "$venv/.ready" ]; then exit 0; fi
python3 -m venv "$venv"
"$venv/bin/pip" install -q -c constraints.txt -e "${2:-.}[hf]" webdataset
touch "$venv/.ready"
