"""Build the wheel without what only someone who reads the source needs.

A device installs the wheel, and its size is a promise (60 KB). Comments, the texts below constants and fields, and
docstrings stay in the repository and in the source distribution, but for those of the modules whose names
`edge_runtime` exports: `help()` of everything that hosts may use is whole, and docs/runtime-api.md has the fields. What
is left out becomes empty lines, and only the indent of what stays is smaller, so that a traceback from a device has the
line numbers of the source.
"""

from __future__ import annotations

import ast
import io
import shutil
import tempfile
import tokenize
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "edge_runtime"


class SlimHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hands the builder a slimmed copy of the package; an editable install keeps the files as they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the copy and name it as what the wheel holds."""
        if version == "editable":
            return
        self._copy = Path(tempfile.mkdtemp(prefix="edge-runtime-"))
        source = Path(self.root) / PACKAGE
        public = exporting_modules((source / "__init__.py").read_text(encoding="utf-8"))
        for file in sorted(source.rglob("*")):
            if file.suffix not in (".py", ".typed"):
                continue
            place = file.relative_to(source.parent)
            slim = self._copy / place
            slim.parent.mkdir(parents=True, exist_ok=True)
            text = file.read_text(encoding="utf-8")
            private = ".".join(place.with_suffix("").parts).removesuffix(".__init__") not in public
            slim.write_text(slimmed(text, private) if file.suffix == ".py" else text, encoding="utf-8")
            build_data["force_include"][str(slim)] = place.as_posix()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copy."""
        if version != "editable":
            shutil.rmtree(self._copy)


def exporting_modules(source: str) -> set[str]:
    """Return the package and the modules that it takes its public names from, of the source of its `__init__`."""
    tree = ast.walk(ast.parse(source))
    return {PACKAGE} | {node.module for node in tree if isinstance(node, ast.ImportFrom) and node.module}


def slimmed(source: str, private: bool = False) -> str:
    """Return a module without comments, texts below assignments and docstrings of private names, and indented less.

    Everything stays on its line.

    Args:
        source: Of the module.
        private: Hosts use nothing of it.

    Raises:
        ValueError: the module would not do the same any more.
    """
    lines = source.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    for node in ast.walk(ast.parse(source)):
        for text in _left_out(node, private):
            for row in range(text.lineno - 1, text.end_lineno or text.lineno):
                lines[row] = "\n"
            if len(node.body) == 1:  # type: ignore[attr-defined] - a body needs a statement
                lines[text.lineno - 1] = " " * text.col_offset + "pass\n"
    slim = _indented_by_one("".join(lines))
    if _code(source) != _code(slim):
        raise ValueError("a module would not do the same without its comments; this is a defect of the build")
    return slim


def _indented_by_one(source: str) -> str:
    """Return a module with one space for each level; the inner lines of texts stay as they are."""
    texts = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.Constant, ast.JoinedStr))]
    inner = {row for text in texts for row in range(text.lineno + 1, (text.end_lineno or 0) + 1)}
    lines = source.splitlines(keepends=True)
    level, begins = 0, True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        level += (token.type == tokenize.INDENT) - (token.type == tokenize.DEDENT)
        if token.type == tokenize.NEWLINE:
            begins = True
        elif begins and token.string.strip():
            row = token.start[0]
            lines[row - 1] = "\0" + " " * level + lines[row - 1].lstrip()
            begins = False
    return "".join(_stripped(line) if row not in inner else line for row, line in enumerate(lines, 1))


def _stripped(line: str) -> str:
    """Return a line that begins a statement with its indent, and any other one without."""
    return line[1:] if line.startswith("\0") else line.lstrip(" ")


def _left_out(node: ast.AST, private: bool) -> list[ast.Expr]:
    """Return the texts in a body that nobody reads at run time."""
    body = getattr(node, "body", [])
    texts = [statement for statement in body if _is_text(statement)] if isinstance(body, list) else []
    documents = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    name = getattr(node, "name", None) or ""
    private = private or (name.startswith("_") and not name.endswith("__"))
    public = documents and not private and bool(body) and _is_text(body[0])
    return texts[1:] if public else texts


def _is_text(statement: ast.AST) -> bool:
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant and isinstance(statement.value.value, str)  # type: ignore[attr-defined]


def _code(source: str) -> str:
    """Return what a module does: its syntax tree without texts and without the `pass` that stands for them."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one) and not isinstance(one, ast.Pass)]  # type: ignore[attr-defined]
    return ast.dump(tree)
