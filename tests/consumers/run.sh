#!/usr/bin/env bash
# Feeds our output and its exports to the real trainers: $1 is the bin folder of our venv; DATA=DIR/NAME takes another dataset than the
# fixture. Each trainer lives in a venv of its own below $CONSUMERS_VENVS, loads every record, compares the vision tokens with our
# count and trains two steps on a tiny model.
set -euo pipefail
bin=$1
here=$(dirname "$0")
work=${CONSUMERS_WORK:-.work/consumers}
venvs=${CONSUMERS_VENVS:-.venvs}
mkdir -p "$work"
export HF_HUB_OFFLINE=1 HF_DATASETS_CACHE="$work/hf"
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
for format in llamafactory alpaca swift trl; do
  rm -rf "$work/exports/$format"
  "$bin/vldata" export "$DATA" --to "$format" --out "$work/exports/$format" >/dev/null 2>&1
done

try() { # name, command ...: run quietly, show what it found, or the end of its log
  local log=$work/$1.log
  shift
  if ! "$@" >"$log" 2>&1; then
    tail -30 "$log"
    exit 1
  fi
  grep -a -E '^\{"(dataset|trl|swift)"' "$log"
}

echo "== LLaMA-Factory 0.9.5: the output itself, then both exports"
bash "$here/setup_llamafactory.sh" "$venvs/llamafactory"
factory=("$venvs/llamafactory/bin/python" "$here/llamafactory_load.py")
try llamafactory "${factory[@]}" "$dir" "$name" "$work/tiny" "$work/expected.json" "$work/out-llamafactory"
try llamafactory-export "${factory[@]}" "$work/exports/llamafactory" "$name" "$work/tiny" "$work/expected.json" "$work/out-llamafactory2"
try llamafactory-alpaca "${factory[@]}" "$work/exports/alpaca" "${name}_alpaca" "$work/tiny" "$work/expected.json" "$work/out-alpaca"

echo "== TRL 1.16.0"
bash "$here/setup_trl.sh" "$venvs/trl"
try trl "$venvs/trl/bin/python" "$here/trl_load.py" "$work/exports/trl/$name.trl.jsonl" "$work/tiny" "$work/expected.json" "$work/out-trl"

echo "== ms-swift 4.6.0"
bash "$here/setup_swift.sh" "$venvs/swift"
try swift "$venvs/swift/bin/python" "$here/swift_load.py" "$work/exports/swift/$name.swift.jsonl" "$work/tiny" "$work/expected.json" "$work/out-swift"
