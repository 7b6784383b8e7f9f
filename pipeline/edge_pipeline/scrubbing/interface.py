"""What finds personal data of one kind, and what a scrub was asked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.errors import MachineError

INSTALL_SCRUB = 'pip install "edge-toolchain[scrub]"'
REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "CN", "JP")
"""Whose national telephone numbers are looked for unless others are named."""


@dataclass(frozen=True)
class ScrubConfig:
    """What to look for, and where."""

    kinds: tuple[str, ...] = ()
    """Names of `KINDS`; all of them when empty. `name` and `pattern` need `names` and `patterns`."""
    columns: tuple[str, ...] = ()
    """Columns or keys to mask; when empty every one but `KEPT_COLUMNS`."""
    names: Path | None = None
    """A text file with one name a line."""
    patterns: tuple[str, ...] = ()
    """Regular expressions, each as `REGEX` or `MASK=REGEX`."""
    regions: tuple[str, ...] = ()
    """Two-letter countries whose national telephone numbers are looked for; `REGIONS` when empty."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to search, in two forms of equal length."""

    text: str
    """As it stands in the data."""
    folded: str
    """With the digits and punctuation of every script as ASCII: see `fold`."""


Range = tuple[int, int]
"""Start and end in characters of the passage."""
Finder = Callable[[Passage], Iterator[Range]]


@dataclass(frozen=True)
class Kind:
    """One member of the family: a kind of personal data."""

    name: str
    summary: str
    """One line for the documentation."""
    make: Callable[[ScrubConfig], dict[str, Finder]]
    """Returns what finds it, by the mask that replaces it; nothing where the configuration does not ask for it.
    Raises `MachineError` when a package that it needs is absent, `InputError` when what it was given is unfit."""


def require(module: str) -> Any:
    """Import a module of the scrub extra.

    Raises:
        MachineError: it is not installed.
    """
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        package = "python-stdnum" if module.startswith("stdnum") else "phonenumbers"
        raise MachineError(
            f"{package} is not installed; run `{INSTALL_SCRUB}`, or leave out what needs it with --kinds"
        ) from error
