#!/usr/bin/env bash
# Builds the venv of `transformers serve` on a machine without a GPU: $1 is where.
set -euo pipefail
venv=$1
here=$(cd "$(dirname "$0")" && pwd)
if [ -f "$venv/.ready" ]; then exit 0; fi
[ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
"$venv/bin/pip" install -q torch==2.13.0
"$venv/bin/pip" install -q "transformers[serving]==5.23.0" torch==2.13.0 pillow accelerate
"$venv/bin/pip" install -q --no-deps torchvision==0.29.2
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
cp "$here/torchvision_shim.py" "$site/"
echo "import torchvision_shim" >"$site/torchvision_shim.pth"
"$venv/bin/python" "$here/torchvision_decode.py" "$site"
touch "$venv/.ready"
