"""A wheelhouse: every wheel that a device without network needs to run and to prove bundles, pinned by digest."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_benchmarks.files import new_folder
from edge_benchmarks.remote.wheels import own_wheels, run_pip
from edge_runtime.errors import InputError

REQUIREMENTS = "requirements.txt"
"""Names every wheel with its version and SHA-256."""

_OLDEST_GLIBC, _NEWEST_GLIBC = 17, 31
"""Minor versions: wheels of the day begin at 2.17, and 2.31 is Debian 11's and Ubuntu 20.04's, the oldest in use."""

PLATFORMS = ("linux-aarch64", "linux-x86_64")
"""Systems that a wheelhouse can be made for."""

EXTRAS = ("cpu", "image")
"""Of `edge-runtime`, by default: ONNX Runtime and the decoding of images."""


@dataclass(frozen=True)
class Wheelhouse:
    """What was written."""

    folder: Path
    wheels: tuple[str, ...]
    """File names."""

    @property
    def install(self) -> str:
        """The line that installs all of it on the device, from the folder that holds the wheelhouse."""
        name = self.folder.name
        return f"python3 -m pip install --no-index --find-links {name} --require-hashes -r {name}/{REQUIREMENTS}"


def make_wheelhouse(
    out: Path,
    platform: str,
    python: str = "3.11",
    *,
    extras: Sequence[str] = EXTRAS,
    given: Path | None = None,
) -> Wheelhouse:
    """Download the wheels for another machine, through whatever index pip is set up with.

    Args:
        out: The folder to make; it appears complete or not at all.
        platform: One of `PLATFORMS`.
        python: Version of the device's Python.
        extras: Of `edge-runtime`.
        given: Folder that holds the wheels of `edge-runtime` and `edge-benchmarks`; see `own_wheels`.

    Raises:
        InputError: no such platform or Python, or `out` exists or cannot be written.
        MachineError: pip found no wheel of something for that platform, or no network.
    """
    if platform not in PLATFORMS:
        raise InputError(f"--platform {platform}: one of {', '.join(PLATFORMS)} is expected")
    if not re.fullmatch(r"3\.(1\d|[2-9]\d)", python):
        raise InputError(f"--python {python}: 3.10 or newer is expected, such as 3.11")
    with new_folder(out) as folder, tempfile.TemporaryDirectory(prefix="edge-") as temporary:
        own = own_wheels(Path(temporary), given)
        versions = {_name(wheel): _version(wheel) for wheel in own}
        run_pip(
            "download", "--dest", str(folder), "--find-links", temporary, "--only-binary=:all:",
            "--implementation", "cp", "--python-version", python, *_tags(platform.partition("-")[2]),
            f"edge-runtime[{','.join(extras)}]=={versions['edge_runtime']}",
            f"edge-benchmarks=={versions['edge_benchmarks']}",
        )  # fmt: skip
        wheels = sorted(folder.glob("*.whl"))
        (folder / REQUIREMENTS).write_text("".join(map(_pinned, wheels)), encoding="utf-8")
    return Wheelhouse(out, tuple(wheel.name for wheel in wheels))


def read_wheelhouse(folder: Path) -> Wheelhouse:
    """Read a wheelhouse and hold each wheel against its digest.

    Raises:
        InputError: it is none, or a wheel is missing, added or not what was downloaded.
    """
    wheels = sorted(folder.glob("*.whl")) if folder.is_dir() else []
    listed = folder / REQUIREMENTS
    if not wheels or not listed.is_file():
        raise InputError(f"{folder}: is no wheelhouse; make one with `edge pack --offline --platform ... -o {folder}`")
    if listed.read_text(encoding="utf-8") != "".join(map(_pinned, wheels)):
        raise InputError(f"{folder}: its wheels are not those that {REQUIREMENTS} pins; make it again")
    return Wheelhouse(folder, tuple(wheel.name for wheel in wheels))


def _tags(machine: str) -> list[str]:
    """Name every kind of wheel that the machine takes: pip infers none for a platform that is not this one."""
    names = [f"manylinux_2_{minor}_{machine}" for minor in range(_NEWEST_GLIBC, _OLDEST_GLIBC - 1, -1)]
    return [word for name in (*names, f"manylinux2014_{machine}") for word in ("--platform", name)]


def _pinned(wheel: Path) -> str:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{_name(wheel).replace('_', '-')}=={_version(wheel)} --hash=sha256:{digest}\n"


def _name(wheel: Path) -> str:
    return wheel.name.split("-")[0].lower()


def _version(wheel: Path) -> str:
    return wheel.name.split("-")[1]
