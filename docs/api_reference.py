"""The runtime's public names as Markdown, read from their signatures and docstrings without importing them."""

import re
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parent.parent
FIRST = ("load", "Model", "Prediction", "ModelSlot", "selftest", "SelfTestReport")
"""What a reader needs first; the other names follow by the alphabet, errors at the end."""
ALIASES = ("bundle.Source", "model.Input", "session.Threads")
"""Types that signatures name and the package does not export, since no host needs to."""
CARRIED = ("bundle.Bundle", "manifest.Manifest", "manifest.Variant")
"""Classes of a model's fields; hosts read them and make none."""
WIDTH = 100
"""Most characters of a signature on one line."""


def api_reference() -> str:
    """Return every public name of `edge_runtime`: signature, meaning, parameters, errors."""
    package = griffe.load("edge_runtime", search_paths=[ROOT / "runtime"], docstring_parser="google")
    known = {name: _target(package[name]) for name in package.exports or () if not str(name).startswith("_")}
    errors = [name for name, item in known.items() if item.path.startswith("edge_runtime.errors.")]
    others = sorted(known.keys() - set(errors), key=lambda name: (FIRST.index(name) if name in FIRST else 99, name))
    parts = [line for name in others for line in _entry(known[name])]
    parts += ["## What a model carries", *(line for path in CARRIED for line in _carried(_target(package[path])))]
    parts += ["## Types of arguments", *(line for path in ALIASES for line in _alias(package[path]))]
    parts += ["## Errors and warnings", _errors([known[name] for name in errors])]
    return "\n\n".join(parts)


def _target(item: griffe.Object | griffe.Alias) -> griffe.Object:
    return item.final_target if isinstance(item, griffe.Alias) else item


def _entry(item: griffe.Object) -> Iterator[str]:
    yield f"## `{item.name}`"
    if isinstance(item, griffe.Function):
        yield from _function(item)
    elif isinstance(item, griffe.Class):
        yield from _class(item)
    else:
        raise ValueError(f"{item.path}: docs/api_reference.py renders no {item.kind.value}; add it")


def _class(item: griffe.Class) -> Iterator[str]:
    made_by_hosts = "__init__" in item.members and "dataclass" not in item.labels and not _is_private(item)
    if made_by_hosts:
        yield f"```python\n{_signature(item.members['__init__'], item.name)}\n```"
    yield from _docstring(item)
    if fields := _fields(item):
        yield fields
    for method in item.members.values():
        if isinstance(method, griffe.Function) and not method.name.startswith("_"):
            yield f"### `{item.name}.{method.name}`"
            yield from _function(method)


def _fields(item: griffe.Object) -> str:
    fields = [field for field in item.members.values() if _is_field(field)]
    return "\n".join(f"- `{field.name}: {field.annotation}`{_meaning(field)}" for field in fields)


def _is_private(item: griffe.Class) -> bool:
    """Whether hosts do not call it: its constructor takes a value of a private type."""
    return any(str(parameter.annotation)[:1] == "_" for parameter in item.members["__init__"].parameters)


def _is_field(item: griffe.Object | griffe.Alias) -> bool:
    if item.name.startswith("_"):
        return False
    return isinstance(item, griffe.Attribute) and (item.annotation is not None or "property" in item.labels)


def _meaning(item: griffe.Object | griffe.Alias) -> str:
    return f": {_one_line(item.docstring.value)}" if item.docstring else ""


def _function(item: griffe.Function) -> Iterator[str]:
    signatures = [_signature(overload) for overload in item.overloads or ()] or [_signature(item)]
    yield "```python\n" + "\n".join(signatures) + "\n```"
    yield from _docstring(item)


def _signature(item: griffe.Function, name: str = "") -> str:
    """Return the signature on one line, or with a line for each parameter."""
    parts, keywords = [], False
    for parameter in item.parameters:
        if parameter.name == "self":
            continue
        if parameter.kind is griffe.ParameterKind.keyword_only and not keywords:
            parts.append("*")
            keywords = True
        stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}.get(
            parameter.kind or griffe.ParameterKind.positional_or_keyword, ""
        )
        kind = f": {parameter.annotation}" if parameter.annotation else ""
        default = f" = {parameter.default}" if parameter.default is not None and not stars else ""
        parts.append(f"{stars}{parameter.name}{kind}{default}")
    returns = f" -> {item.returns}" if item.returns and not name else ""
    line = f"{name or item.name}({', '.join(parts)}){returns}"
    return line if len(line) <= WIDTH else f"{name or item.name}(\n    " + ",\n    ".join(parts) + f",\n){returns}"


def _docstring(item: griffe.Object) -> Iterator[str]:
    """Yield the docstring's prose as it is, and each section as a list."""
    for section in item.docstring.parsed if item.docstring else ():
        if section.kind is griffe.DocstringSectionKind.text:
            yield section.value
        elif section.kind in (griffe.DocstringSectionKind.parameters, griffe.DocstringSectionKind.attributes):
            yield "\n".join(f"- `{entry.name}`: {_one_line(entry.description)}" for entry in section.value)
        elif section.kind is griffe.DocstringSectionKind.returns:
            yield "Returns: " + " ".join(_one_line(entry.description) for entry in section.value)
        elif section.kind is griffe.DocstringSectionKind.raises:
            raised = [f"- `{entry.annotation}`: {_one_line(entry.description)}" for entry in section.value]
            yield "Raises:\n\n" + "\n".join(raised)
        else:
            raise ValueError(f"{item.path}: docs/api_reference.py renders no section {section.kind.value!r}; add it")


def _carried(item: griffe.Object) -> Iterator[str]:
    yield f"### `{item.name}`"
    yield from _docstring(item)
    yield _fields(item)


def _alias(item: griffe.Object | griffe.Alias) -> Iterator[str]:
    quoted_name = r"(?<!Literal\[)'([^']*)'"
    value = re.sub(quoted_name, r"\1", str(item.value)) if isinstance(item, griffe.Attribute) else ""
    yield f"`{item.name} = {value}`{_meaning(item)}"


def _errors(items: list[griffe.Object]) -> str:
    lines = ["| name | is a | meaning |", "|---|---|---|"]
    for item in items:
        bases = ", ".join(f"`{base}`" for base in item.bases) if isinstance(item, griffe.Class) else ""
        meaning = _one_line(item.docstring.value) if item.docstring else ""
        lines.append(f"| `{item.name}` | {bases} | {meaning} |")
    return "\n".join(lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())
