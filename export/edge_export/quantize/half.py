"""float16 weights and arithmetic, for GPUs."""

import copy
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import onnx


def to_fp16(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """Convert a float32 graph to float16; its input and output stay float32, so the contract is the same."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    return cast("onnx.ModelProto", convert_float_to_float16(copy.deepcopy(model), keep_io_types=True))
