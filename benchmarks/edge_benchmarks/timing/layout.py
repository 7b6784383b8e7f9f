"""Where a process's memory lies: drawn at random for each pair of processes, and the same for both of a pair.

Two processes of the same bytes can differ by 8 % for their whole life, because the kernel puts their stack and heap at
random places and some places collide in the caches (Mytkowicz et al. 2009, "Producing wrong data without doing anything
obviously wrong"). Both processes of a pair get one draw of it, so that it cancels where both run alike code, and each
pair gets another, so that no verdict hangs on one of them.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_NO_RANDOMIZE = 0x0040000
"""`ADDR_NO_RANDOMIZE` of Linux's `sys/personality.h`; what is started inherits it, this process stays as it is."""
_ASK = 0xFFFFFFFF

_PAGE = 4096
"""Bytes by which the stack is moved at most: places a page apart collide alike."""


def environment(layout: int | None) -> dict[str, str]:
    """Return the environment of a process whose memory lies as `layout` draws; as the kernel draws it for None."""
    plain = {name: value for name, value in os.environ.items() if name != "EDGE_LAYOUT"}
    if layout is None:
        return plain
    # The environment lies above the stack and pushes it down.
    return plain | {"PYTHONHASHSEED": str(layout % 2**32), "EDGE_LAYOUT": "x" * (layout % _PAGE)}


@contextmanager
def drawn(layout: int | None) -> Iterator[None]:
    """Let processes started inside have the addresses that their environment decides; where the system allows it."""
    before = _personality(_ASK) if layout is not None else None
    if before is None or _personality(before | _NO_RANDOMIZE) is None:
        yield
        return
    try:
        yield
    finally:
        _personality(before)


def _personality(wanted: int) -> int | None:
    """Set this thread's personality and return the one before; None where there is none, or a container forbids it."""
    if not sys.platform.startswith("linux"):
        return None
    before: int = ctypes.CDLL(None, use_errno=True).personality(ctypes.c_ulong(wanted))
    return None if before < 0 else before
