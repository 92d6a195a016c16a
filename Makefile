# `make demo` and `make test` set themselves up on a bare machine with Python 3.11 or newer and pip.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= demo

.PHONY: demo test lint mutants wheel-test consumers lint-parity servers faults hostile fuzz parity clean test-train test-gpu test-web
.PHONY: hashes audit parity-families families gap xray tutorials rows modelfile docs remote ray scale oracles extras streams

# LOCKED=1 installs what constraints.hashed.txt names and nothing else, each file held to its digest, as CI does; `make hashes` writes it.
LOCKED ?=
INSTALL = $(BIN)/pip install -q -c constraints.txt
$(VENV)/.core: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vlkit needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(if $(LOCKED),$(BIN)/pip install -q --require-hashes --no-deps -r constraints.hashed.txt,$(INSTALL) -e .)
	$(if $(LOCKED),$(BIN)/pip install -q --no-deps --no-build-isolation -e .)
	touch $@

$(VENV)/.dev: $(VENV)/.core
	$(if $(LOCKED),,$(INSTALL) torch==2.13.0)
	$(if $(LOCKED),,$(INSTALL) -e '.[dev,train]')
	touch $@

# Writes constraints.hashed.txt. Needs uv and a registry.
hashes:
	bash tools/make_hashes.sh $(UV)

# Looks the pinned packages up in the public lists of vulnerabilities, over the network; a package that cannot be looked up is a failure too.
audit:
	test -x .venvs/audit/bin/pip-audit || { $(PYTHON) -m venv .venvs/audit && .venvs/audit/bin/pip install -q pip-audit; }
	.venvs/audit/bin/pip-audit --strict --require-hashes --disable-pip -r constraints.hashed.txt

# Draws a small Open-EQA download, converts, validates and splits it; scores, compares and reports made-up answers to it.
demo: $(VENV)/.core
	rm -rf $(DEMO)
	$(BIN)/python -m fixtures.openeqa $(DEMO)/open-eqa
	$(BIN)/vldata convert openeqa $(DEMO)/open-eqa --frames 8 --out $(DEMO)/prepared
	$(BIN)/vldata validate $(DEMO)/prepared
	$(BIN)/vldata split $(DEMO)/prepared/openeqa --test 4 --val 4 --group-by scene
	$(BIN)/vldata certify $(DEMO)/prepared/openeqa
	$(BIN)/vldata preview $(DEMO)/prepared/openeqa --out $(DEMO)/preview.html
	$(BIN)/python -m fixtures.predictions $(DEMO)/answers --answer $(DEMO)/prepared/openeqa.jsonl
	$(BIN)/vleval score $(DEMO)/answers/base.jsonl --data $(DEMO)/prepared/openeqa
	$(BIN)/vleval compare $(DEMO)/answers/base.jsonl $(DEMO)/answers/tuned.jsonl --data $(DEMO)/prepared/openeqa --metric exact_match
	$(BIN)/vleval report $(DEMO)/answers/base.jsonl $(DEMO)/answers/tuned.jsonl --data $(DEMO)/prepared/openeqa --out $(DEMO)/report.html
	@echo
	@echo "Look at:  $(DEMO)/prepared/openeqa.jsonl           the records"
	@echo "          $(DEMO)/prepared/images/                 the pictures a model will see"
	@echo "          $(DEMO)/prepared/openeqa.contract.json   how they were made"
	@echo "          $(DEMO)/prepared/dataset_info.json       what LLaMA-Factory reads: dataset_dir: $(DEMO)/prepared"
	@echo "          $(DEMO)/preview.html                     the records and pictures to look at: open it in a browser"
	@echo "          $(DEMO)/report.html                      what the answers are worth: open it in a browser"

# Everything that needs no network after installing, no GPU and no data of others; at most 5 minutes on 2 cores.
test: lint
	$(BIN)/pytest -n 2 -q

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/make_schemas.py --check
	$(BIN)/python -m tools.make_docs --check

# Every property test with twenty times the examples that `make test` draws. Half an hour.
thorough: $(VENV)/.dev
	VLKIT_EFFORT=20 $(BIN)/pytest -n 2 -q --timeout 3600 $$(grep -l "tests.effort import" -r tests --include=test_*.py)

# Builds the wheel and uses it outside the checkout.
wheel-test: $(VENV)/.dev
	bash tests/packaging/wheel.sh $(BIN)/python

# Feeds our output to the real trainers, each in a venv of its own. Minutes, and gigabytes of packages.
consumers: $(VENV)/.dev
	bash tests/consumers/run.sh $(BIN)

# Runs a corpus of rows right and wrong through the real trainers and holds `vldata lint` to what they do. LINT=trl: only this one;
# FUZZ=400: as many of its rows changed at random, too.
lint-parity: $(VENV)/.dev
	bash tests/lint/parity.sh $(BIN) $(LINT)

# Asks real servers on loopback, each in a venv of its own. Minutes, and gigabytes of packages. SERVERS=vllm,ollama: only these.
servers: $(VENV)/.dev
	$(BIN)/python -m tests.servers.run --bin $(BIN) --work $(or $(SERVERS_WORK),.work/servers) --venvs $(or $(SERVERS_VENVS),.venvs) \
	  --only "$(SERVERS)"

# The heavy proofs of robustness: kills, signals, torn files, full disks, two runs at once over every command that writes; kill -9 before any
# step of a conversion; faults on half of all attempts at a server. Three quarters of an hour. FAULTS="split export": only these commands.
faults: $(VENV)/.dev
	$(BIN)/python -m tests.faults.full $(FAULTS)
	$(BIN)/pytest --timeout 1800 -q tests/vleval/inference/faults.py tests/vldata/faults.py

# The hostile corpus: inputs that somebody made to get in, out, or to exhaust the machine, on every reader and command.
hostile: $(VENV)/.dev
	$(BIN)/pytest --timeout 1800 -q -n 2 tests/vldata/test_planted.py tests/vldata/files tests/vldata/sources/test_remote.py \
	  tests/vleval/inference/test_secrets.py tests/vleval/chatpage/test_guard.py tests/hostile tests/fuzz tests/test_gate_everywhere.py

# Coverage-guided fuzzing of every reader, in a venv of its own. Hours; FUZZ="record contract" RUNS=100000: only these, so often.
RUNS ?= 1000000
.venvs/fuzz: pyproject.toml
	$(PYTHON) -m venv $@
	$@/bin/pip install -q -e . atheris
	touch $@

fuzz: .venvs/fuzz
	set -e; for target in $(or $(FUZZ),$$(.venvs/fuzz/bin/python -m tests.fuzz.run --list)); do \
	  echo "$$target"; .venvs/fuzz/bin/python -m tests.fuzz.run $$target --runs $(RUNS); done

# Commands on URLs against moto's S3 server on loopback, with kills, busy answers, torn, lost, stale and hostile objects. Five minutes.
.venvs/remote/.made: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install -q -c constraints.txt -e '.[remote]' 'moto[server]>=5' 'aiobotocore[boto3]' pytest pytest-timeout
	touch $@

remote: .venvs/remote/.made
	.venvs/remote/bin/python -m pytest --timeout 600 -q tests/remote/proofs.py tests/vldata/remote

# Conversion, validation and certificates on a Ray cluster of two nodes on this machine, one of which is killed. Two minutes.
.venvs/ray/.made: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install -q -c constraints.txt -e '.[ray]' pytest pytest-timeout
	touch $@

ray: .venvs/ray/.made
	.venvs/ray/bin/python -m pytest --timeout 600 -q tests/ray_proofs.py

# Boxes of the annotation formats against supervision, pycocotools and label-studio-sdk, and the card's Croissant against mlcroissant.
.venvs/oracles/.made: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install -q -e . pycocotools supervision label-studio-sdk mlcroissant pytest pytest-timeout
	touch $@

oracles: .venvs/oracles/.made
	.venvs/oracles/bin/python -m pytest --timeout 600 -q tests/oracles/proofs.py

# HEIC and PDF files, with pillow-heif and pypdfium2, and `--push` to a hub on loopback, with huggingface_hub and datasets. Two minutes.
.venvs/extras/.made: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install -q -c constraints.txt -e '.[heic,pdf,hf]' pytest pytest-timeout
	touch $@

extras: .venvs/extras/.made
	.venvs/extras/bin/python -m pytest --timeout 600 -q tests/extras/*.py

# Exports that stream from a bucket, read by MosaicML Streaming, WebDataset, datasets, Energon and LitData themselves, and vltrain sft that
# trains from it, against moto's S3 server. Three minutes.
.venvs/streams/.made: pyproject.toml constraints.txt tests/streams/setup.sh
	bash tests/streams/setup.sh $(PYTHON) $(@D)

streams: .venvs/streams/.made
	PYTHONPATH=. .venvs/streams/bin/python -m pytest --timeout 600 -q tests/streams/proofs.py

# Memory and time of every command at 10^4, 10^5 and 10^6 records: ten minutes. RECORDS=10000000: at 10^7, an hour.
scale: $(VENV)/.core
	$(BIN)/python -m bench.scale --records $(or $(RECORDS),10000,100000,1000000)

# The chat page in headless Chromium. Its own venv, without the constraints: gradio wants a Pillow older than they name.
.venvs/web: pyproject.toml
	$(PYTHON) -m venv $@
	$@/bin/pip install -q torch==2.13.0
	$@/bin/pip install -q -e '.[web,train]' pytest pytest-timeout
	touch $@

test-web: .venvs/web
	.venvs/web/bin/python -m pytest -q tests/vleval/chatpage/driven.py

# The heavy proofs of training: QLoRA, held-out squares on three seeds, four bits reloaded, two processes. Minutes, no GPU.
test-train: $(VENV)/.dev
	$(BIN)/pip install -q -c constraints.txt -e '.[qlora]'
	OMP_NUM_THREADS=1 $(BIN)/pytest --timeout 1800 -q tests/vltrain/proofs.py

# Kernels, types and levers on a GPU; with two of them FSDP2 too. The Python is one with a CUDA torch, and the train, qlora and dev extras.
GPU_PYTHON ?= $(BIN)/python
test-gpu:
	$(GPU_PYTHON) -c 'import sys, torch; sys.exit(0 if torch.cuda.is_available() else "no GPU here: nothing was proven")'
	$(GPU_PYTHON) -m pytest -q tests/vltrain/proofs_gpu.py tests/vltrain/proofs_two_gpus.py

# Token counts of every model family against the real image processors: the newest transformers, an older one, and one with torchvision for
# the family that has no other backend. Half an hour; FAMILY="--family gemma-4": only these.
.venvs/transformers-%: pyproject.toml
	$(PYTHON) -m venv $@
	$@/bin/pip install -q torch==2.13.0
	$@/bin/pip install -q -e . transformers==$* num2words jinja2
	touch $@

# Torchvision of torch 2.13. Beside a CPU build of torch the one at hand may be a CUDA build, whose compiled operators do not load: the image
# processors need none of them, so those that its import asks for are declared, as for `transformers serve`.
.venvs/torchvision: .venvs/transformers-5.24.0 tests/servers/torchvision_shim.py
	$(PYTHON) -m venv --clear $@
	echo $(abspath $<)/lib/python3*/site-packages > $$(echo $@/lib/python3*/site-packages)/beside.pth
	$@/bin/pip install -q --no-deps torchvision==0.28.0
	$@/bin/python -c 'import torchvision' 2>/dev/null || { site=$$(echo $@/lib/python3*/site-packages); \
	  cp tests/servers/torchvision_shim.py $$site/ && echo "import torchvision_shim" > $$site/torchvision_shim.pth; }
	$@/bin/python -c 'import torchvision; from transformers.utils import is_torchvision_available as there; assert there()'
	touch $@

TRIED := --report tools/docs/models_tried.json
parity-families: .venvs/transformers-5.24.0 .venvs/transformers-5.23.0 .venvs/torchvision
	set -e; for venv in .venvs/transformers-5.24.0 .venvs/transformers-5.23.0; do $$venv/bin/python -m tools.parity_families $(FAMILY) $(TRIED); done
	.venvs/torchvision/bin/python -m tools.parity_families --family lfm2-vl $(TRIED)

# For every model type a random tiny model learns coloured squares, merges, reloads and answers. Half an hour on two cores. LFM2-VL has no
# image processor without torchvision; TYPES="glm4v lfm2_vl": only these.
families: .venvs/transformers-5.24.0 .venvs/torchvision
	$</bin/pip install -q peft accelerate
	$</bin/python -m tests.families --without lfm2_vl $(foreach type,$(TYPES),--type $(type)) $(TRIED)
	$(if $(if $(TYPES),$(filter lfm2_vl,$(TYPES)),all),.venvs/torchvision/bin/python -m tests.families --type lfm2_vl $(TRIED))

# The pictures of pages in docs/images, drawn anew; needs Chromium.
screenshots: $(VENV)/.dev
	$(BIN)/python -m tools.screenshots

# The tutorials and notebooks as they stand, on drawn data with a tiny model: three minutes on two cores.
tutorials: $(VENV)/.docs
	$(BIN)/python -m tools.run_pages $(or $(PAGES),$(filter-out %.zh.md %/README.md,$(wildcard docs/tutorials/*.md)))
	$(BIN)/python -m tools.run_notebooks docs/notebooks/*.ipynb

# Every row of the five tutorials that vlkit answers, replayed with the tiny model: about ten minutes on two cores. ROWS=0.6,2.12: only these;
# with .venvs/llamafactory and .venvs/trl, which `make consumers` makes, the rows of those trainers too.
rows: $(VENV)/.docs .venvs/web
	$(BIN)/python -m tests.e2e.rows --bin $(BIN) --web .venvs/web/bin --llamafactory .venvs/llamafactory/bin --trl .venvs/trl/bin \
	  --only "$(ROWS)"

# Asks Ollama's own parser about our Modelfiles. It needs Go. UPSTREAM: a folder with a check-out of ollama.
modelfile: $(VENV)/.core
	$(BIN)/python -m tests.servers.modelfile_go "$(or $(UPSTREAM),/nonexistent)/ollama"

# The site, with one page a command and its example as it ran; every link is checked. SITE: where it is written.
docs: $(VENV)/.docs
	$(BIN)/python -m tools.site $(or $(SITE),.work/site/html)

$(VENV)/.docs: $(VENV)/.dev
	$(if $(LOCKED),,$(INSTALL) -e '.[docs,qlora]')
	touch $@

# Changes one thing at a time in the modules that everything rests on, and looks whether a test notices (tests/mutants.py). About an hour by the sum of single runs
# for all of them on two busy cores; MUTANTS="pixels joining" for some. What no test noticed is in .work/survivors.diff.
mutants: $(VENV)/.dev
	$(BIN)/pip install -q mutmut==3.8.1
	mkdir -p .work
	$(BIN)/python -m tests.mutants $(MUTANTS) --survivors .work/survivors.diff

clean:
	rm -rf $(DEMO) dist build .work

# Compares every profile with the tools it reproduces, over 10,000 generated pairs each. UPSTREAM: a folder of their check-outs.
PAIRS ?= 10000
.venvs/goldens: tools/goldens/requirements.txt tools/goldens/requirements-nodeps.txt
	$(PYTHON) -m venv $@
	$@/bin/pip install -q -r tools/goldens/requirements.txt
	$@/bin/pip install -q --no-deps -r tools/goldens/requirements-nodeps.txt
	touch $@

.venvs/benchmarks: pyproject.toml constraints.txt
	$(PYTHON) -m venv $@
	$@/bin/pip install -q -c constraints.txt -e .
	$@/bin/pip install -q pandas anls==0.0.2 apted zss json-repair tabulate tqdm Levenshtein distance editdistance
	touch $@

parity: $(VENV)/.core .venvs/goldens .venvs/benchmarks
	$(BIN)/python tools/goldens/parity.py --python .venvs/goldens/bin/python --repos "$(or $(UPSTREAM),/nonexistent)" --pairs $(PAIRS)
	.venvs/benchmarks/bin/python -m tools.goldens.benchmarks "$(or $(UPSTREAM),/nonexistent)"

# Holds `vleval gap` to causes that are known: a scripted model, and the harnesses' real code reading its answers. UPSTREAM: a folder with
# check-outs VLMEvalKit and lmms-eval, and an unpacked wheel of evalscope 1.14.1 in evalscope.
gap: $(VENV)/.dev
	$(BIN)/python -m tests.vleval.gaps.real "$(or $(UPSTREAM),/nonexistent)"

# Puts known faults of pinned releases before `vldata xray`, with the real trainers in a venv each: it names each, and is quiet without it.
# FAULT=Qwen3.5: only those so called.
xray: $(VENV)/.dev
	set -e; venvs=$(or $(CONSUMERS_VENVS),.venvs); for name in llamafactory swift trl; do bash tests/consumers/setup_$$name.sh $$venvs/$$name; done
	rm -rf .work/xray && mkdir -p .work/xray
	$(BIN)/python -m tests.vldata.xrays.real $(or $(CONSUMERS_VENVS),.venvs) .work/xray "$(FAULT)"
