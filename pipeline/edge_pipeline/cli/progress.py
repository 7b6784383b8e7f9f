"""Progress on stderr: a bar for work that is counted in items, a line a stage for work that is not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

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


def note(line: str) -> None:
    """Print a line that someone should read on stderr."""
    Console(stderr=True, highlight=False).print(line, markup=False, soft_wrap=True)


@contextmanager
def stages() -> Iterator[Callable[[str], None]]:
    """Tell on stderr what is being done: a spinner on a terminal, one timed line a stage elsewhere."""
    console = Console(stderr=True)
    start = monotonic()
    with console.status("") as status:

        def begin(stage: str) -> None:
            status.update(stage)
            if not console.is_terminal:
                console.print(f"{monotonic() - start:6.1f} s  {stage}", highlight=False)

        yield begin
