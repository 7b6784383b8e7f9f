"""A torch module to ONNX."""

import logging
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from edge_export.capture.interface import Batch, Predictor
from edge_runtime.errors import InputError
from edge_runtime.preprocessing import TextPreprocessing

if TYPE_CHECKING:
    import onnx
    from torch import Tensor, nn

INPUT_NAME = "input"
OUTPUT_NAME = "logits"
TEXT_OPSET = 23
"""The first with `Attention` as one operator. MiniLM's int8 took 1.79 and 5.81 ms for 32 and 128 tokens with it, 2.06
and 6.11 without."""


def export_module(module: "nn.Module", shape: Sequence[int]) -> "onnx.ModelProto":
    """Export `module` in evaluation mode with a free batch axis.

    Args:
        module: Takes one `(n, *shape)` float32 tensor, gives `(n, classes)` logits.
        shape: Shape of one input, without the batch axis.

    Raises:
        InputError: the exporter cannot express the module.
    """
    import torch

    return _export(module, torch.zeros(2, *shape), {0: torch.export.Dim("batch")}, None)


def export_encoder(module: "nn.Module", contract: TextPreprocessing) -> "onnx.ModelProto":
    """Export a text network in evaluation mode with free batch and length axes.

    Args:
        module: Takes one `(n, length)` int64 tensor, gives `(n, classes)` logits.
        contract: Its longest input.

    Raises:
        InputError: the exporter cannot express the module.
    """
    import torch

    example = torch.full((2, 7), (contract.pad_id + 1) % contract.vocabulary)
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", max=contract.max_length)}
    return _export(module, example, axes, TEXT_OPSET)


def _export(module: "nn.Module", example: "Tensor", axes: dict[int, Any], opset: int | None) -> "onnx.ModelProto":
    import torch

    module.eval()
    _check_weights(module)
    try:
        with warnings.catch_warnings(), quiet_exporter():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                (example,),
                dynamo=True,
                opset_version=opset,
                dynamic_shapes=(axes,),
                input_names=[INPUT_NAME],
                output_names=[OUTPUT_NAME],
                external_data=False,
                verbose=False,
            )
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"torch.onnx cannot export {type(module).__name__}: {reason}") from error
    if program is None:  # the legacy exporter's return value; dynamo always gives a program
        raise InputError(f"torch.onnx gave no program for {type(module).__name__}")
    return anonymize(program.model_proto)


def _check_weights(module: "nn.Module") -> None:
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            bad = int((~tensor.isfinite()).sum())
            raise InputError(f"{bad} of {tensor.numel():,} values of {name} are NaN or infinite; train again")


def anonymize(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """Strip what the exporter notes about the machine: source paths, stack traces, documentation strings.

    They name the exporting machine's folders and make equal exports differ in bytes.
    """
    for owner in (
        model,
        model.graph,
        *model.graph.node,
        *model.graph.value_info,
        *model.graph.input,
        *model.graph.output,
        *model.graph.initializer,
    ):
        owner.ClearField("doc_string")
        owner.ClearField("metadata_props")
    return model


def eager(module: "nn.Module") -> Predictor:
    """Return the module as a function of numpy arrays, in evaluation mode and without gradients."""
    import torch

    module.eval()

    def predict(batch: Batch) -> Batch:
        with torch.inference_mode():
            return cast(Batch, module(torch.from_numpy(batch)).numpy())

    return predict


class quiet_exporter:  # noqa: N801 - used as a `with` statement's verb
    """Silence the exporter's own progress and advice, which land on stdout and in the root logger."""

    def __enter__(self) -> None:
        self._level = logging.root.manager.disable
        logging.disable(logging.WARNING)

    def __exit__(self, *_: object) -> None:
        logging.disable(self._level)
