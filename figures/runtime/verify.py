"""Verification of every byte of a bundle, over the bare hash of the same bytes, in memory and from a file."""

import hashlib
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from interface import Figure

from edge_benchmarks.timing import interleave
from edge_benchmarks.verdicts import Interval
from edge_export.bundle_writer import seal, write_bundle
from edge_runtime.bundle import canonical_archive, read_bundle
from edge_runtime.manifest import Manifest, TensorInfo, Variant
from edge_runtime.preprocessing import ImagePreprocessing, Resize

MODELS = {"int8": (5_000_000,), "int8 and fp32": (5_000_000, 18_600_000)}
"""EfficientNet-Lite0, the network of the guides, as `edge export` ships it without and with `--keep-fp32`; bytes."""
ASKED = 1.3
SECONDS = 15.0


def measure() -> list[Figure]:
    """Time the three forms of both bundles beside the bare hash."""
    return [figure for name, models in MODELS.items() for figure in _measure(name, _bundle(models))]


def _measure(title: str, files: Mapping[str, bytes]) -> list[Figure]:
    archive = canonical_archive(files)
    with tempfile.TemporaryDirectory() as folder:
        directory, file = Path(folder) / "bundle", Path(folder) / "bundle.edge"
        write_bundle(directory, files)
        write_bundle(file, files)
        forms = {".edge file": file, "directory": directory, "bytes": archive}
        arms = {name: lambda source=source: read_bundle(source) for name, source in forms.items()}
        arms["SHA-256"] = lambda: hashlib.sha256(archive).digest()
        arms["file_digest"] = lambda: _digest(file)
        # CPU time: nothing here waits, and neighbors on the machine cannot stretch one arm.
        timings = interleave(arms, seconds=SECONDS, clock=time.thread_time_ns)
    how = f"`read_bundle`, {len(archive) / 1e6:.1f} MB in {len(files)} files, cached; CPU time, {timings.rounds} rounds"
    pairs = [(name, "SHA-256") for name in forms] + [(name, "file_digest") for name in (".edge file", "directory")]
    return [
        _figure(f"verification, {title}, {name} over {base}", timings.ratio(name, base), how) for name, base in pairs
    ]


def _digest(file: Path) -> str:
    """Hash a file as Python's own library does, which reads it as verification must."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _figure(name: str, ratio: Interval, how: str) -> Figure:
    return Figure(name, ratio.estimate, ratio.low, ratio.high, ASKED, "at most", "x", how)


def _bundle(models: Sequence[int]) -> Mapping[str, bytes]:
    """Return a bundle of the size of a real one; nobody parses its model."""
    random_bytes = random.Random(0).randbytes
    files = {f"golden/{at}.png": random_bytes(6_000) for at in range(6)}
    files |= {"golden.json": random_bytes(3_000), "evidence/export.json": random_bytes(9_000)}
    files |= {f"variants/{at}.onnx": random_bytes(size) for at, size in enumerate(models)}
    variant = Variant(
        "cpu-int8",
        "variants/0.onnx",
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
