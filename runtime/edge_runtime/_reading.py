"""Read untrusted JSON into frozen dataclasses: strict about names, types and sizes, and clear about what is wrong."""

from __future__ import annotations

import json
import re
import reprlib
import sys
import types
from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields, is_dataclass
from functools import cache, partial
from typing import Any, Literal, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from edge_runtime.errors import SchemaError

_T = TypeVar("_T")
Reader = Callable[[object, str], Any]
"""Gives the value that a JSON value stands for; the text is where it stands, for errors."""

MAX_ITEMS = 100_000
"""Most entries of any list or object; ImageNet-21k has 21,843 labels."""
MAX_TEXT = 4_096
"""Most characters of any text that a rule reads."""
MAX_DEPTH = 32
"""Most levels of lists and objects in what a bundle's maker may fill freely."""
MAX_NUMBER = 1e300
"""What every number stays under, whatever its sign: no infinity, and no integer that a float cannot hold."""
_MAX_WHERE = 200
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def fail(where: str, value: object, rule: str) -> NoReturn:
    """Raise the one error of this module: the field's dotted name, the value seen and the rule it breaks."""
    raise SchemaError(f"{_plain(where)}: {reprlib.repr(value)} is refused; {rule}")


def _plain(where: str) -> str:
    """Make a name that came from outside fit for one line of an error."""
    where = CONTROL.sub("?", where)
    return where if len(where) <= _MAX_WHERE else f"{where[:_MAX_WHERE]}..."


def require(holds: object, where: str, value: object, rule: str) -> None:
    """Raise SchemaError unless the rule holds."""
    if not holds:
        fail(where, value, rule)


def is_sha256(text: str) -> bool:
    """Whether this is a digest as a bundle has it: 64 lower-case hexadecimal digits."""
    return len(text) == 64 and not set(text) - set("0123456789abcdef")


def parse_json(data: bytes, what: str, limit: int) -> object:
    """Parse UTF-8 JSON of at most `limit` bytes; no duplicate names, no NaN, no endless numbers, no lone surrogates.

    Raises:
        SchemaError: the bytes break one of these rules.
    """
    if len(data) > limit:
        raise SchemaError(f"{what}: {len(data)} bytes is refused; at most {limit} are read")
    try:
        document: object = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_PARSE_INT,
        )
        if b"\\u" in data:
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise SchemaError(
            f"{what}: not the JSON that edge writes ({_first_line(error)}); make the bundle again"
        ) from error
    return document


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
    if len(text) > 4300:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


# Python 3.10.7 and newer bound the digits by themselves, without a call for each number.
_PARSE_INT = None if hasattr(sys, "get_int_max_str_digits") else _bounded_int


def read_dataclass(kind: type[_T], document: object, where: str = "") -> _T:
    """Make a `kind` of a JSON object that has exactly its fields, each of the annotated type.

    Understood annotations: str, int, float, bool, Literal, unions, `tuple[X, ...]`, `tuple[X, Y]`, `dict[str, X]`,
    Any and other dataclasses; in a union these have a field `kind`, whose default tells one from another.

    Raises:
        SchemaError: with the dotted name of the first field that is missing, unknown or of another type.
    """
    if not isinstance(document, dict):
        fail(where or "document", document, "an object is expected")
    readers = _readers(cast(Hashable, kind))
    if document.keys() != readers.keys():
        _refuse_names(document, readers, where)
    prefix = where and f"{where}."
    return kind(**{name: read(document[name], prefix + name) for name, read in readers.items()})


def _refuse_names(document: dict[str, Any], readers: dict[str, Reader], where: str) -> NoReturn:
    for name in document:
        if name not in readers:
            fail(_join(where, name), name, "no such field is known; fields are " + ", ".join(readers))
    missing = next(name for name in readers if name not in document)
    raise SchemaError(f"{_join(where, missing)}: missing; make the bundle again")


@cache
def _readers(kind: Any) -> dict[str, Reader]:
    hints = get_type_hints(kind)
    return {field.name: _reader(hints[field.name]) for field in fields(kind)}


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _reader(hint: Any) -> Reader:
    """Return what reads a value of this annotation; made once for each field, not once for each value."""
    if is_dataclass(hint):
        return partial(read_dataclass, cast(type[Any], hint))
    origin = get_origin(hint)
    return _SCALARS[hint] if origin is None else _FORMS[origin](get_args(hint))


def _read_any(value: object, where: str) -> Any:
    """What the maker may fill freely: of any shape, but nested only as deep as every reader can follow."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for item in level:
            if type(item) is dict:
                inner += item.values()
            elif type(item) is list:
                inner += item
            elif type(item) in _NUMBERS and not -MAX_NUMBER < item < MAX_NUMBER:
                fail(where, item, _NUMBER)
        if not inner:
            return value
        level = inner
    fail(where, value, f"at most {MAX_DEPTH} levels are expected")


def _literal(choices: Sequence[Any]) -> Reader:
    def read(value: object, where: str) -> Any:
        if not isinstance(value, str) or value not in choices:
            fail(where, value, f"one of {', '.join(map(str, choices))}")
        return value

    return read


def _union(hints: Sequence[Any]) -> Reader:
    nullable = type(None) in hints
    present = [hint for hint in hints if hint is not type(None)]
    plain = {hint: _reader(hint) for hint in present}
    only = plain[present[0]] if len(present) == 1 else None
    if only is None and all(map(is_dataclass, present)):
        only = _told_apart(present)

    def read(value: object, where: str) -> Any:
        if value is None and nullable:
            return None
        chosen = only or plain.get(type(value))  # several: plain types only, such as `int | str`
        if chosen is None:
            fail(where, value, "one of " + ", ".join(getattr(hint, "__name__", str(hint)) for hint in hints))
        return chosen(value, where)

    return read


def _told_apart(hints: Sequence[Any]) -> Reader:
    """Return what reads one of several dataclasses: each has a field `kind`, whose default is its name in JSON."""
    kinds = {field.default: _reader(hint) for hint in hints for field in fields(hint) if field.name == "kind"}

    def read(value: object, where: str) -> Any:
        kind = value.get("kind") if isinstance(value, dict) else value
        if not isinstance(kind, str) or kind not in kinds:
            fail(f"{where}.kind", kind, f"one of {', '.join(map(str, kinds))}")
        return kinds[kind](value, where)

    return read


def _tuple(hints: Sequence[Any]) -> Reader:
    readers = [_reader(hint) for hint in hints if hint is not Ellipsis]
    endless = hints[-1] is Ellipsis

    def read(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            fail(where, value, f"a list of at most {MAX_ITEMS} items is expected")
        own = readers * len(value) if endless else readers
        if len(value) != len(own):
            fail(where, value, f"{len(own)} items are expected")
        return tuple([reader(item, f"{where}[{at}]") for at, (reader, item) in enumerate(zip(own, value, strict=True))])

    return read


def _dict(hints: Sequence[Any]) -> Reader:
    reader = _reader(hints[1])

    def read(value: object, where: str) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > MAX_ITEMS:
            fail(where, value, f"an object of at most {MAX_ITEMS} entries is expected")
        return {read_text(name, where): reader(item, f"{where}.{name}") for name, item in value.items()}

    return read


def read_text(value: object, where: str) -> str:
    """Return text on one line, of at most `MAX_TEXT` characters; raise SchemaError for anything else."""
    # What is printable has no control character; the search is for the rest, such as a no-break space.
    if not isinstance(value, str) or len(value) > MAX_TEXT or (not value.isprintable() and CONTROL.search(value)):
        fail(where, value, f"text of at most {MAX_TEXT} characters on one line is expected")
    return value


_NUMBERS = (int, float)


_NUMBER = f"a number under {MAX_NUMBER:g} is expected"


def _int(value: object, where: str) -> int:
    if type(value) is not int or not -MAX_NUMBER < value < MAX_NUMBER:
        fail(where, value, "an integer is expected")
    return value


def _float(value: Any, where: str) -> float:
    if type(value) not in _NUMBERS or not -MAX_NUMBER < value < MAX_NUMBER:
        fail(where, value, _NUMBER)
    return float(value)


def _bool(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        fail(where, value, "true or false is expected")
    return value


_SCALARS: dict[Any, Reader] = {str: read_text, int: _int, float: _float, bool: _bool, Any: _read_any}
_FORMS: dict[Any, Callable[[Sequence[Any]], Reader]] = {
    Literal: _literal,
    Union: _union,
    types.UnionType: _union,
    tuple: _tuple,
    dict: _dict,
}
