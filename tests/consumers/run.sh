#!/usr/bin/env bash
# Feeds our output and each of its exports to the real trainers: $1 is the bin folder of our venv; DATA=DIR/NAME takes another dataset
# than the fixture, VIDEOS=DIR/NAME another one of kept videos. Each trainer lives in a venv of its own below $CONSUMERS_VENVS, loads
# every record, compares the vision tokens with our count and trains two steps on a tiny model. What no trainer reads (WebDataset) is
# read back by `datasets` and compared with the records, as are hf and parquet.
set -euo pipefail
bin=$1
here=$(dirname "$0")
work=${CONSUMERS_WORK:-.work/consumers}
venvs=${CONSUMERS_VENVS:-.venvs}
mkdir -p "$work"
work=$(cd "$work" && pwd)
export HF_HUB_OFFLINE=1 HF_DATASETS_CACHE="$work/hf" TOKENIZERS_PARALLELISM=false
"$bin/python" vldata/models/tiny.py "$work/tiny" >/dev/null 2>&1
if [ -z "${DATA:-}" ]; then
  rm -rf "$work/open-eqa" "$work/prepared"
  "$bin/python" -m fixtures.openeqa "$work/open-eqa" >/dev/null
  "$bin/vldata" convert openeqa "$work/open-eqa" --frames 8 --out "$work/prepared"
  DATA=$work/prepared/openeqa
fi
if [ -z "${VIDEOS:-}" ]; then
  rm -rf "$work/clips" "$work/kept"
  "$bin/python" -m fixtures.clips "$work/clips" >/dev/null
  "$bin/vldata" convert sharegpt "$work/clips/clips.jsonl" --videos keep --out "$work/kept"
  VIDEOS=$work/kept/clips
fi
dir=$(dirname "$DATA")
name=$(basename "$DATA")
"$bin/python" "$here/expected.py" "$dir" "$name" "$work/expected.json"
for format in llamafactory alpaca swift trl llava qwen internvl openai parquet; do
  rm -rf "$work/exports/$format"
  "$bin/vldata" export "$DATA" --to "$format" --out "$work/exports/$format" >/dev/null 2>&1
done

try() { # name, command ...: run quietly, show what it found, or the end of its log
  local log=$work/$1.log
  shift
  if ! "$@" >"$log" 2>&1; then
    grep -a -E '^\{"(dataset|trl|swift|hf)"' "$log" || true
    tail -30 "$log"
    exit 1
  fi
  grep -a -E '^\{"(dataset|trl|swift|hf)"' "$log"
}

echo "== datasets: to_hf, load_from_disk, parquet, webdataset, push_to_hub"
bash "$here/setup_hf.sh" "$venvs/hf" .
try hf "$venvs/hf/bin/python" "$here/hf_load.py" "$dir" "$name" "$work/exports/hf"

echo "== LLaMA-Factory 0.9.5: the output itself, then every export it can read"
bash "$here/setup_llamafactory.sh" "$venvs/llamafactory"
factory=("$venvs/llamafactory/bin/python" "$here/llamafactory_load.py")
try llamafactory "${factory[@]}" "$dir" "$name" "$work/tiny" "$work/expected.json" "$work/out-llamafactory"
try llamafactory-export "${factory[@]}" "$work/exports/llamafactory" "$name" "$work/tiny" "$work/expected.json" "$work/out-llamafactory2"
try llamafactory-alpaca "${factory[@]}" "$work/exports/alpaca" "${name}_alpaca" "$work/tiny" "$work/expected.json" "$work/out-alpaca"
rm -rf "$work/cache-llamafactory" "$work/cache-swift"
try llamafactory-cache "$venvs/llamafactory/bin/python" "$here/llamafactory_cache.py" "$dir" "$name" "$work/tiny" "$work/cache-llamafactory"
for format in llava qwen internvl parquet hf; do
  case $format in
    parquet) file=$work/exports/parquet/$name.parquet/part-00000.parquet ;;
    hf) file=$(ls "$work/exports/hf/$name.hf/"data-*.arrow) ;;
    *) file=$work/exports/$format/$name.$format.jsonl ;;
  esac
  "$bin/python" "$here/register.py" "$format" "$file" "$name"
  try "llamafactory-$format" "${factory[@]}" "$work/exports/$format" "$name" "$work/tiny" "$work/expected.json" "$work/out-$format"
done

echo "== LLaMA-Factory 0.9.5: kept videos"
video_dir=$(dirname "$VIDEOS")
video_name=$(basename "$VIDEOS")
"$bin/vldata" filter "$VIDEOS" --where 'videos<=1' --as "${video_name}_single" --overwrite >/dev/null 2>&1  # it miscounts several
video_name=${video_name}_single
"$bin/python" "$here/expected.py" "$video_dir" "$video_name" "$work/expected-videos.json" llamafactory
try llamafactory-videos "${factory[@]}" "$video_dir" "$video_name" "$work/tiny" "$work/expected-videos.json" "$work/out-videos"

echo "== TRL 1.16.0"
bash "$here/setup_trl.sh" "$venvs/trl"
"$bin/python" "$here/expected.py" "$dir" "$name" "$work/expected-trl.json" trl
try trl "$venvs/trl/bin/python" "$here/trl_load.py" "$work/exports/trl/$name.trl.jsonl" "$work/tiny" "$work/expected-trl.json" "$work/out-trl"

echo "== TRL 1.16.0: the script beside the export, on the train side of a split"
rm -rf "$work/sides" "$work/out-trl-script"
mkdir -p "$work/sides"
cp -r "$dir/." "$work/sides"
"$bin/vldata" split "$work/sides/$name" --test 2 --val 2 --group-by none >/dev/null 2>&1
"$bin/vldata" export "$work/sides/${name}_train" --to trl --images copy --out "$work/exports/trl-side" >/dev/null 2>&1
try trl-script "$venvs/trl/bin/python" "$here/trl_script.py" "$work/exports/trl-side/${name}_train.trl.py" "$work/tiny" "$work/out-trl-script"

echo "== Optional parts: TRL's DPO, KTO and GRPO; LLaMA-Factory's DPO, KTO, thoughts and masked turns"
rm -rf "$work/parts" "$work/parts-prepared" "$work/parts-exports"
"$bin/python" -m fixtures.parts "$work/parts" >/dev/null
for kind in pairs kto grpo thoughts losses; do
  "$bin/vldata" convert sharegpt "$work/parts/$kind.jsonl" --out "$work/parts-prepared" >/dev/null 2>&1
  "$bin/vldata" export "$work/parts-prepared/$kind" --to trl --out "$work/parts-exports/trl" >/dev/null 2>&1
  "$bin/vldata" export "$work/parts-prepared/$kind" --to swift --out "$work/parts-exports/swift" >/dev/null 2>&1
  [ "$kind" = grpo ] || "$bin/vldata" export "$work/parts-prepared/$kind" --to llamafactory --out "$work/parts-exports/llamafactory" >/dev/null 2>&1
done
for pair in dpo:pairs kto:kto grpo:grpo; do
  kind=${pair#*:}
  try "trl-${pair%:*}" "$venvs/trl/bin/python" "$here/trl_parts.py" "${pair%:*}" "$work/parts-exports/trl/$kind.trl.jsonl" "$work/tiny" "$work/out-trl-$kind"
done
for kind in pairs kto thoughts losses; do
  try "llamafactory-$kind" "$venvs/llamafactory/bin/python" "$here/llamafactory_parts.py" "$work/parts-exports/llamafactory" "$kind" "$work/tiny" "$work/out-lf-$kind"
done

echo "== ms-swift 4.6.0: its own format, and OpenAI's parts"
bash "$here/setup_swift.sh" "$venvs/swift"
try swift-cache "$venvs/swift/bin/python" "$here/swift_cache.py" "$work/exports/swift/$name.swift.jsonl" "$work/tiny" "$work/cache-swift"
for format in swift openai; do
  file=$work/exports/$format/$name.$format.jsonl
  try "swift-$format" "$venvs/swift/bin/python" "$here/swift_load.py" "$file" "$work/tiny" "$work/expected.json" "$work/out-swift-$format"
done

echo "== ms-swift 4.6.0: optional parts"
for kind in pairs kto grpo thoughts losses; do
  try "swift-$kind" "$venvs/swift/bin/python" "$here/swift_parts.py" "$kind" "$work/parts-exports/swift/$kind.swift.jsonl" "$work/tiny" "$work/out-swift-$kind"
done

echo "== Names and keys of every training file, in the consumers' own sources (Unsloth and Axolotl too)"
for format in unsloth axolotl llamafactory swift trl; do
  "$bin/vldata" export "$work/sides/${name}_train" --to "$format" --out "$work/exports/names/$format" >/dev/null 2>&1
done
bash "$here/names.sh" "$bin/python" "$venvs/names"
"$bin/python" -m tests.consumers.names "$venvs/names" "$work/exports/names"
"$bin/python" -m tests.consumers.names "$venvs/names" "$work/parts-exports" --fewer

echo "== ms-swift 4.6.0: kept videos"
video_name=$(basename "$VIDEOS")
rm -rf "$work/exports/swift-videos"
"$bin/vldata" export "$VIDEOS" --to swift --out "$work/exports/swift-videos" >/dev/null 2>&1
"$bin/python" "$here/expected.py" "$video_dir" "$video_name" "$work/expected-videos.json" swift
file=$work/exports/swift-videos/$video_name.swift.jsonl
try swift-videos "$venvs/swift/bin/python" "$here/swift_load.py" "$file" "$work/tiny" "$work/expected-videos.json" "$work/out-swift-videos"
