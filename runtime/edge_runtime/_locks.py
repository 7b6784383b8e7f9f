"""A lock that does not survive a fork."""

from __future__ import annotations

import os
import threading


class ProcessLock:
    """A lock that a forked child finds free: a thread that held it in the parent is not there to let it go."""

    def __init__(self) -> None:
        self._locks: dict[int, threading.Lock] = {}

    def __enter__(self) -> None:
        self._locks.setdefault(os.getpid(), threading.Lock()).acquire()

    def __exit__(self, *_: object) -> None:
        self._locks[os.getpid()].release()
