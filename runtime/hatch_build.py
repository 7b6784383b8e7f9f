"""Build the wheel without what only someone who reads the source needs.

A device installs the wheel, and its size is a promise (60 KB). Comments, the texts below constants and fields, and
docstrings stay in the repository and in the source distribution, but for those of the names that `edge_runtime` exports
and of their modules (other modules list no names either): `help()` of everything that hosts may use is whole, and
docs/runtime-api.md has the fields. The types of functions that hosts do not call, of variables inside of functions and
of private ones stay there too, with what is imported for them alone and the methods of protocols; those of fields, and
of the methods of classes that hosts meet, are in the wheel, since type checkers follow them. What is left out becomes
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
from collections import Counter
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
    """Return every word of the types in these modules: what hosts can reach has its name there."""
    places = [root.joinpath(*module.split(".")) for module in modules]
    files = [place / "__init__.py" if place.is_dir() else place.with_suffix(".py") for place in places]
    parsed = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    types = [kind for module in parsed for node in _seen(module) for kind in _types(node)]
    return {word for kind in types for word in re.findall(r"\w+", ast.unparse(kind))}


def _seen(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and what is in it, but for what is private, and for what functions do."""
    yield node
    for child in ast.iter_child_nodes(node):
        target = getattr(child, "target", child)
        if not _is_private(target) and not getattr(target, "id", "").startswith("_"):
            yield from _seen(child) if not isinstance(node, ast.FunctionDef) or isinstance(child, ast.arguments) else ()


def _types(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what says a type: an annotation, what is returned, the value of an alias, a base."""
    named = [getattr(node, "annotation", None), getattr(node, "returns", None), *getattr(node, "bases", ())]
    if _is_alias(node):
        named.append(node.value)  # type: ignore[attr-defined]
    yield from filter(None, named)


def _is_alias(node: ast.AST) -> bool:
    return isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias"


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
    module = ast.parse(source)
    scopes = list(_scopes(module, public, reached))
    types = [place for node, _, typed in scopes if not typed for place in _signature(node)]
    types += map(_declared, _variables(module))
    for row, start, end in sorted(types, reverse=True):  # from the right, so that columns hold
        line = lines[row - 1].encode()  # columns are those of UTF-8
        lines[row - 1] = (line[:start] + line[end:]).decode()
    for node, documented, _ in scopes:
        for text in _left_out(node, documented):
            for row in range(text.lineno - 1, text.end_lineno or text.lineno):
                lines[row] = "\n"
            if len(node.body) == 1:  # type: ignore[attr-defined] # a body needs a statement
                lines[text.lineno - 1] = " " * text.col_offset + "pass\n"
    for one in filter(_is_protocol, module.body):
        if one.name not in reached:  # type: ignore[attr-defined]
            rows = range(one.body[0].lineno - 1, one.end_lineno or one.lineno)  # type: ignore[attr-defined]
            lines[rows.start : rows.stop] = ["    pass\n", *["\n"] * (len(rows) - 1)]
    for one in _unread_types(ast.parse("".join(lines))):
        lines[one.lineno - 1] = "\n"
    lines = _without_unread_imports("".join(lines)).splitlines(keepends=True)
    for one in filter(_lists_names, () if public else ast.parse("".join(lines)).body):
        lines[one.lineno - 1 : one.end_lineno] = ["\n"] * ((one.end_lineno or one.lineno) - one.lineno + 1)
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


def _variables(module: ast.Module) -> Iterator[ast.AnnAssign]:
    """Yield what declares and sets a variable that no host can name: in a function, or private and not a field."""
    functions = [node for node in ast.walk(module) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    inner = {id(one): one for function in functions for one in ast.walk(function) if isinstance(one, ast.AnnAssign)}
    outer = {id(one): one for one in module.body if isinstance(one, ast.AnnAssign) and not _is_alias(one)}
    for one in (inner | outer).values():
        name: str = getattr(one.target, "attr", "") or getattr(one.target, "id", "")
        is_local = id(one) in inner and isinstance(one.target, ast.Name)
        if one.value is not None and (is_local or name.startswith("_")) and one.annotation.end_lineno == one.lineno:
            yield one


def _declared(variable: ast.AnnAssign) -> tuple[int, int, int]:
    """Return line, first and last column of a variable's type."""
    return variable.lineno, variable.target.end_col_offset or 0, variable.annotation.end_col_offset or 0


def _without_unread_imports(source: str) -> str:
    """Leave out what was imported for types that are gone; who imports it from here instead does not pass mypy."""
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source)
    body = tree.body
    if not any(getattr(node, "annotation", None) or getattr(node, "returns", None) for node in ast.walk(tree)):
        lines = ["\n" if line.startswith("from __future__") else line for line in lines]
    for block in filter(_is_for_types, body):
        rows = range(block.lineno, block.end_lineno or block.lineno)
        for one in block.body:  # type: ignore[attr-defined]
            _keep_read(lines, one)
        if not any(lines[row].strip() for row in rows):
            lines[block.lineno - 1] = "\n"
    for one in body:
        _keep_read(lines, one)
    return "".join(lines)


def _keep_read(lines: list[str], one: ast.stmt) -> None:
    """Leave in an import only names that the other lines have; one of several lines has a name on each."""
    if not isinstance(one, (ast.Import, ast.ImportFrom)) or getattr(one, "module", "") == "__future__":
        return
    first, end = one.lineno - 1, one.end_lineno or one.lineno
    words = set(re.findall(r"\w+", "".join(lines[:first] + lines[end:])))
    unread = [one.names[at] for at, name in enumerate(map(_bound, one.names)) if name not in words]
    if len(unread) == len(one.names):
        lines[first:end] = ["\n"] * (end - first)
    elif end > first + 1:
        for alias in unread:
            lines[alias.lineno - 1] = "\n"
    else:
        one.names = [alias for alias in one.names if alias not in unread]
        lines[first] = " " * one.col_offset + ast.unparse(one) + "\n"


def _bound(alias: ast.alias) -> str:
    """Return the name that an import gives to the module."""
    return alias.asname or alias.name.partition(".")[0]


def _is_for_types(statement: ast.stmt) -> bool:
    is_name = isinstance(statement, ast.If) and isinstance(statement.test, ast.Name)
    return is_name and statement.test.id == "TYPE_CHECKING"  # type: ignore[attr-defined]


def _unread_types(module: ast.Module) -> list[ast.stmt]:
    """Return private aliases and variables of types, of one line, that nothing reads any more."""
    words = Counter(re.findall(r"\w+", ast.unparse(module)))
    found = []
    for one in module.body:
        variable = isinstance(one, ast.Assign) and ast.unparse(one.value).startswith("TypeVar(")
        if _is_alias(one) or variable:
            name = ast.unparse(one).split()[0].rstrip(":")
            if name.startswith("_") and words[name] == 1 + variable:  # a variable tells its name
                found.append(one)
    return found


def _is_protocol(node: ast.AST) -> bool:
    """Whether this is a class for type checkers alone."""
    return isinstance(node, ast.ClassDef) and [ast.unparse(base) for base in node.bases] == ["Protocol"]


def _lists_names(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "__all__"


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


class _Plain(ast.NodeTransformer):
    """Takes out of a syntax tree what nobody reads at run time."""

    def __init__(self, module: ast.Module) -> None:
        self._variables = set(_variables(module))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node not in self._variables or node.value is None:
            return node
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if _is_protocol(node):
            node.body = []  # type: ignore[attr-defined]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one) and not isinstance(one, ast.Pass)]  # type: ignore[attr-defined]
        return node


def _code(source: str) -> str:
    """Return what a module does: its syntax tree without texts, their `pass`, and what is for types alone."""
    tree = ast.parse(source)
    tree.body = [one for one in tree.body if not _is_for_types(one) and not _lists_names(one)]
    tree = _Plain(tree).visit(tree)
    unread = _unread_types(tree)
    tree.body = [one for one in tree.body if one not in unread]
    read = set(re.findall(r"\w+", "\n".join(ast.unparse(one) for one in tree.body if not hasattr(one, "names"))))
    for one in tree.body:
        if hasattr(one, "names"):
            one.names = [alias for alias in one.names if _bound(alias) in read]
    tree.body = [one for one in tree.body if getattr(one, "names", True)]
    return ast.dump(tree)
