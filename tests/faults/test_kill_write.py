"""A process that writes bundles is killed at random moments; the target is always whole."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_runtime.bundle import read_bundle

WRITER = """
import sys
from pathlib import Path
from edge_export.bundle_writer import seal, write_bundle
from edge_runtime.manifest import Manifest, TensorInfo, Variant
from edge_runtime.preprocessing import ImagePreprocessing, Resize

def bundle(version):
    signature = ((TensorInfo("x", "float32", ("n", 3, 8, 8)),), (TensorInfo("y", "float32", ("n", 2)),))
    variant = Variant("cpu-fp32", "variants/cpu-fp32.onnx", "fp32", "cpu", *signature, False, 0.1)
    contract = ImagePreprocessing(Resize(8, 8), 8, 8, (0.5,) * 3, (0.5,) * 3)
    what = ("m", version, "image-classification", ("a", "b"), contract, (variant,), "golden.json")
    manifest = Manifest(*what, "", (), {}, {})
    files = {"golden.json": b"{}", variant.file: version.encode() * 3_000_000}
    return seal(manifest, files)[1]

contents = [bundle("1"), bundle("2")]
out = Path(sys.argv[1])
print("ready", flush=True)
while True:
    for files in contents:
        write_bundle(out, files)
        print("written", flush=True)
"""

KILLS = 20


def test_target_is_the_old_bundle_or_the_new_one(tmp_path: Path):
    out = tmp_path / "x.edge"
    moments = random.Random(0)
    span = 0.0  # seconds that two writes take on this machine: kills come at any moment of them
    for _ in range(KILLS):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(out)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            start = time.monotonic()
            if not span:
                assert [process.stdout.readline() for _ in range(2)] == ["written\n"] * 2
                span = time.monotonic() - start
            else:
                time.sleep(moments.uniform(0.0, span))
            process.kill()
        assert read_bundle(out).manifest.version in {"1", "2"}


@pytest.mark.slow
def test_an_export_killed_at_random_moments_leaves_no_broken_bundle(tmp_path: Path):
    """Kill a whole `edge export` of a real run 20 times; afterwards one undisturbed export works."""
    data, run, out = tmp_path / "data", tmp_path / "run", tmp_path / "x.edge"
    edge = [sys.executable, "-m", "edge_pipeline"]
    subprocess.run([*edge, "sample", "digits", str(data)], check=True)
    train = ["train", str(data), "-o", str(run), "--model", "test_resnet", "--size", "64", "--weights", "none"]
    subprocess.run([*edge, *train, "--epochs", "1"], check=True)
    export = [*edge, "export", str(run), "-o", str(out), "--timing-seconds", "1"]
    start = time.monotonic()
    subprocess.run(export, check=True)
    duration = time.monotonic() - start
    moments = random.Random(1)
    for _ in range(KILLS):
        process = subprocess.Popen(export, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Half of the kills fall into the last tenth, where files are written.
        late = moments.random() < 0.5
        time.sleep(duration * (moments.uniform(0.9, 1.05) if late else moments.uniform(0.0, 0.9)))
        process.kill()
        process.wait()
        read_bundle(out)
    subprocess.run(export, check=True)
    read_bundle(out)
