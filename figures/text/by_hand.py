"""The shortest script that gives a text's label, which the start is held to: MODEL TOKENIZER LABELS TEXT."""

import sys

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file(sys.argv[2])
tokenizer.no_padding()
tokenizer.enable_truncation(128)
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.add_session_config_entry("optimization.disable_specified_optimizers", "SkipLayerNormFusion")
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
logits = session.run(None, {"input": np.array([tokenizer.encode(sys.argv[4]).ids])})[0][0]
scores = np.exp(logits - logits.max())
scores /= scores.sum()
with open(sys.argv[3]) as labels:  # noqa: PTH123 - pathlib would cost it time
    print(labels.read().split("\n")[scores.argmax()], scores.max())  # noqa: T201
