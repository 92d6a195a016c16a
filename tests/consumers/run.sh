#!/usr/bin/env bash
# Feeds our output to the real trainers: $1 is the bin folder of our venv; DATA=DIR/NAME takes another dataset than the fixture.
set -euo pipefail
bin=$1
here=$(dirname "$0")
work=${CONSUMERS_WORK:-.work/consumers}
mkdir -p "$work"
"$bin/python" vldata/models/tiny.py "$work/tiny" >/dev/null 2>&1
if [ -z "${DATA:-}" ]; then
  rm -rf "$work/open-eqa" "$work/prepared"
  "$bin/python" -m fixtures.openeqa "$work/open-eqa" >/dev/null
  "$bin/vldata" convert openeqa "$work/open-eqa" --frames 8 --out "$work/prepared"
  DATA=$work/prepared/openeqa
fi
dir=$(dirname "$DATA")
name=$(basename "$DATA")
"$bin/python" "$here/expected.py" "$dir" "$name" "$work/expected.json"

echo "== LLaMA-Factory 0.9.5: loads every record, counts its vision tokens, trains two steps"
bash "$here/setup_llamafactory.sh" "${CONSUMERS_VENVS:-.venvs}/llamafactory"
HF_HUB_OFFLINE=1 HF_DATASETS_CACHE="$work/hf" "${CONSUMERS_VENVS:-.venvs}/llamafactory/bin/python" "$here/llamafactory_load.py" \
  "$dir" "$name" "$work/tiny" "$work/expected.json" "$work/llamafactory" >"$work/llamafactory.log" 2>&1 || { tail -30 "$work/llamafactory.log"; exit 1; }
grep -a '^{"dataset"' "$work/llamafactory.log"
