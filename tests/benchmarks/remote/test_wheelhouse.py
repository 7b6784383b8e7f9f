"""A wheelhouse holds all that a device installs, pinned, and is whole or not there."""

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_benchmarks.cli.boundary import run_command
from edge_benchmarks.remote.wheelhouse import make_wheelhouse, read_wheelhouse
from edge_pipeline.cli import edge
from edge_runtime.errors import ExitCode, InputError, MachineError


def test_it_pins_every_wheel_for_the_device(offline_index, wheels, tmp_path):
    out = tmp_path / "wheelhouse"
    made = make_wheelhouse(out, "linux-aarch64", "3.11", given=wheels)
    names = {name.split("-")[0] for name in made.wheels}
    assert names == {"edge_runtime", "edge_benchmarks", "numpy", "onnxruntime", "pillow", "psutil", "click"}
    lines = (out / "requirements.txt").read_text().splitlines()
    assert len(lines) == len(made.wheels)
    for line, name in zip(lines, made.wheels, strict=True):
        assert re.fullmatch(r"[a-z-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}", line)
        assert line.endswith(hashlib.sha256((out / name).read_bytes()).hexdigest())
    assert read_wheelhouse(out) == made


def test_what_has_no_wheel_for_the_device_is_said_and_nothing_is_left(offline_index, wheels, tmp_path):
    (offline_index / "psutil-7.1.0-cp36-abi3-manylinux_2_17_aarch64.whl").unlink()
    with pytest.raises(MachineError, match="psutil"):
        make_wheelhouse(tmp_path / "wheelhouse", "linux-aarch64", given=wheels)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index"]


@pytest.mark.parametrize(
    ("platform", "python", "says"),
    [("win-arm64", "3.11", "linux-aarch64, linux-x86_64"), ("linux-aarch64", "3.9", "3.10 or newer")],
)
def test_a_platform_or_python_that_is_not_served(wheels, tmp_path, platform, python, says):
    with pytest.raises(InputError, match=says):
        make_wheelhouse(tmp_path / "wheelhouse", platform, python, given=wheels)


def test_given_wheels_must_be_the_two(offline_index, wheels, tmp_path):
    given = shutil.copytree(wheels, tmp_path / "given")
    next(given.glob("edge_runtime*")).unlink()
    with pytest.raises(InputError, match="one wheel of edge-runtime is expected, there is none"):
        make_wheelhouse(tmp_path / "wheelhouse", "linux-aarch64", given=given)


@pytest.mark.parametrize("spoil", ["missing", "added", "changed", "unpinned"])
def test_a_wheelhouse_that_is_not_whole_is_refused(offline_index, wheels, tmp_path, spoil):
    out = tmp_path / "wheelhouse"
    made = make_wheelhouse(out, "linux-aarch64", given=wheels)
    wheel = out / made.wheels[0]
    if spoil == "missing":
        wheel.unlink()
    elif spoil == "added":
        shutil.copy(wheel, out / "other-1.0-py3-none-any.whl")
    elif spoil == "changed":
        wheel.write_bytes(wheel.read_bytes() + b"x")
    else:
        (out / "requirements.txt").unlink()
    with pytest.raises(InputError, match="make"):
        read_wheelhouse(out)


def test_the_command_and_its_two_uses(offline_index, wheels, tmp_path, capsys):
    out = tmp_path / "house"
    asked = ["pack", "--offline", "--platform", "linux-aarch64", "--wheels", str(wheels), "-o", str(out), "--json"]
    assert run_command(edge, asked) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["install"].startswith("python3 -m pip install --no-index")
    assert run_command(edge, asked) == ExitCode.INPUT  # it is there already
    for wrong in (["pack"], ["pack", "--offline", "-o", "x"], ["pack", "a.edge", "--offline", "--platform", "x"]):
        assert run_command(edge, wrong) == ExitCode.USAGE


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["linux-x86_64", "linux-aarch64"])
def test_the_real_wheels_install_without_network(platform, bundle, fresh_python, tmp_path):
    """From the index that pip is set up with; for this machine's own platform the install line runs, and proves."""
    made = make_wheelhouse(tmp_path / "wheelhouse", platform, f"3.{sys.version_info.minor}")
    assert any(name.startswith("onnxruntime-") for name in made.wheels)
    if platform != "linux-x86_64":
        return
    install = [str(fresh_python) if word == "python3" else word for word in shlex.split(made.install)]
    subprocess.run(install, cwd=tmp_path, check=True, env={"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1"})
    program = fresh_python.with_name("edge-bench")
    done = subprocess.run(
        [program, "prove", bundle, "--duration", "1", "--threads", "1", "--json"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout)["selftest"] is True, done.stderr
    said = subprocess.run([program, "bench", bundle], capture_output=True, text=True, check=False)
    assert said.returncode == ExitCode.INPUT and "pip install 'edge-benchmarks[report]'" in said.stderr
    assert Path(bundle).exists()
