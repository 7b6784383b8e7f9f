"""What executes a contract, whatever the kind of input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from edge_runtime.errors import EdgeError

if TYPE_CHECKING:
    import numpy.typing as npt

Run: TypeAlias = "Callable[[npt.NDArray[Any]], npt.NDArray[Any]]"
"""From a batch that the model takes to its answers."""
Join: TypeAlias = "Callable[[npt.NDArray[Any], tuple[npt.NDArray[Any], npt.NDArray[Any]]], Any]"
"""From the answers to the windows of one text, and the window and place of each of its tokens, to one answer."""


class Preprocessor(Protocol):
    """From inputs to tensors. Safe to call from many threads."""

    def decode(self, x: Any, *, color: str | None = None) -> Any:
        """Return an input in its plain form: pixels, or a text."""
        ...

    def preprocess(self, plain: Any, /) -> npt.NDArray[Any]:
        """Return the model's tensor of one input, without the batch axis."""
        ...

    def trace(self, plain: Any, /) -> Any:
        """Return what answers may need of an input beside its tensor: a text's words; None for images."""
        ...

    def __call__(self, x: Any, color: str | None = None) -> npt.NDArray[Any]:
        """Decode and preprocess."""
        ...

    def batches(
        self, items: Sequence[Any], color: str | None, size: int, alike: bool = True
    ) -> Iterator[tuple[Sequence[int], npt.NDArray[Any]]]:
        """Yield batches of at most `size` of the items, each with its items' places in the list.

        `alike` says that padding costs more than further batches, as on a CPU.

        Raises:
            EdgeError: an item cannot be used; the message gives its place.
        """
        ...

    def stack(self, tensors: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """Make one batch of tensors of single inputs."""
        ...

    def check(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the batch as the model takes it.

        Raises:
            InputError: it is not a batch of such tensors.
        """
        ...

    def rows(self, tensor: npt.NDArray[Any]) -> Sequence[npt.NDArray[Any]]:
        """Return what the model sees of one input: its tensor, or windows of it."""
        ...

    def ask(self, batch: npt.NDArray[Any], run: Run, join: Join, /) -> npt.NDArray[Any]:
        """Run a checked batch, where it must be in windows."""
        ...


def at_place(error: EdgeError, place: int) -> EdgeError:
    """Return the error of one item of a list with the item's place in it."""
    return type(error)(f"item {place} of the list: {error}")
