"""A small bundle that the real writer made, the runtime's wheel, and fresh environments to install it into."""

import functools
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
NO_REGISTRY = ("Failed to establish a new connection", "Name or service not known", "Temporary failure in name")


@pytest.fixture(scope="module")
def small_bundle(make_bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See `make_bundle`."""
    return make_bundle(tmp_path_factory.mktemp("bundle") / "small.edge")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime's wheel, built from this checkout."""
    out = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT / "runtime")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def bare_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the unpacked wheel, numpy, Pillow and nothing else; made offline."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    show = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.run([python, "-c", show], capture_output=True, text=True, check=True).stdout.strip())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for name in ("numpy", "numpy.libs", "PIL"):
        source = Path(sysconfig.get_path("purelib")) / name
        if source.exists():
            (site / name).symlink_to(source)
    return python


@pytest.fixture(scope="session")
def fresh_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a virtual environment, `pip install` what is named, with the runtime from the wheel; return its `bin`."""

    @functools.cache
    def make(*requirements: str) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--find-links", str(wheel.parent), *requirements]
        result = subprocess.run(
            [str(folder / "bin" / "python"), *install], capture_output=True, text=True, check=False, timeout=900
        )
        if any(sign in result.stderr for sign in NO_REGISTRY):
            pytest.skip("no package registry can be reached")
        assert result.returncode == 0, result.stderr
        return folder / "bin"

    return make
