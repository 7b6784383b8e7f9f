"""Class names for a source that has none of its own."""

from collections.abc import Sequence

from edge_runtime.errors import InputError


def labels_for(source: str, labels: Sequence[str], classes: int) -> tuple[str, ...]:
    """Return a name for each output: the given ones, or their numbers where nobody gave any.

    Raises:
        InputError: there are more or fewer names than outputs.
    """
    if not labels:
        return tuple(str(index) for index in range(classes))
    if len(labels) != classes:
        raise InputError(
            f"{source}: {classes} outputs, but {len(labels)} labels ({', '.join(labels[:3])}, ...); give --labels FILE "
            "with one name a line, in the order of the outputs"
        )
    return tuple(labels)
