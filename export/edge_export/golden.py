"""Golden vectors: seeded synthetic inputs with the tensors and logits that every device must reproduce."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from numpy.typing import NDArray

from edge_export.capture.interface import Predictor
from edge_export.inputs import model_rows
from edge_runtime.golden import Golden, GoldenCase, tensor_sha256
from edge_runtime.manifest import Manifest
from edge_runtime.preprocessing import make_preprocessor
from edge_runtime.preprocessing.interface import Preprocessor
from edge_runtime.tasks import predictions

GOLDEN_FILE = "golden.json"


def golden_file(
    inputs: Mapping[str, bytes],
    manifest: Manifest,
    predictors: Mapping[str, Predictor],
    files: Mapping[str, bytes] | None = None,
) -> bytes:
    """Record what preprocessing and each variant make of `inputs`, as the bundle's `golden.json`.

    Args:
        inputs: Path in the bundle to the encoded image or text.
        manifest: Labels, contract and variants.
        predictors: Variant name to its model.
        files: What the contract needs of the bundle, such as a tokenizer, by path.
    """
    preprocess = make_preprocessor(manifest.preprocessing, dict(files or {}).__getitem__)
    cases = []
    for path, content in inputs.items():
        plain = preprocess.decode(content)
        tensor = preprocess.preprocess(plain)
        logits = {name: predict(tensor[None]) for name, predict in predictors.items()}
        traces = [preprocess.trace(plain)]
        answers = {one.name: predictions(logits[one.name], manifest, one, traces)[0] for one in manifest.variants}
        values = {name: tuple(float(value) for value in row.ravel()) for name, row in logits.items()}
        labels = {name: answer.label for name, answer in answers.items()}
        scores = {name: answer.score for name, answer in answers.items()}
        cases.append(GoldenCase(path, tensor_sha256(tensor), values, labels, scores))
    return (json.dumps(asdict(Golden(tuple(cases))), indent=1, ensure_ascii=False) + "\n").encode()


def golden_batch(inputs: Mapping[str, bytes], preprocess: Preprocessor) -> NDArray[Any]:
    """Return what a model sees of the inputs as one batch."""
    return preprocess.stack(model_rows(preprocess, map(preprocess, inputs.values())))
