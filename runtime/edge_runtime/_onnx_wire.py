"""Look into a model's bytes, before ONNX Runtime does, for whatever would make it read other bytes than these."""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap

from edge_runtime.errors import BundleError

# onnx.proto, as far as tensors can lie in it: message -> field -> message.
_MESSAGES = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_SMALL = 1 << 16
"""Bytes of a message that a search costs less than a walk; a model's bytes are nearly all in a few large tensors."""


def check_self_contained(model: bytes | mmap) -> None:
    """Refuse a model that is not all in its own bytes.

    Some ONNX Runtimes look for external data in the working directory, or at an address in memory. A tensor that asks
    for it has an entry with the key `location`, so a small message without that word costs one search.

    Raises:
        BundleError: a tensor has external data, or it is ONNX Runtime's own format instead of ONNX.
    """
    if model[4:8] == b"ORTM":
        raise BundleError("the model is in ONNX Runtime's own format; put an ONNX file into the bundle")
    waiting = [("model", 0, len(model))]
    while waiting:
        message, start, end = waiting.pop()
        if end - start < _SMALL and model.find(b"location", start, end) < 0:
            continue
        inner = _MESSAGES[message]
        for field, value in _fields(model, start, end):
            if isinstance(value, tuple):
                if field in inner:
                    waiting.append((inner[field], *value))
                if message != "tensor" or field != _EXTERNAL_DATA:
                    continue
            elif message != "tensor" or field != _DATA_LOCATION or value == 0:
                continue
            raise BundleError("the model keeps weights in another file (external data); export it with them inside")


def _fields(data: bytes | mmap, at: int, end: int) -> Iterator[tuple[int, int | tuple[int, int]]]:
    """Yield each field of a protobuf message, its value or where that begins and ends; not numbers of fixed width."""
    while at < end:
        tag, at = _varint(data, at, end)
        tag &= 0xFFFFFFFF  # as protobuf reads tags
        kind = tag & 7
        if kind == 0:
            value, at = _varint(data, at, end)
            yield tag >> 3, value
        elif kind == 2:
            size, at = _varint(data, at, end)
            if size > end - at:
                raise _malformed()
            yield tag >> 3, (at, at + size)
            at += size
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise _malformed()


def _varint(data: bytes | mmap, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise _malformed()


def _malformed() -> BundleError:
    return BundleError("the model is not a valid ONNX file; export it again")
