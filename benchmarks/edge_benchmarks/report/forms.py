"""The forms of one kind of report: which there are, which one a file's name asks for, and how files get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from edge_benchmarks.files import check_target, write_file
from edge_benchmarks.report.interface import Document, Renderer
from edge_runtime.errors import InputError


@dataclass(frozen=True)
class Forms:
    """All forms of one kind of report."""

    modules: Mapping[str, str]
    """Name to module with a `render`; imported when used, since a table in a terminal needs no matplotlib."""
    suffixes: Mapping[str, str]
    """Suffix of a file's name to the form that it asks for."""

    def render(self, document: Document, form: str) -> str:
        """Return a document in one of the forms."""
        renderer: Renderer = import_module(self.modules[form]).render
        return renderer(document)

    def check(self, paths: Sequence[Path]) -> None:
        """Refuse names that could not be written, before minutes are spent on measuring.

        Raises:
            InputError: the form is not known from the name, or the folder does not exist.
        """
        for path in paths:
            if path.suffix.lower() not in self.suffixes:
                known = ", ".join(self.suffixes)
                raise InputError(f"{path}: no report form has the suffix {path.suffix!r}; use {known}")
            check_target(path)

    def write(self, document: Document, paths: Sequence[Path]) -> None:
        """Write the document in the form that each name asks for.

        Raises:
            InputError: the disk refused.
        """
        for path in paths:
            write_file(path, self.render(document, self.suffixes[path.suffix.lower()]).encode())
