"""Build the wheel without what only someone who reads the source needs.

A device installs the wheel, and its size is a promise (60 KB). Comments, the texts below constants and fields, and
docstrings stay in the repository and in the source distribution, but for those of the names that `edge_runtime` exports
and of their modules: `help()` of everything that hosts may use is whole, and docs/runtime-api.md has the fields. The
types of functions that hosts do not call stay there too, with what is imported for them alone; those of fields, and of
the methods of classes that hosts meet, are in the wheel, since type checkers follow them. What is left out becomes
empty lines, and only the indent of what stays is smaller, so that a traceback from a device has the line numbers of the
source.
"""

from __future__ import annotations

import ast
import io
import re
import shutil
import tempfile
import tokenize
from collections.abc import Collection, Iterator
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
        public = exported((source / "__init__.py").read_text(encoding="utf-8"))
        reached = named_in(source.parent, public)
        for file in sorted(source.rglob("*")):
            if file.suffix not in (".py", ".typed"):
                continue
            place = file.relative_to(source.parent)
            slim = self._copy / place
            slim.parent.mkdir(parents=True, exist_ok=True)
            text = file.read_text(encoding="utf-8")
            module = ".".join(place.with_suffix("").parts).removesuffix(".__init__")
            slim.write_text(
                slimmed(text, public.get(module, ()), reached) if file.suffix == ".py" else text, encoding="utf-8"
            )
            build_data["force_include"][str(slim)] = place.as_posix()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copy."""
        if version != "editable":
            shutil.rmtree(self._copy)


def exported(source: str) -> dict[str, set[str]]:
    """Return the modules that the package takes its public names from, with these, of the source of its `__init__`."""
    public: dict[str, set[str]] = {PACKAGE: {PACKAGE}}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            public.setdefault(node.module or "", set()).update(alias.name for alias in node.names)
    return public


def named_in(root: Path, modules: Collection[str]) -> set[str]:
    """Return every name that stands in these modules: what hosts can reach has one there."""
    places = [root.joinpath(*module.split(".")) for module in modules]
    files = [place / "__init__.py" if place.is_dir() else place.with_suffix(".py") for place in places]
    return {name for file in files for name in re.findall(r"\w+", file.read_text(encoding="utf-8"))}


def slimmed(source: str, public: Collection[str] = (), reached: Collection[str] = ()) -> str:
    """Return a module indented less, without comments, texts below assignments, and private docstrings and types.

    Everything stays on its line.

    Args:
        source: Of the module.
        public: Those of its names that hosts use.
        reached: Classes of such names keep the types of their methods.

    Raises:
        ValueError: the module would not do the same any more.
    """
    lines = source.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    scopes = list(_scopes(ast.parse(source), public, reached))
    types = [place for node, _, typed in scopes if not typed for place in _signature(node)]
    for row, start, end in sorted(types, reverse=True):  # from the right, so that columns hold
        line = lines[row - 1].encode()  # columns are those of UTF-8
        lines[row - 1] = (line[:start] + line[end:]).decode()
    for node, documented, _ in scopes:
        for text in _left_out(node, documented):
            for row in range(text.lineno - 1, text.end_lineno or text.lineno):
                lines[row] = "\n"
            if len(node.body) == 1:  # type: ignore[attr-defined] # a body needs a statement
                lines[text.lineno - 1] = " " * text.col_offset + "pass\n"
    for row in _unread_imports("".join(lines)):
        lines[row - 1] = "\n"
    slim = _indented_by_one("".join(lines))
    if _code(source) != _code(slim):
        raise ValueError("a module would not do the same without its comments; this is a defect of the build")
    return slim


def _scopes(
    module: ast.Module, public: Collection[str], reached: Collection[str]
) -> Iterator[tuple[ast.AST, bool, bool]]:
    """Yield every node, and whether its docstring and the types of its signature stay."""
    yield module, bool(public), True
    for node in module.body:
        name = getattr(node, "name", "")
        known = name in public or (name.endswith("__") and bool(public))
        yield from _inner(node, known, known or (isinstance(node, ast.ClassDef) and name in reached))


def _inner(node: ast.AST, documented: bool, typed: bool) -> Iterator[tuple[ast.AST, bool, bool]]:
    yield node, documented, typed
    for child in ast.iter_child_nodes(node):
        seen = not _is_private(child)
        yield from _inner(child, documented and seen, typed and seen)


def _is_private(node: ast.AST) -> bool:
    name = getattr(node, "name", None) or ""
    return name.startswith("_") and not name.endswith("__")


def _signature(function: ast.AST) -> Iterator[tuple[int, int, int]]:
    """Yield line, first and last column of the types in a signature; one that spans lines stays."""
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    for argument in ast.walk(function.args):
        if isinstance(argument, ast.arg) and (kind := argument.annotation) and kind.end_lineno == argument.lineno:
            yield argument.lineno, argument.col_offset + len(argument.arg.encode()), kind.end_col_offset or 0
    kind = function.returns
    if kind and kind.end_lineno == kind.lineno:
        yield kind.lineno, kind.col_offset - len(" -> "), kind.end_col_offset or 0


def _unread_imports(source: str) -> set[int]:
    """Return the lines of imports for types alone that no type reads any more."""
    rows: set[int] = set()
    lines = source.splitlines()
    for block in filter(_is_for_types, ast.parse(source).body):
        end = block.end_lineno or block.lineno
        rest = "\n".join(lines[: block.lineno - 1] + lines[end:])
        for one in block.body:  # type: ignore[attr-defined]
            names = [alias.asname or alias.name for alias in one.names]
            if not any(re.search(rf"\b{name.partition('.')[0]}\b", rest) for name in names):
                rows |= set(range(one.lineno, one.end_lineno + 1))
        if rows.issuperset(row for row in range(block.lineno + 1, end + 1) if lines[row - 1].strip()):
            rows.add(block.lineno)
    return rows


def _is_for_types(statement: ast.stmt) -> bool:
    is_name = isinstance(statement, ast.If) and isinstance(statement.test, ast.Name)
    return is_name and statement.test.id == "TYPE_CHECKING"  # type: ignore[attr-defined]


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


def _left_out(node: ast.AST, documented: bool) -> list[ast.Expr]:
    """Return the texts in a body that nobody reads at run time."""
    body = getattr(node, "body", [])
    texts = [statement for statement in body if _is_text(statement)] if isinstance(body, list) else []
    documents = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    return texts[1:] if documents and documented and bool(body) and _is_text(body[0]) else texts


def _is_text(statement: ast.AST) -> bool:
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant and isinstance(statement.value.value, str)  # type: ignore[attr-defined]


def _code(source: str) -> str:
    """Return what a module does: its syntax tree without texts, their `pass`, and what is for types alone."""
    tree = ast.parse(source)
    tree.body = [one for one in tree.body if not _is_for_types(one)]
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one) and not isinstance(one, ast.Pass)]  # type: ignore[attr-defined]
    return ast.dump(tree)
