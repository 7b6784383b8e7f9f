"""Read untrusted JSON into frozen dataclasses: strict about names, types and sizes, and clear about what is wrong."""

from __future__ import annotations

import json
import math
import re
import reprlib
import types
from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from edge_runtime.errors import SchemaError

T = TypeVar("T")

MAX_ITEMS = 100_000
"""Most entries of any list or object; ImageNet-21k has 21,843 labels."""
MAX_TEXT = 4_096
"""Most characters of any text that a rule reads."""
_MAX_DIGITS = 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def fail(where: str, value: object, rule: str) -> NoReturn:
    """Raise the one error of this module: the field's dotted name, the value seen and the rule it breaks."""
    raise SchemaError(f"{where}: {reprlib.repr(value)} is refused; {rule}")


def require(holds: bool, where: str, value: object, rule: str) -> None:
    """Raise SchemaError unless the rule holds."""
    if not holds:
        fail(where, value, rule)


def parse_json(data: bytes, what: str, limit: int) -> object:
    """Parse UTF-8 JSON of at most `limit` bytes; no duplicate names, no NaN, no endless numbers, no lone surrogates.

    Raises:
        SchemaError: the bytes break one of these rules.
    """
    if len(data) > limit:
        raise SchemaError(f"{what}: {len(data)} bytes is refused; at most {limit} are read")
    try:
        document = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_bounded_int,
            parse_float=_finite,
        )
        if b"\\u" in data:
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise SchemaError(
            f"{what}: not the JSON that edge writes ({_first_line(error)}); make the bundle again"
        ) from error
    return cast(object, document)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        seen: set[str] = set()
        double = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {reprlib.repr(double)} stands twice")
    return document


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"the number {text}")


def _bounded_int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {reprlib.repr(text)}")
    return value


def read_dataclass(kind: type[T], document: object, where: str = "") -> T:
    """Make a `kind` of a JSON object that has exactly its fields, each of the annotated type.

    Understood annotations: str, int, float, bool, Literal, unions, `tuple[X, ...]`, `tuple[X, Y]`, `dict[str, X]`,
    Any and other dataclasses.

    Raises:
        SchemaError: with the dotted name of the first field that is missing, unknown or of another type.
    """
    if not isinstance(document, dict):
        fail(where or "document", document, "an object is expected")
    hints = _hints(cast(Hashable, kind))
    for name in document:
        require(name in hints, _join(where, name), name, "no such field is known; fields are " + ", ".join(hints))
    for name in hints:
        if name not in document:
            raise SchemaError(f"{_join(where, name)}: missing")
    return kind(**{name: _read(hint, document[name], _join(where, name)) for name, hint in hints.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _read(hint: Any, value: object, where: str) -> Any:
    origin = get_origin(hint)
    if hint is Any:
        return value
    if is_dataclass(hint):
        return read_dataclass(cast(type[Any], hint), value, where)
    if origin is not None:
        return _FORMS[origin](get_args(hint), value, where)
    return _SCALARS[hint](value, where)


def _read_literal(choices: Sequence[Any], value: object, where: str) -> Any:
    require(isinstance(value, str) and value in choices, where, value, f"one of {', '.join(map(str, choices))}")
    return value


def _read_union(hints: Sequence[Any], value: object, where: str) -> Any:
    if value is None and type(None) in hints:
        return None
    present = [hint for hint in hints if hint is not type(None)]
    if len(present) > 1:  # unions of plain types only, such as `int | str`
        present = [hint for hint in present if type(value) is hint]
        require(
            bool(present), where, value, "one of " + ", ".join(getattr(hint, "__name__", str(hint)) for hint in hints)
        )
    return _read(present[0], value, where)


def _read_tuple(hints: Sequence[Any], value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        fail(where, value, f"a list of at most {MAX_ITEMS} items is expected")
    if hints[-1] is Ellipsis:
        hints = [hints[0]] * len(value)
    require(len(value) == len(hints), where, value, f"{len(hints)} items are expected")
    return tuple(_read(hint, item, f"{where}[{at}]") for at, (hint, item) in enumerate(zip(hints, value, strict=True)))


def _read_dict(hints: Sequence[Any], value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > MAX_ITEMS:
        fail(where, value, f"an object of at most {MAX_ITEMS} entries is expected")
    return {read_text(name, where): _read(hints[1], item, _join(where, name)) for name, item in value.items()}


def read_text(value: object, where: str) -> str:
    """Return text on one line, of at most `MAX_TEXT` characters; raise SchemaError for anything else."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or _CONTROL.search(value):
        fail(where, value, f"text of at most {MAX_TEXT} characters on one line is expected")
    return value


def _int(value: object, where: str) -> int:
    if type(value) is not int:
        fail(where, value, "an integer is expected")
    return value


def _float(value: object, where: str) -> float:
    if type(value) not in (int, float):
        fail(where, value, "a number is expected")
    return float(cast(float, value))


def _bool(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        fail(where, value, "true or false is expected")
    return value


_SCALARS: dict[Any, Callable[[object, str], Any]] = {str: read_text, int: _int, float: _float, bool: _bool}
_FORMS: dict[Any, Callable[[Sequence[Any], object, str], Any]] = {
    Literal: _read_literal,
    Union: _read_union,
    types.UnionType: _read_union,
    tuple: _read_tuple,
    dict: _read_dict,
}
