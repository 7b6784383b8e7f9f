"""Wheels of this project's own two distributions for devices: given, built from a checkout, or downloaded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from edge_runtime.errors import InputError, MachineError

OWN = ("edge-runtime", "edge-benchmarks")
"""What a device installs of this project; both are pure Python, so that one wheel suits every machine."""

_PIP_SECONDS = 900


def own_wheels(into: Path, given: Path | None = None) -> list[Path]:
    """Put one wheel of each of `OWN` into a folder.

    Args:
        into: An existing folder.
        given: A folder that holds them already; by default they are built from the checkout that this program runs
            from, or downloaded in the version that runs.

    Raises:
        InputError: the given folder has not exactly one wheel of each.
        MachineError: pip is missing, or could not build or download them.
    """
    return [_given(name, given, into) if given else _made(name, into) for name in OWN]


def run_pip(*arguments: str, environment: dict[str, str] | None = None) -> None:
    """Run pip of this interpreter, quietly.

    Raises:
        MachineError: pip is missing or failed; with its last line.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, "--quiet"]
    done = subprocess.run(
        command, env=os.environ | (environment or {}), capture_output=True, text=True, timeout=_PIP_SECONDS, check=False
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        reason = said[-1].removeprefix("ERROR: ") if said else f"exit status {done.returncode}"
        raise MachineError(f"pip {arguments[0]}: {reason}; check the network, or give wheels with --wheels DIR")


def _given(name: str, folder: Path, into: Path) -> Path:
    found = sorted(folder.glob(f"{name.replace('-', '_')}-*.whl"))
    if len(found) != 1:
        names = ", ".join(wheel.name for wheel in found) or "none"
        raise InputError(f"{folder}: one wheel of {name} is expected, there is {names}; `python -m build` makes one")
    return Path(shutil.copy2(found[0], into))


def _made(name: str, into: Path) -> Path:
    version, source = metadata.version(name), _checkout(name)
    # Without a release they would ask for each other by a path of this machine.
    environment = {"EDGE_RELEASE": f"=={version}"}
    if source is None:
        run_pip("download", "--no-deps", "--dest", str(into), f"{name}=={version}")
    else:
        isolation = ["--no-build-isolation"] if find_spec("hatchling") else []
        run_pip("wheel", "--no-deps", *isolation, "--wheel-dir", str(into), str(source), environment=environment)
    return _given_in(name, into)


def _given_in(name: str, folder: Path) -> Path:
    (wheel,) = folder.glob(f"{name.replace('-', '_')}-*.whl")
    return wheel


def _checkout(name: str) -> Path | None:
    """Return the folder that a distribution was installed from; None if it came from an index (PEP 610)."""
    origin = metadata.distribution(name).read_text("direct_url.json")
    url = urlparse(json.loads(origin)["url"]) if origin else None
    if url is None or url.scheme != "file":
        return None
    folder = Path(url2pathname(url.path))
    return folder if (folder / "pyproject.toml").is_file() else None
