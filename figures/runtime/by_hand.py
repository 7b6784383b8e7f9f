"""The shortest script that gives the bundle's label, which the runtime's start is held to: MODEL LABELS IMAGE."""

import sys

import numpy as np
import onnxruntime as ort
from PIL import Image

options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
image = Image.open(sys.argv[3]).convert("RGB")
scale = 256 / min(image.size)
image = image.resize((int(image.width * scale), int(image.height * scale)), Image.Resampling.BICUBIC)
left, top = round((image.width - 224) / 2), round((image.height - 224) / 2)
pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)
tensor = ((pixels / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None]
logits = session.run(None, {"input": tensor})[0]
with open(sys.argv[2]) as labels:  # noqa: PTH123 - pathlib would cost it time
    print(labels.read().split("\n")[logits.argmax()])  # noqa: T201
