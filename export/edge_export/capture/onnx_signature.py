"""What a foreign ONNX graph takes and gives: which input is the image, which output the answer, and of what shape."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_export.capture.interface import SourceOptions
from edge_export.capture.preprocess_spec import ImageInput, Layout
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    import onnx

Channels = Literal[1, 3]

TAKEN = ("float32", "uint8")
"""Element types of an image input that can be fed from the runtime's float32 tensor without a loss."""


@dataclass(frozen=True)
class Signature:
    """The part of a graph's inputs and outputs that an export needs."""

    input: str
    output: str
    dtype: str
    """numpy's name, one of `TAKEN`."""
    batch: int | None
    """Items that the graph takes at once; None where that is free."""
    channels: Channels
    image: ImageInput
    held: dict[str, NDArray[Any]]
    """Other inputs and what they are held at."""


def read_signature(path: Path, model: "onnx.ModelProto", options: SourceOptions) -> Signature:
    """Decide what is what, from the graph and from what the user says.

    Raises:
        InputError: nothing decides which input or output it is, or one that no image can be given to.
    """
    given = {tensor.name for tensor in model.graph.initializer}
    inputs = {info.name: info for info in model.graph.input if info.name not in given}
    held = _held(path, inputs, options.hold)
    free = [name for name in inputs if name not in held]
    name = _choose(path, "input", inputs, free, options.input)
    rest = [other for other in free if other != name]
    if rest:
        raise InputError(
            f"{path}: besides the image ({name}) it takes {_named(inputs, rest)}; hold each at one value with "
            f"--hold NAME=NUMBER or --hold NAME=FILE.npy, or export the model without them"
        )
    outputs = {info.name: info for info in model.graph.output}
    answer = _choose(path, "output", outputs, list(outputs), options.output)
    tensor = inputs[name].type.tensor_type
    dtype = _dtype(tensor.elem_type)
    if dtype not in TAKEN:
        raise InputError(f"{path}: input {name} takes {dtype}; images can go into {' or '.join(TAKEN)} alone")
    shape = _shape(inputs[name])
    batch = shape[0] if shape else None
    if batch is not None and batch > 1:
        raise InputError(f"{path}: takes exactly {batch} images at once; export it with a free batch axis, or with 1")
    channels, image = _image(path, name, shape)
    if dtype == "uint8" and channels == 1:
        raise InputError(f"{path}: input {name} takes gray bytes; export it with three channels, or with float32")
    return Signature(name, answer, dtype, batch, channels, image, held)


def _choose(path: Path, kind: str, known: dict[str, "onnx.ValueInfoProto"], free: Sequence[str], wanted: str) -> str:
    """Return the one tensor that it must be, or that the user names."""
    if wanted:
        if wanted not in free:
            raise InputError(f"{path}: no {kind} {wanted!r}; there are {_named(known, list(known))}")
        return wanted
    if len(free) == 1:
        return free[0]
    if kind == "input":
        images = [name for name in free if len(_shape(known[name])) == 4]
        if len(images) == 1:
            return images[0]
    if not free:
        raise InputError(f"{path}: the graph has no {kind}; export it again")
    raise InputError(f"{path}: {len(free)} {kind}s, {_named(known, free)}; say which with --{kind}-name NAME")


def _held(
    path: Path, inputs: dict[str, "onnx.ValueInfoProto"], hold: Sequence[tuple[str, str]]
) -> dict[str, NDArray[Any]]:
    """Read the values of the inputs that stay the same for every image."""
    held: dict[str, NDArray[Any]] = {}
    for name, text in hold:
        if name not in inputs:
            raise InputError(f"{path}: --hold {name}: no such input; there are {_named(inputs, list(inputs))}")
        # A free axis of a held input is the batch; one item of it holds for all.
        shape = tuple(side or 1 for side in _shape(inputs[name]))
        dtype = _dtype(inputs[name].type.tensor_type.elem_type)
        try:
            value = np.load(text, allow_pickle=False) if text.endswith(".npy") else np.full(shape, float(text))
            held[name] = np.broadcast_to(value, shape).astype(dtype)
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{path}: --hold {name}={text}: {error}; a number or a .npy of shape {shape}") from error
    return held


def _image(path: Path, name: str, shape: tuple[int | None, ...]) -> tuple[Channels, ImageInput]:
    if len(shape) != 4:
        raise InputError(
            f"{path}: input {name} has shape {_written(shape)}; images need (batch, channels, height, width) or "
            "(batch, height, width, channels)"
        )
    layouts: list[tuple[int | None, Layout, int | None, int | None]] = [
        (shape[1], "NCHW", shape[2], shape[3]),
        (shape[3], "NHWC", shape[1], shape[2]),
    ]
    for channels, layout, height, width in layouts:
        if channels in (1, 3):
            return (1 if channels == 1 else 3), ImageInput(height, width, layout)
    if shape[1] is None and shape[3] is None:
        return 3, ImageInput(shape[2], None, "NCHW")
    raise InputError(f"{path}: input {name} has shape {_written(shape)}; images have 3 channels, or 1 for gray")


def _shape(info: "onnx.ValueInfoProto") -> tuple[int | None, ...]:
    """Return the sides of a tensor; None for a free one, and nothing at all for what is no tensor."""
    dims = info.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in dims)


def _dtype(kind: int) -> str:
    from onnx import helper

    try:
        return str(helper.tensor_dtype_to_np_dtype(kind))
    except KeyError:
        return "no tensor"


def _named(known: dict[str, "onnx.ValueInfoProto"], names: Sequence[str]) -> str:
    return ", ".join(f"{name} {_written(_shape(known[name]))}" for name in names)


def _written(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("?" if side is None else str(side) for side in shape) + ")"
