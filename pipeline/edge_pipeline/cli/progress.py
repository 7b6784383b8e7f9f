"""A progress bar on stderr for work that is counted in items."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def counter(console: Console, text: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while the block runs; what it yields takes items done and items in all.

    The bar goes away at the end. Where `console` is no terminal, nothing is shown.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(text, total=None)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield update
