"""Verification of every byte of a bundle, over `hashlib.sha256` of the same bytes in memory."""

import hashlib
import random
import tempfile
from collections.abc import Mapping
from pathlib import Path

from interface import Figure

from edge_benchmarks.timing import interleave
from edge_export.bundle_writer import seal, write_bundle
from edge_runtime.bundle import canonical_archive, read_bundle
from edge_runtime.manifest import Manifest, TensorInfo, Variant
from edge_runtime.preprocessing import ImagePreprocessing, Resize

MODEL_BYTES = 5_000_000
"""An EfficientNet-Lite0 in int8, the network of the guides."""
ASKED = 1.3
SECONDS = 20.0


def measure() -> list[Figure]:
    """Time the three forms of one bundle beside the bare hash."""
    files = _bundle()
    archive = canonical_archive(files)
    with tempfile.TemporaryDirectory() as folder:
        directory, file = Path(folder) / "bundle", Path(folder) / "bundle.edge"
        write_bundle(directory, files)
        write_bundle(file, files)
        forms = {".edge file": file, "directory": directory, "bytes": archive}
        arms = {name: lambda source=source: read_bundle(source) for name, source in forms.items()}
        timings = interleave({"hash": lambda: hashlib.sha256(archive).digest(), **arms}, seconds=SECONDS)
    how = f"`read_bundle`, {len(archive) / 1e6:.1f} MB in {len(files)} files, cached; {timings.rounds} rounds"
    figures = []
    for name in forms:
        ratio = timings.ratio(name, "hash")
        figures.append(
            Figure(
                f"verification over SHA-256, {name}",
                ratio.estimate,
                ratio.low,
                ratio.high,
                ASKED,
                "at most",
                "x",
                how,
            )
        )
    return figures


def _bundle() -> Mapping[str, bytes]:
    """Return a bundle of the size of a real one; nobody parses its model."""
    random_bytes = random.Random(0).randbytes
    files = {f"golden/{at}.png": random_bytes(6_000) for at in range(6)}
    files |= {"golden.json": random_bytes(3_000), "evidence/export.json": random_bytes(9_000)}
    files["variants/cpu-int8.onnx"] = random_bytes(MODEL_BYTES)
    variant = Variant(
        "cpu-int8",
        "variants/cpu-int8.onnx",
        "int8",
        "cpu",
        (TensorInfo("image", "float32", ("n", 3, 224, 224)),),
        (TensorInfo("logits", "float32", ("n", 10)),),
        exact=False,
        tolerance=0.01,
    )
    manifest = Manifest(
        name="figure",
        version="1",
        task="image-classification",
        labels=tuple("abcdefghij"),
        preprocessing=ImagePreprocessing(Resize(256, 256), 224, 224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        variants=(variant,),
        golden="golden.json",
        content_id="",
        files=(),
        recipe={},
        provenance={"splits": {f"part {at}": {"sha256": "0" * 64, "items": at} for at in range(40)}},
        evidence=("evidence/export.json",),
    )
    return seal(manifest, files)[1]
