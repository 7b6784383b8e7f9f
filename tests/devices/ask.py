"""Runs on the emulated CPU: the logits of a model for some tensors, and the self-test of a bundle.

ask.py INSTRUCTION_SET MODEL OPTIONS TENSORS LOGITS BUNDLE
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np

from edge_runtime import cpus

warnings.simplefilter("ignore")
# The emulator shows programs the host's /proc/cpuinfo, so the emulated CPU's kind is said here.
cpus.instruction_set = lambda: sys.argv[1]

from edge_runtime.golden import selftest  # noqa: E402 - after the line above, so that every module sees it
from edge_runtime.session import create_session  # noqa: E402

model, options, tensors, logits, bundle = sys.argv[2:]
session = create_session(Path(model).read_bytes(), threads=1, options=json.loads(options))
feed = session.get_inputs()[0].name
np.save(logits, np.concatenate([session.run(None, {feed: tensor[None]})[0] for tensor in np.load(tensors)]))
report = selftest(bundle, threads=1)
sys.stdout.write(json.dumps({"passed": report.passed, "failures": list(report.failures)}) + "\n")
