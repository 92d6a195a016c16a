#!/usr/bin/env bash
# Writes constraints.hashed.txt: every package of the development install at the version of constraints.txt, each of its files by digest.
# Needs uv and a registry. $1: the uv to use.
set -euo pipefail
cd "$(dirname "$0")/.."
{
  echo "# Every package that CI installs, each file by its digest. Made by 'make hashes' from pyproject.toml and constraints.txt."
  printf 'hatchling\neditables\nsetuptools\nwheel\n' | "${1:-uv}" pip compile pyproject.toml - \
    --extra dev --extra train --extra docs --extra qlora --constraint constraints.txt \
    --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet
} > constraints.hashed.txt.new
mv constraints.hashed.txt.new constraints.hashed.txt
