"""Prove a bundle on another machine: install what it takes into an environment of its own there, run, bring it back."""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from edge_benchmarks.remote import scripts
from edge_benchmarks.remote.ssh import Host
from edge_benchmarks.remote.wheelhouse import EXTRAS, REQUIREMENTS, read_wheelhouse
from edge_benchmarks.remote.wheels import own_wheels
from edge_runtime.bundle import canonical_archive, read_bundle
from edge_runtime.errors import MachineError, SchemaError
from edge_runtime.evidence import Evidence, read_evidence
from edge_runtime.manifest import DIGEST_NAME, MANIFEST_NAME

LOOK_SECONDS, INSTALL_SECONDS, PROVE_SECONDS = 60.0, 1800.0, 1800.0
"""Longest waits; a small board takes its time to unpack ONNX Runtime onto a slow card."""


@dataclass(frozen=True)
class ProvenThere:
    """What came back."""

    evidence: Evidence
    data: bytes
    """The evidence file's bytes."""
    exit_code: int
    """Of `edge-bench prove` there."""


def prove_there(
    bundle: Path,
    host: Host,
    *,
    wheelhouse: Path | None = None,
    options: Sequence[str] = (),
    say: Callable[[str], object] = lambda line: None,
) -> ProvenThere:
    """Run `edge-bench prove` on another machine and bring the evidence back.

    Its environment lies in `~/.cache/edge` there, is named after the wheels in it, and is used again by the next run.

    Args:
        bundle: A directory or `.edge` file.
        host: Where.
        wheelhouse: Install from this folder alone, as `edge pack --offline` made it; by default this project's own
            wheels are sent and the rest comes from the index that pip is set up with there.
        options: Of `edge-bench prove`.
        say: Called with a line at each step.

    Raises:
        BundleError: the bundle cannot be trusted.
        MachineError: no connection, no Python or room there, or the installation or the proof failed.
    """
    content = _archive(bundle)
    manifest = read_bundle(content).manifest
    with tempfile.TemporaryDirectory(prefix="edge-") as temporary:
        folder = Path(temporary)
        extras = ("cpu", "text") if manifest.task.startswith("text") else EXTRAS
        wheels, arguments = _wheels(folder, wheelhouse, extras)
        name = _name(wheels, arguments)
        say(f"looking at {host.name}")
        if _look(host, name) == "absent":
            say(f"installing {len(wheels)} wheels there" if wheelhouse else "installing there, from the network")
            _install(host, name, _tar(folder / "wheels.tar", wheels), arguments)
        say("proving there")
        sent = folder / "bundle.edge"
        sent.write_bytes(content)
        done = host.run(scripts.PROVE, [name, *options], stdin=sent, seconds=PROVE_SECONDS)
    return _result(host, done, manifest.content_id)


def _archive(bundle: Path) -> bytes:
    """Return the bundle as one file, verified."""
    opened = read_bundle(bundle)
    if bundle.is_file():
        return bundle.read_bytes()
    signed = {name: (bundle / name).read_bytes() for name in (MANIFEST_NAME, DIGEST_NAME)}
    return canonical_archive(signed | {entry.path: opened.read(entry.path) for entry in opened.manifest.files})


def _wheels(folder: Path, wheelhouse: Path | None, extras: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Return the files to send, and what `pip install` is asked for beside them."""
    if wheelhouse is not None:
        names = read_wheelhouse(wheelhouse).wheels
        sent = [wheelhouse / name for name in (*names, REQUIREMENTS)]
        return sent, ["--no-index", "--find-links", ".", "--require-hashes", "-r", REQUIREMENTS]
    own = own_wheels(folder)
    runtime, benchmarks = (wheel.name.split("-")[1] for wheel in own)
    wanted = [f"edge-runtime[{','.join(extras)}]=={runtime}", f"edge-benchmarks=={benchmarks}"]
    return own, ["--find-links", ".", *wanted]


def _name(wheels: Sequence[Path], arguments: Sequence[str]) -> str:
    """Name the environment by all that decides what is in it."""
    digests = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels]
    return "bench-" + hashlib.sha256(json.dumps([digests, list(arguments)]).encode()).hexdigest()[:16]


def _tar(path: Path, files: Sequence[Path]) -> Path:
    with tarfile.open(path, "w") as archive:
        for file in files:
            archive.add(file, file.name)
    return path


def _look(host: Host, name: str) -> str:
    done = host.run(scripts.LOOK, [name], seconds=LOOK_SECONDS)
    state = _last_line(done).decode(errors="replace")
    missing = {
        "no-python": "has no Python 3.10 or newer; install one",
        "no-venv": "its Python has no venv or pip; install them (Debian: `apt install python3-venv`)",
    }
    if state in missing:
        raise MachineError(f"{host.name}: {missing[state]}")
    if state not in ("ready", "absent"):
        raise MachineError(f"{host.name}: {_last_words(done)}; a POSIX shell is expected there")
    return state


def _install(host: Host, name: str, wheels: Path, arguments: Sequence[str]) -> None:
    done = host.run(scripts.INSTALL, [name, *arguments], stdin=wheels, seconds=INSTALL_SECONDS)
    if done.returncode:
        raise MachineError(f"{host.name}: cannot install there ({_last_words(done)}); nothing was left behind")


def _result(host: Host, done: CompletedProcess[bytes], content_id: str) -> ProvenThere:
    data = _last_line(done) + b"\n"
    try:
        evidence = read_evidence(data, "evidence")
    except SchemaError as error:
        raise MachineError(f"{host.name}: no proof came back ({_last_words(done)})") from error
    if evidence.report["content_id"] != content_id:
        raise MachineError(f"{host.name}: proved {evidence.report['content_id']}, sent was {content_id}; try again")
    return ProvenThere(evidence, data, done.returncode)


def _last_line(done: CompletedProcess[bytes]) -> bytes:
    """Return the last line of stdout: what greets a login comes before it."""
    return (done.stdout.strip().splitlines() or [b""])[-1]


def _last_words(done: CompletedProcess[bytes]) -> str:
    """Return the line of stderr that says why: pip's error rather than its advice, and a full disk before all."""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    full = [line for line in lines if "No space left" in line]
    errors = [line for line in lines if line.lower().startswith("error")]
    chosen = (full or errors or lines or [f"exit status {done.returncode}"])[-1]
    return "its disk is full: free some space" if full else chosen.partition(":")[2].strip() or chosen
