# One word per job. Every target makes the virtual environment it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEER_NETWORKS := resnet18 resnet50 mobilenetv2_100 tf_efficientnet_lite0 mobilenetv3_large_100 efficientnet_b0

OLDEST := .venv-oldest
# Python 3.10 where it is, else this one: the oldest ONNX Runtime matters then too.
OLDEST_PYTHON ?= $(shell python3.10 -c 'print("python3.10")' 2>/dev/null || echo $(PYTHON))

.PHONY: demo figures gate-figures runtime-figures test test-oldest test-slow devices test-gpu fuzz peers check format docs clean install

install: $(READY)

# In this order: the toolchain first, then the two distributions it depends on, each from this checkout.
$(READY): pyproject.toml benchmarks/pyproject.toml runtime/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: edge needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[cpu,dev]"
	$(BIN)/python -m pip install --quiet -e ./benchmarks
	$(BIN)/python -m pip install --quiet -e "./runtime[cpu,image,text]"
	touch $(READY)

# A real network on real images: fine-tuned, exported, quantized, judged, bundled, benchmarked, asked.
demo: $(READY)
	PATH="$(abspath $(BIN)):$$PATH" sh examples/demo.sh

# One worker for each CPU; the tests of one file stay together, so that they share what they made.
test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile

# The runtime's tests on the oldest Python and packages that it takes, without the toolchain.
test-oldest:
	test -x $(OLDEST)/bin/python || $(OLDEST_PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --editable "./runtime[image]" \
		"onnxruntime==1.22.*" "numpy==1.24.*; python_version < '3.12'" "pillow==10.1.*" pytest hypothesis jsonschema onnx scipy joblib
	$(OLDEST)/bin/python -m pip install --quiet --no-deps --editable ./benchmarks
	$(OLDEST)/bin/python -m pytest tests/runtime

# Minutes each: coverage by simulation, kills at random moments, the full Fashion-MNIST.
test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

# Emulated CPUs, so that tests can ask what other machines answer; Debian or Ubuntu, as root or with sudo.
devices: $(READY)
	PYTHON="$(abspath $(BIN))/python" tests/devices/install.sh

# What needs a CUDA device; each test skips elsewhere, with the reason.
test-gpu: $(READY)
	$(BIN)/python -m pytest -m gpu

# Coverage-guided, each target for this many seconds; what it finds lands here as crash-... files.
FUZZ_SECONDS ?= 120
fuzz: $(READY)
	for target in manifest golden evidence archive sealed directory image; do \
		$(BIN)/python tests/fuzz $$target $(FUZZ_SECONDS) || exit 1; \
	done

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Remake what commands write into the documentation: help texts and tables of results.
docs: $(READY)
	$(BIN)/python docs/build.py

# Measure the stored figures again, on a machine that does nothing else, and remake the tables from them.
figures: $(READY)
	$(BIN)/python figures mnist
	$(BIN)/python figures fashion
	$(BIN)/python figures runtime
	$(BIN)/python docs/build.py

# The runtime's figures alone, as a table with the environment.
runtime-figures: $(READY)
	$(BIN)/python figures runtime

# How often the gate cries wolf and what it finds: 300 runs of some 8 s, on a machine that does nothing else. A run that
# is cut off costs itself alone; call it again and it goes on.
gate-figures: $(READY)
	$(BIN)/python figures gate
	$(BIN)/python docs/build.py

# Other toolchains beside ours, in latency and in accuracy, on the same items; half an hour of training the first time.
peers: $(READY)
	$(BIN)/python -m pip install --quiet -e ".[cpu,dev,peers]"
	$(BIN)/python figures quantization $(addprefix peers-,$(PEER_NETWORKS)) $(addprefix accuracy-,lite0 mobilenetv3 resnet18)
	$(BIN)/python docs/build.py

clean:
	rm -rf $(VENV) $(OLDEST) demo dist build .mypy_cache .ruff_cache .pytest_cache
