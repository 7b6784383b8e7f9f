"""What commands that take minutes share: a line of progress, and an end that leaves a report."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def progress() -> Iterator[Any]:
    """Show the current step on stderr, where that is a terminal."""
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield status.update


@contextmanager
def ended_gently() -> Iterator[None]:
    """Treat a polite kill like Ctrl-C, so that it too leaves a report of what was measured."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
