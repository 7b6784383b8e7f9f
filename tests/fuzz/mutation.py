"""Change JSON as JSON, so that changes get past the parser; libFuzzer's own changes come on top."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 8192, 1 << 31, 1 << 32, 1 << 64, 10**19, 10**299, 10**301, 0.0, -0.0, 0.5, 1e308),
    *("", " ", "a", "a\n", "\u2028", "é", "\ud800", "a/b", "../a", "/a", "nul", "x" * 5000, "manifest.json", "unknown"),
    *("image-multilabel", "cuda", "fp16", "float16", "NHWC", "bgr", "exact", "0" * 64, "sha256:" + "0" * 64),
    *({}, [], [[]], {"": None}, {"a": "b"}, ["n", 3, 8, 8], [1 << 30, 3, 8, 8], [0.5, 0.5, 0.5]),
)


def mutate_json(data: bytes, seed: int) -> bytes | None:
    """Return the document with a few changes, or None where it is no JSON."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    chooser = random.Random(seed)
    for _ in range(chooser.randrange(1, 4)):
        places = list(_places(document))
        if not places:
            break
        _change(document, chooser, places)
    try:
        return json.dumps(document).encode()
    except (ValueError, RecursionError):
        return None


def _places(value: Any, at: tuple[Any, ...] = (), depth: int = 0) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, (dict, list)) and depth < 40:
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield (*at, key)
            yield from _places(value[key], (*at, key), depth + 1)


def _change(document: Any, chooser: random.Random, places: list[tuple[Any, ...]]) -> None:
    *steps, last = chooser.choice(places)
    parent = document
    for step in steps:
        parent = parent[step]
    how = chooser.randrange(8)
    if how == 0:
        del parent[last]
    elif how == 1 and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[last]))
    elif how == 2 and isinstance(parent, dict):
        parent[chooser.choice(["a", "", "schema", "\n"])] = copy.deepcopy(chooser.choice(ODD))
    elif how == 3:
        other = document
        for step in chooser.choice(places):
            other = other[step]
        parent[last] = copy.deepcopy(other)
    elif how == 4 and type(parent[last]) in (int, float) and abs(parent[last]) < 1e300:
        parent[last] = chooser.choice([parent[last] + 1, -parent[last], parent[last] * 2, parent[last] / 2])
    elif how == 5:
        for _ in range(chooser.randrange(1, 60)):
            parent[last] = [parent[last]]
    else:
        parent[last] = copy.deepcopy(chooser.choice(ODD))


def custom_mutator(raw: Callable[[bytes, int], bytes], kept: int) -> Callable[[bytes, int, int], bytes]:
    """Return a mutator for libFuzzer that changes values in half of the cases and bytes in the others.

    Args:
        raw: libFuzzer's own.
        kept: Bytes before the JSON, which stay as they are.
    """

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        changed = mutate_json(data[kept:], seed) if seed & 1 else None
        if changed is None or kept + len(changed) > max_size:
            return raw(data, max_size)
        return data[:kept] + changed

    return mutate
