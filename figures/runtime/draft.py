"""A 12-megapixel JPEG to its label: the runtime with and without reduced decoding, beside torchvision and torch."""

import functools
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from interface import Figure

from edge_benchmarks.timing import InterleavedTimings, interleave
from edge_export.architectures import create_network
from edge_export.bundle_writer import seal
from edge_export.drafting import FACTOR
from edge_pipeline.models.weights import load_weights
from edge_runtime import Model, load
from edge_runtime.bundle import canonical_archive, read_bundle
from runtime.networks import CLASSES, USUAL, usual_bundle

SIZE = (4000, 3000)
NOISE = 4.0
"""Standard deviation of the sensor noise that is added, of 255: without it an enlarged photo decodes too easily."""
ASKED = 4.0
SECONDS = 30.0


def measure() -> list[Figure]:
    """Time one photo from its path to its label, one thread each."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_photo(Path(folder))
        megabytes = path.stat().st_size / 1e6
        full, drafted, plain = load(usual_bundle(), threads=1), _drafted(usual_bundle()), _Plain()
        labels = {full.predict(path).top(1)[0][0], drafted.predict(path).top(1)[0][0], plain.predict(path)}
        arms: dict[str, Callable[[Path], object]] = {
            "full": full.predict,
            "drafted": drafted.predict,
            "plain": plain.predict,
        }
        # All of it runs in this thread, so its own CPU time tells what other processes cannot disturb.
        timings = interleave(
            {name: functools.partial(arm, path) for name, arm in arms.items()},
            seconds=SECONDS,
            clock=time.thread_time_ns,
        )
    how = f"{SIZE[0]}x{SIZE[1]}, {megabytes:.1f} MB; {USUAL}; CPU time, 1 thread, {timings.rounds} rounds; " + (
        "one label by all" if len(labels) == 1 else f"labels {sorted(labels)}"
    )
    return [
        _figure(timings, "drafted", "photo to label, torchvision + torch over the runtime with draft", ASKED, how),
        _figure(timings, "full", "photo to label, torchvision + torch over the runtime without draft", 1.0, how),
    ]


def _figure(timings: InterleavedTimings, arm: str, name: str, asked: float, how: str) -> Figure:
    ratio = timings.ratio("plain", arm)
    milliseconds = {one: float(np.median(timings.samples_ns[one])) / 1e6 for one in ("plain", arm)}
    how = f"{milliseconds['plain']:.0f} over {milliseconds[arm]:.0f} ms; {how}"
    return Figure(name, ratio.estimate, ratio.low, ratio.high, asked, "at least", "x", how)


def write_photo(folder: Path) -> Path:
    """Write scikit-learn's photograph of a temple, enlarged and with noise, as a camera's JPEG."""
    from PIL import Image
    from sklearn.datasets import load_sample_image

    large = Image.fromarray(load_sample_image("china.jpg")).resize(SIZE, Image.Resampling.BICUBIC)
    noise = np.random.default_rng(0).normal(0, NOISE, (SIZE[1], SIZE[0], 1))
    path = folder / "photo.jpg"
    Image.fromarray(np.clip(np.asarray(large) + noise, 0, 255).astype(np.uint8)).save(path, quality=90)
    return path


def _drafted(bundle: Path) -> Model:
    """Load the bundle with `draft` in its contract."""
    opened = read_bundle(bundle)
    manifest = replace(opened.manifest, preprocessing=replace(opened.manifest.preprocessing, draft=FACTOR))
    files = {entry.path: opened.read(entry.path) for entry in manifest.files}
    return load(canonical_archive(seal(manifest, files)[1]), threads=1)


class _Plain:
    """What torchvision's documentation shows: its loader and transforms, and the network run eagerly in fp32."""

    def __init__(self) -> None:
        import torch
        from torchvision import transforms

        torch.set_num_threads(1)
        network = create_network("tf_efficientnet_lite0", CLASSES)
        load_weights(network, "auto")
        contract = network.preprocessing()
        self._network = network.module.eval()
        self._transform = transforms.Compose(
            [
                transforms.Resize(contract.resize.width, transforms.InterpolationMode.BICUBIC),
                transforms.CenterCrop(contract.crop_width),
                transforms.ToTensor(),
                transforms.Normalize(contract.mean, contract.std),
            ]
        )

    def predict(self, path: Path) -> str:
        import torch
        from torchvision.datasets.folder import default_loader

        with torch.inference_mode():
            logits = self._network(self._transform(default_loader(str(path)))[None])
        return str(int(logits.argmax()))
