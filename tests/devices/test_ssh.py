"""`edge bench --ssh` against a real SSH server on loopback, which stands for a device."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge_benchmarks.cli import edge_bench
from edge_benchmarks.cli.boundary import run_command
from edge_benchmarks.remote import scripts
from edge_benchmarks.remote.ssh import Host
from edge_benchmarks.remote.wheelhouse import make_wheelhouse
from edge_benchmarks.remote.wheels import own_wheels
from edge_runtime.bundle import read_bundle
from edge_runtime.errors import ExitCode
from edge_runtime.evidence import read_evidence

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"


@dataclass
class Server:
    """An SSH server of this user's own, with a cache folder for what is installed "there"."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def options(self) -> list[str]:
        known = f"UserKnownHostsFile={self.folder / 'known_hosts'}"
        key = f"IdentityFile={self.folder / 'user_key'}"
        words = [f"Port={self.port}", known, key, "IdentitiesOnly=yes", "GlobalKnownHostsFile=/dev/null"]
        return [word for option in words for word in ("--ssh-option", option)]

    def start(self, **environment: str) -> None:
        """Start it, or again with other variables for the commands that it runs."""
        self.stop()
        told = " ".join(
            f'{name}="{value}"'
            for name, value in {"HOME": self.folder, "XDG_CACHE_HOME": self.cache, **environment}.items()
        )
        lines = [
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {self.folder / 'host_key'}", "PidFile none",
            f"AuthorizedKeysFile {self.folder / 'user_key.pub'}", "StrictModes no", "UsePAM no",
            "PasswordAuthentication no", "PermitRootLogin prohibit-password", f"SetEnv {told}",
        ]  # fmt: skip
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", self.folder / "sshd_config"], stderr=log)
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        pytest.fail(f"sshd did not start: {(self.folder / 'log').read_text()[-500:]}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


@pytest.fixture
def server(tmp_path: Path):
    if SSHD is None or shutil.which("ssh") is None:
        if os.environ.get("EDGE_REQUIRE_DEVICES"):
            pytest.fail("no sshd here; run tests/devices/install.sh")
        pytest.skip("no sshd here; run tests/devices/install.sh")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it separates privileges
    folder = tmp_path / "server"
    folder.mkdir()
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    host_key = " ".join((folder / "host_key.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    server = Server(folder, port)
    server.start()
    yield server
    server.stop()


def stand_in(folder: Path, name: str) -> None:
    """A wheel that brings this machine's own package of that name: pip installs it, and there is no index."""
    info = f"{name}-99.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-99.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{name}_stand_in.pth", sysconfig.get_path("purelib") + "\n")
        wheel.writestr(f"{info}/RECORD", f"{name}_stand_in.pth,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


@pytest.fixture(scope="module")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by the real maker, from an index of stand-ins."""
    index, wheels = tmp_path_factory.mktemp("index"), tmp_path_factory.mktemp("wheels")
    own_wheels(wheels)
    for name in ("numpy", "onnxruntime", "pillow", "psutil", "click"):
        stand_in(index, name)
    out = tmp_path_factory.mktemp("house") / "wheelhouse"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"CONFIG_FILE": os.devnull, "NO_INDEX": "1", "FIND_LINKS": str(index)}.items():
            patch.setenv(f"PIP_{name}", value)
        make_wheelhouse(out, "linux-x86_64", f"3.{sys.version_info.minor}", given=wheels)
    return out


@pytest.fixture
def bundle(make_bundle, tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "small.edge")


def arguments(server: Server, bundle: Path, *more: object) -> list[str]:
    host = f"{getpass.getuser()}@127.0.0.1"
    asked = ["bench", bundle, "--ssh", host, *server.options, "--duration", "0.3", "--threads", "1", *more]
    return [str(word) for word in asked]


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def ask(server: Server, bundle: Path, capsys: pytest.CaptureFixture[str]):
    """Run the command in this process: `ask(*more arguments)`."""

    def run(*more: object) -> Done:
        code = run_command(edge_bench, arguments(server, bundle, *more))
        return Done(code, *capsys.readouterr())

    return run


def installed(server: Server) -> list[str]:
    return sorted(path.name for path in (server.cache / "edge").glob("*")) if server.cache.exists() else []


def test_it_installs_proves_and_brings_the_evidence_back(server, wheelhouse, ask, bundle, tmp_path):
    out = tmp_path / "pi.json"
    (server.folder / ".bashrc").write_text("echo Welcome to your board\n")
    done = ask("--wheelhouse", wheelhouse, "-o", out)
    assert done.returncode == ExitCode.OK, done.stderr
    assert "installing" in done.stderr and "proven: 5 golden answers" in done.stdout
    evidence = read_evidence(out.read_bytes())
    assert evidence.selftest is True
    assert evidence.report["content_id"] == read_bundle(bundle).manifest.content_id
    (environment,) = installed(server)  # no bundle and no half-made environment stays there
    assert environment.startswith("bench-")
    words = [word for word in server.options if word != "--ssh-option"]
    found = Host(f"{getpass.getuser()}@127.0.0.1", words).run(scripts.LOOK, [environment], seconds=60)
    assert found.stdout.splitlines()[-1] == b"ready"  # the next run installs nothing


@pytest.mark.slow
def test_without_a_wheelhouse_our_wheels_are_sent_and_the_rest_comes_from_its_index(server, wheelhouse, ask):
    server.start(PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheelhouse))
    done = ask()
    assert done.returncode == ExitCode.OK, done.stderr
    assert "from the network" in done.stderr


def test_a_host_key_that_is_not_known_is_refused(server, ask):
    (server.folder / "known_hosts").write_text("")
    done = ask("--ssh-option", "StrictHostKeyChecking=no")
    assert done.returncode == ExitCode.INPUT
    assert f"connect once with `ssh {getpass.getuser()}@127.0.0.1` and check it" in done.stderr.splitlines()[-1]
    assert (server.folder / "known_hosts").read_text() == "" and installed(server) == []


def test_a_user_who_is_not_let_in(server, ask):
    (server.folder / "user_key.pub").write_text("")
    done = ask()
    assert done.returncode == ExitCode.INPUT and "ssh-copy-id" in done.stderr.splitlines()[-1]


def test_nothing_answers(server, ask):
    server.stop()
    done = ask()
    assert done.returncode == ExitCode.INPUT and "nothing answers there" in done.stderr.splitlines()[-1]


def test_there_is_no_ssh(ask, wheelhouse, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    done = ask("--wheelhouse", wheelhouse)
    assert done.returncode == ExitCode.INPUT and "install OpenSSH's client" in done.stderr.splitlines()[-1]


TOOLS = ("sh", "bash", "env", "find", "mktemp", "mkdir", "rm", "mv", "cat", "tar", "sleep")


@pytest.fixture
def poor(server, tmp_path: Path) -> Path:
    """The only programs that the device has: those of `TOOLS`, and what a test adds."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(shutil.which(name))
    server.start(PATH=str(folder))
    return folder


def program(path: Path, script: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("python", "says"),
    [
        (None, "has no Python 3.10 or newer; install one"),
        ("exit 1", "has no Python 3.10 or newer; install one"),
        ('case "$2" in *venv*) exit 1;; esac', "has no venv or pip"),
    ],
    ids=["no python", "an old python", "no venv"],
)
def test_what_the_device_lacks_is_said(server, poor, ask, wheelhouse, python, says):
    if python:
        program(poor / "python3", python)
    done = ask("--wheelhouse", wheelhouse)
    assert done.returncode == ExitCode.INPUT and says in done.stderr.splitlines()[-1], done.stderr


def test_a_full_disk_leaves_nothing_behind(server, poor, ask, wheelhouse):
    program(poor / "python3", f'exec {sys.executable} "$@"')
    program(poor / "tar", 'echo "tar: numpy.whl: Cannot write: No space left on device" >&2; exit 2')
    done = ask("--wheelhouse", wheelhouse)
    assert done.returncode == ExitCode.INPUT
    assert "its disk is full: free some space" in done.stderr.splitlines()[-1]
    assert installed(server) == []


@pytest.mark.slow
def test_wheels_that_do_not_suit_the_device_are_said(server, ask, wheelhouse, tmp_path):
    server.start(PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1")
    done = ask()
    assert done.returncode == ExitCode.INPUT
    assert "cannot install there" in done.stderr and "No matching distribution" in done.stderr.splitlines()[-1]
    assert installed(server) == []


def test_what_was_interrupted_is_not_taken_for_whole(server, poor, bundle, wheelhouse):
    program(poor / "python3", f'case "$2" in venv) sleep 60;; esac; exec {sys.executable} "$@"')
    main = "from edge_benchmarks.cli import main; main()"
    command = [sys.executable, "-c", main, *arguments(server, bundle, "--wheelhouse", wheelhouse)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        for _ in range(600):
            if any(name.endswith(".part") for name in installed(server)):
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    assert installed(server), "it was interrupted before it began"
    assert not any(name.startswith("bench-") for name in installed(server))


def test_one_bundle_one_file(server, ask, bundle):
    assert ask(bundle).returncode == ExitCode.USAGE
    assert ask("-o", "report.html").returncode == ExitCode.USAGE
