#!/usr/bin/env bash
# Builds wheel and sdist, has twine check both, installs the wheel in a fresh venv outside the checkout and uses it there: $1 is a Python with the dev extra.
set -euo pipefail
python=$(realpath -s "$1")
checkout=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m build --quiet --outdir "$work/dist" "$checkout"
python3 -m venv "$work/twine"  # its packages are none of ours
"$work/twine/bin/pip" install -q twine==7.0.0
"$work/twine/bin/twine" check --strict "$work"/dist/*
"$python" -m fixtures.openeqa "$work/open-eqa" >/dev/null
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q -c "$checkout/constraints.txt" "$work"/dist/*.whl
cd "$work"
venv/bin/vldata --help >/dev/null
venv/bin/vleval --help >/dev/null
venv/bin/vldata convert openeqa open-eqa --frames 4 --out prepared
venv/bin/vldata validate prepared
venv/bin/vldata schema record | grep -q '"title": "Record"'
venv/bin/python - <<'PY'
import vldata, vleval
from pathlib import Path

assert "site-packages" in str(Path(vldata.__file__)), vldata.__file__
assert "site-packages" in str(Path(vleval.__file__)), vleval.__file__
PY
echo "The wheel works outside the checkout."
