"""Observations kept in a directory: one file each, replaced as a whole; what is damaged counts as absent."""

import hashlib
import json
import tempfile
import zipfile
import zlib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.kept import tools, touch
from edge_export.quantize.calibration.interface import Histogram, Observation, Settling
from edge_export.quantize.calibration.tally import BINS

if TYPE_CHECKING:
    import onnx


def observation_key(model: "onnx.ModelProto", samples: str, until: Collection[str]) -> str:
    """Hash all that decides an observation."""
    digest = hashlib.sha256(model.SerializeToString(deterministic=True))
    digest.update(json.dumps([tools(), samples, list(until)]).encode())
    return digest.hexdigest()


def load_observation(directory: Path, key: str) -> Observation | None:
    """Return what was kept under `key`; None where nothing usable is."""
    file = directory / f"{key}.npz"
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            found = _unpack({name: arrays[name] for name in arrays.files}, key)
        touch(file)
        return found
    except (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile, zlib.error):
        return None


def save_observation(directory: Path, key: str, observation: Observation) -> None:
    """Keep an observation under `key`; a directory that cannot be written is no error."""
    with suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".", suffix=".part", dir=directory, delete=False) as stream:
            temporary = Path(stream.name)
            try:
                np.savez_compressed(stream, allow_pickle=False, **_pack(observation, key))
                stream.close()
                temporary.replace(directory / f"{key}.npz")
            except BaseException:
                stream.close()
                temporary.unlink(missing_ok=True)
                raise


def _pack(observation: Observation, key: str) -> dict[str, NDArray[Any]]:
    settling = asdict(observation.settling) if observation.settling else None
    index = {
        "key": key,
        "samples": observation.samples,
        "settling": settling,
        "histograms": {
            name: (one.low, one.high, one.width, one.start, len(one.counts))
            for name, one in observation.histograms.items()
        },
        "means": list(observation.means),
        "peaks": list(observation.peaks),
        "first": list(observation.first),
    }
    counts = [one.counts for one in observation.histograms.values()]
    return {
        "index": np.frombuffer(json.dumps(index).encode(), dtype=np.uint8),
        "counts": np.concatenate(counts) if counts else np.zeros(0, np.int64),
        **{f"mean{at}": value for at, value in enumerate(observation.means.values())},
        **{f"peak{at}": value for at, value in enumerate(observation.peaks.values())},
        **{f"first{at}": value for at, value in enumerate(observation.first.values())},
    }


def _unpack(arrays: dict[str, NDArray[Any]], key: str) -> Observation:
    index = json.loads(arrays["index"].tobytes())
    if index["key"] != key:
        raise ValueError(index["key"])
    histograms, at = {}, 0
    for name, (low, high, width, start, length) in index["histograms"].items():
        counts = arrays["counts"][at : at + length]
        if not 0 < length <= BINS or len(counts) != length:
            raise ValueError(name)
        histograms[name] = Histogram(low, high, width, start, counts)
        at += length
    settling = Settling(**index["settling"]) if index["settling"] else None
    means = {name: arrays[f"mean{at}"] for at, name in enumerate(index["means"])}
    peaks = {name: arrays[f"peak{at}"] for at, name in enumerate(index["peaks"])}
    first = {name: arrays[f"first{at}"] for at, name in enumerate(index["first"])}
    return Observation(histograms, means, peaks, index["samples"], first, settling)
