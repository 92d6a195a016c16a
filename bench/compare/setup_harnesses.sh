#!/usr/bin/env bash
# Installs the harnesses whole, each in a venv of its own below $1: evalscope from the registry, VLMEvalKit and lmms-eval from their
# check-outs in $2. On a machine without a GPU; nine gigabytes. $3: only this one (evalscope, lmms-eval or vlmevalkit).
set -euo pipefail
venvs=$1
upstream=$2
here=$(cd "$(dirname "$0")" && pwd)

make_venv() {
  [ -x "$venvs/$1/bin/pip" ] || python3 -m venv "$venvs/$1"
  "$venvs/$1/bin/pip" install -q torch==2.13.0
}

# torchvision's CUDA build cannot be imported on a CPU build of torch without it
add_shim() {
  site=$("$venvs/$1/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
  cp "$here/../../tests/servers/torchvision_shim.py" "$site/"
  echo "import torchvision_shim" >"$site/torchvision_shim.pth"
}

for name in ${3:-evalscope lmms-eval vlmevalkit}; do
  [ -f "$venvs/$name/.ready" ] && continue
  make_venv "$name"
  case $name in
    evalscope) "$venvs/$name/bin/pip" install -q evalscope==1.14.1 torch==2.13.0 ;;
    lmms-eval)
      "$venvs/$name/bin/pip" install -q "$upstream/lmms-eval" torch==2.13.0
      # it reaches into filelock's module `_api`, which filelock 4 no longer has
      "$venvs/$name/bin/pip" install -q "filelock<3.20"
      add_shim "$name"
      ;;
    vlmevalkit)
      # it imports rouge_score, which its requirements do not name
      "$venvs/$name/bin/pip" install -q "$upstream/VLMEvalKit" rouge_score torch==2.13.0
      add_shim "$name"
      ;;
  esac
  touch "$venvs/$name/.ready"
done
