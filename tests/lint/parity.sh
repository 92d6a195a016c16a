#!/usr/bin/env bash
# Runs the corpora of `vldata lint` through the real trainers: $1 is the bin folder of our venv, further arguments are consumers (by default
# all that have one). WRITE=--write keeps the outcomes in golden/.
set -euo pipefail
bin=$1
shift
here=$(dirname "$0")
work=${CONSUMERS_WORK:-.work/consumers}
venvs=${CONSUMERS_VENVS:-.venvs}
mkdir -p "$work"
export HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false OMP_NUM_THREADS=1 PYTHONPATH=${PYTHONPATH:-.:train}
"$bin/python" vldata/models/tiny.py "$work/tiny" >/dev/null 2>&1
for consumer in ${*:-llamafactory swift trl}; do
  bash "$here/../consumers/setup_$consumer.sh" "$venvs/$consumer" >/dev/null
  "$bin/python" -m tests.lint.make "$consumer" "$work/lint-$consumer"
  PYTHONPATH= "$venvs/$consumer/bin/python" "$here/real_$consumer.py" "$work/lint-$consumer/cases" "$work/tiny" "$work/lint-$consumer.json" \
    >"$work/lint-$consumer.log" 2>&1 || { tail -30 "$work/lint-$consumer.log"; exit 1; }
  if [ -n "${FUZZ:-}" ]; then # so many rows changed at random, of SEED
    "$bin/python" -m tests.lint.fuzz "$consumer" "$work/fuzz-$consumer" --seed "${SEED:-1}" --count "$FUZZ"
    PYTHONPATH= "$venvs/$consumer/bin/python" "$here/real_$consumer.py" "$work/fuzz-$consumer/cases" "$work/tiny" "$work/fuzz-$consumer.json" \
      >"$work/fuzz-$consumer.log" 2>&1 || { tail -30 "$work/fuzz-$consumer.log"; exit 1; }
    "$bin/python" -m tests.lint.fuzz "$consumer" "$work/fuzz-$consumer" --seed "${SEED:-1}" --compare "$work/fuzz-$consumer.json"
  fi
  "$bin/python" -m tests.lint.parity "$consumer" "$work/lint-$consumer.json" ${WRITE:-}
done
