"""Frozen dataclasses that share their methods: compiling them anew for each took a twentieth of a process's start."""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, FrozenInstanceError, dataclass
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]


class _Shared:
    def __init__(self, *values: Any, **named: Any) -> None:
        fields: dict[str, Any] = vars(type(self))["__dataclass_fields__"]
        given = dict(zip(fields, values, strict=False)) | named
        made = vars(self)
        for name, field in fields.items():
            made[name] = given.get(name, field.default)
            if made[name] is MISSING and field.default_factory is not MISSING:
                made[name] = field.default_factory()
        if len(given) != len(values) + len(named) or len(made.keys() | given) > len(fields) or MISSING in made.values():
            raise TypeError(f"{type(self).__name__} takes {', '.join(fields)}, each once")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __setattr__(self, name: str, *_: object) -> None:
        raise FrozenInstanceError(f"cannot change field {name!r}")

    __delattr__ = __setattr__


if not TYPE_CHECKING:  # to type checkers it is the one of `dataclasses`

    def dataclass(*, frozen: bool) -> Any:
        """Make a dataclass as `dataclasses.dataclass(frozen=True)` does."""

        def share(kind: type) -> type:
            kind.__doc__ = (
                kind.__doc__ or kind.__name__
            )  # else `dataclasses` writes the signature, which takes its time
            dataclasses.dataclass(init=False, repr=False, eq=False)(kind)
            for name in ("init", "repr", "eq", "hash", "setattr", "delattr"):
                setattr(kind, f"__{name}__", vars(_Shared)[f"__{name}__"])
            return kind

        return share
