"""The whole way of a proof: exported here, proven on an emulated ARM64 from wheels alone, packed, chosen there."""

import json
import os
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from edge_benchmarks.prove.proof import Verdict
from edge_export.packing import add_evidence
from edge_runtime.bundle import read_bundle
from edge_runtime.evidence import read_evidence

ROOT = Path(__file__).parent.parent.parent

CPUINFO = """\
processor\t: {}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1

"""
"""What Linux says on a Cortex-A76, for each core."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our two wheels, unpacked as pip would: built from this checkout, and nothing else."""
    wheels, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    for folder in ("runtime", "benchmarks"):
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, ROOT / folder]
        built = subprocess.run(
            command, env=os.environ | {"EDGE_RELEASE": "==0.1.0"}, capture_output=True, text=True, check=False
        )
        assert built.returncode == 0, built.stdout + built.stderr
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    return site


@pytest.fixture(scope="module")
def pi(devices_folder: Path, site: Path, tmp_path_factory: pytest.TempPathFactory):
    """Run Python as on a Raspberry Pi 5: `pi(*arguments)`; it sees an ARM64 ONNX Runtime and our wheels alone."""
    ready = devices_folder / "ready"
    if not ready.exists() or ready.read_text().strip() != "2":
        missing = "no emulated ARM64 with click and psutil here; run tests/devices/install.sh"
        if os.environ.get("EDGE_REQUIRE_DEVICES"):
            pytest.fail(missing)
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("pi")
    root = folder / "root"
    (root / "proc").mkdir(parents=True)
    for child in (devices_folder / "arm64").iterdir():
        (root / child.name).symlink_to(child)
    # The emulator would show the host's; ONNX Runtime wants as many cores in it as the host has.
    (root / "proc" / "cpuinfo").write_text("".join(CPUINFO.format(core) for core in range(os.cpu_count() or 1)))
    python = folder / "python"
    # As argv[0] it is `sys.executable` inside, so that what starts a Python starts an emulated one.
    emulator = f'qemu-aarch64 -cpu cortex-a76 -0 "$0" -L {root} {root}/usr/bin/python3.11'
    python.write_text(f'#!/bin/sh\nexec {emulator} "$@"\n')
    python.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{site}:{devices_folder / 'site'}", "HOME": str(folder)}

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [python, *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)

    return run


def test_the_wheel_asks_for_no_more_than_the_device_has(site: Path, devices_folder: Path):
    metadata = message_from_bytes(next(site.glob("edge_benchmarks-*")).joinpath("METADATA").read_bytes())
    required = {
        line.split(">")[0].split("=")[0] for line in metadata.get_all("Requires-Dist") if "extra ==" not in line
    }
    assert required == {"edge-runtime", "click", "numpy", "psutil"}


@pytest.mark.parametrize("processes", [2, pytest.param(6, marks=pytest.mark.slow)])
def test_exported_here_proven_there_packed_here_chosen_there(exported, pi, tmp_path: Path, processes: int):
    """With two processes of each variant nothing can be proven faster, and fp32 must be chosen."""
    found = tmp_path / "pi.json"
    main = "from edge_benchmarks.cli import main; main()"
    done = pi(
        "-c", main, "prove", exported.bundle, "-o", found, "--duration", "1", "--threads", "1", "--processes", processes
    )
    assert found.exists(), done.stderr[-2000:]
    evidence = read_evidence(found.read_bytes())
    verdict = Verdict(evidence.report["verdict"])
    assert done.returncode == verdict.exit_code
    assert evidence.machine.instruction_set == "aarch64-dotprod" and evidence.selftest is True
    assert evidence.report["environment"]["identity"]["architecture"] == "aarch64"
    assert evidence.report["environment"]["versions"]["onnxruntime"] == "1.22.1"
    if verdict is Verdict.INVALID:  # an emulator on a busy machine may not hold still, which is no bug
        pytest.skip(f"nothing can be chosen: {evidence.report['reason']}")
    packed = add_evidence(exported.bundle, [found], tmp_path / "proven.edge")
    assert packed.manifest.content_id == read_bundle(exported.bundle).manifest.content_id
    assert processes >= 6 or verdict is Verdict.INCONCLUSIVE
    fastest = min((one for one in evidence.timings if one.proven), key=lambda one: one.p50_ms)
    ask = (
        "import json, sys, warnings, edge_runtime, edge_runtime.choice\n"
        "for path in sys.argv[1:]:\n"
        "    edge_runtime.choice._said.clear()\n"
        "    with warnings.catch_warnings(record=True) as said:\n"
        "        warnings.simplefilter('always')\n"
        "        model = edge_runtime.load(path)\n"
        "    print(json.dumps([model.variant.name, [str(one.message) for one in said]]))"
    )
    chosen, before = map(json.loads, pi("-c", ask, packed.out, exported.bundle).stdout.splitlines())
    assert chosen[0] == fastest.variant
    assert not any("not timed" in line or "not verified" in line for line in chosen[1])
    assert any("not timed on aarch64-dotprod" in line for line in before[1])
    assert packed.settled == (verdict is Verdict.PROVEN)
    assert any("provisional" in line for line in chosen[1]) != packed.settled
