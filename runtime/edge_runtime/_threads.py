"""Threads: a lock that does not survive a fork, and work that goes on beside other work."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class ProcessLock:
    """A lock that a forked child finds free: a thread that held it in the parent is not there to let it go."""

    def __init__(self) -> None:
        self._locks: dict[int, threading.Lock] = {}

    def __enter__(self) -> None:
        self._locks.setdefault(os.getpid(), threading.Lock()).acquire()

    def __exit__(self, *_: object) -> None:
        self._locks[os.getpid()].release()


class Beside(Generic[T]):
    """A call in a thread of its own, or right here where no thread can be had; `with` waits for its end."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._outcome: Any = None
        self._error: BaseException | None = None
        self._done = threading.Event()
        try:
            threading.Thread(target=self._run, name="edge-load", daemon=True).start()
        except RuntimeError:  # a container may allow no more
            self._run()

    def _run(self) -> None:
        try:
            self._outcome = self._call()
        except BaseException as error:  # noqa: BLE001 - `result` raises it, where someone waits for it
            self._error = error
        self._done.set()

    def __enter__(self) -> Beside[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self._done.wait()

    def result(self) -> T:
        """Wait, and return what the call returned, or raise what it raised."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._outcome  # type: ignore[no-any-return]
