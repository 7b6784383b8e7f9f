"""What a training tells while it runs: a live bar on a terminal, plain lines elsewhere."""

import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


class TrainProgress(Protocol):
    """Receives what happens."""

    def note(self, text: str) -> None:
        """Receive one line for the user."""
        ...

    def start(self, name: str, total: int) -> None:
        """Begin a phase of `total` items."""
        ...

    def advance(self, count: int) -> None:
        """Receive how many further items of the phase are done."""
        ...

    def finish(self) -> None:
        """End the phase."""
        ...

    def epoch(self, row: dict[str, Any]) -> None:
        """Receive an epoch's row of `metrics.jsonl`."""
        ...


class Silent:
    """Says nothing."""

    def note(self, text: str) -> None:
        """Ignore it."""

    def start(self, name: str, total: int) -> None:
        """Ignore it."""

    def advance(self, count: int) -> None:
        """Ignore it."""

    def finish(self) -> None:
        """Ignore it."""

    def epoch(self, row: dict[str, Any]) -> None:
        """Ignore it."""


class ConsoleProgress:
    """Writes to a rich console: bars with the time left on a terminal, one line for each event elsewhere."""

    def __init__(self, console: "Console") -> None:
        self._console = console
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._started = 0.0
        self._name = ""
        self._total = 0

    def note(self, text: str) -> None:
        """Print the line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def start(self, name: str, total: int) -> None:
        """Show a bar, or say that the phase begins."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._started, self._name, self._total = time.monotonic(), name, total
        if self._console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            bar = Progress(*columns, console=self._console, transient=True)
            self._task = bar.add_task(name, total=total)
            bar.start()
            self._bar = bar

    def advance(self, count: int) -> None:
        """Move the bar."""
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, count)

    def finish(self) -> None:
        """Take the bar away; elsewhere say how long the phase took."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        elif not self._name.startswith("epoch"):
            self.note(f"{self._name}: {self._total} items in {time.monotonic() - self._started:.0f} s")

    def epoch(self, row: dict[str, Any]) -> None:
        """Print the row, with the time that the epochs left will take."""
        named = ("val_span_f1", "val_top1", "val_macro_f1")
        score = next(f"{key.removeprefix('val_')} {row[key]:.4f}" for key in named if key in row)
        left = row["seconds"] * (row["epochs"] - row["epoch"])
        losses = f"train loss {row['train_loss']:.4f}, val loss {row['val_loss']:.4f}"
        self.note(
            f"epoch {row['epoch']}/{row['epochs']}: {losses}, val {score}, {row['seconds']:.1f} s, {left:.0f} s left"
        )
