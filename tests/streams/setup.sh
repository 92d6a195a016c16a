#!/usr/bin/env bash
# Builds the venv of `make streams`: $1 is the Python, $2 where. Without dependencies where they would bring gigabytes of CUDA.
set -euo pipefail
if [ ! -x "$2/bin/pip" ]; then "$1" -m venv "$2"; fi
"$2/bin/pip" install -q torch==2.13.0
"$2/bin/pip" install -q -c constraints.txt -e '.[remote,train,hf]' 'moto[server]>=5' 'aiobotocore[boto3]' pytest pytest-timeout
"$2/bin/pip" install -q --no-deps torchvision==0.29.2 mosaicml-streaming==0.13.0 litdata==0.2.76 megatron-energon==7.4.1 webdataset==1.0.2 \
  zstd brotli xxhash catalogue python-snappy cramjam paramiko oci azure-storage-blob lightning-utilities braceexpand multi-storage-client \
  xattr lark wcmatch bracex rapidyaml deprecated deprecation filetype
touch "$2/.made"
