"""What a benchmark leaves on disk while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge_benchmarks.files import write_file
from edge_benchmarks.report import render


@contextmanager
def saved_meanwhile(paths: Sequence[Path]) -> Iterator[Callable[[Any], None]]:
    """Give what saves a benchmark's partial report while it runs: beside the first output, as `NAME.partial.json`.

    The file goes away when the block ends without an error. A kill that nothing can catch leaves the last one, which is
    a whole document marked partial; so does a bug.
    """
    partial = paths[0].with_name(f"{paths[0].name}.partial.json") if paths else None

    def save(report: Any) -> None:
        if partial is not None:
            write_file(partial, render(report.to_dict(), "json").encode())

    yield save
    if partial is not None:
        partial.unlink(missing_ok=True)
