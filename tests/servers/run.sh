#!/usr/bin/env bash
# Asks real servers on 127.0.0.1, each in a venv of its own, with a tiny random model: $1 is the bin folder of our venv (train extra).
# Now: transformers serve. vLLM, llama-server and LMDeploy are read from recorded exchanges only.
set -euo pipefail
bin=$1
here=$(dirname "$0")
work=${SERVERS_WORK:-.work/servers}
venvs=${SERVERS_VENVS:-.venvs}
port=${SERVERS_PORT:-18123}
mkdir -p "$work/hub"
"$bin/python" vldata/models/tiny.py "$work/tiny" --mixing 50 >/dev/null 2>&1
rm -rf "$work/open-eqa" "$work/prepared" "$work"/*.jsonl*
"$bin/python" -m fixtures.openeqa "$work/open-eqa" >/dev/null
"$bin/vldata" convert openeqa "$work/open-eqa" --frames 2 --limit 8 --out "$work/prepared" >/dev/null 2>&1
data=$work/prepared/openeqa
"$bin/vleval" predict --data "$data" --backend hf --model "$work/tiny" --out "$work/hf.jsonl" --max-tokens 8

echo "== transformers serve 5.23.0"
bash "$here/setup_transformers_serve.sh" "$venvs/tfserve"
HF_HUB_OFFLINE=1 HF_HUB_CACHE="$work/hub" "$venvs/tfserve/bin/transformers" serve "$work/tiny" --host 127.0.0.1 --port "$port" --device cpu >"$work/tfserve.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
for _ in $(seq 60); do
  sleep 1
  "$bin/python" -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$port/health', timeout=1)" 2>/dev/null && break
done
"$bin/vleval" ping --data "$data" --base-url "http://127.0.0.1:$port" --model "$work/tiny" --strict
"$bin/vleval" predict --data "$data" --base-url "http://127.0.0.1:$port" --model "$work/tiny" --out "$work/tfserve.jsonl" --max-tokens 8
kill $server
"$bin/python" "$here/compare.py" "$work/hf.jsonl" "$work/tfserve.jsonl"
