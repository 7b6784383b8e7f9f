"""A torch module to ONNX, with the proof that both give the same logits."""

import logging
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from edge_export.capture.interface import Batch, Parity, Predictor
from edge_export.sessions import predictor
from edge_runtime.errors import InputError, RefusedError

if TYPE_CHECKING:
    import onnx
    from torch import nn

INPUT_NAME = "input"
OUTPUT_NAME = "logits"

PARITY_BATCHES = (1, 2, 7, 8)
"""Odd, even and single batches: exports that froze or broke the batch axis fail on at least one of them
(pytorch#157621, pytorch#169178)."""

PARITY_TOLERANCE = 1e-4
"""Of the largest logit. float32 kernels sum in different orders; a wrong graph is off by far more."""


def export_module(module: "nn.Module", shape: Sequence[int]) -> "onnx.ModelProto":
    """Export `module` in evaluation mode with a free batch axis.

    Args:
        module: Takes one `(n, *shape)` float32 tensor, gives `(n, classes)` logits.
        shape: Shape of one input, without the batch axis.

    Raises:
        InputError: the exporter cannot express the module.
    """
    import torch

    module.eval()
    example = torch.zeros(2, *shape)
    try:
        with warnings.catch_warnings(), _quiet_exporter():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                (example,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
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


def check_parity(model: "onnx.ModelProto", reference: Predictor, shape: Sequence[int], seed: int = 0) -> Parity:
    """Compare the graph with its source on seeded noise at several batch sizes.

    Raises:
        RefusedError: a logit differs by more than `PARITY_TOLERANCE` of the largest one, or a batch size fails.
    """
    generator = np.random.default_rng(seed)
    graph = predictor(model.SerializeToString())
    difference, largest = 0.0, 0.0
    for size in PARITY_BATCHES:
        batch = generator.standard_normal((size, *shape), dtype=np.float32)
        expected, actual = reference(batch), graph(batch)
        if expected.shape != actual.shape:
            raise RefusedError(
                f"the ONNX graph gives logits of shape {actual.shape} at batch {size}, "
                f"the source {expected.shape}; not shipped"
            )
        # Every comparison with NaN is false, so `max` would drop it and let it pass.
        if not np.isfinite(expected).all():
            raise RefusedError(
                f"the source gives logits that are NaN or infinite (batch {size} of noise); "
                "nothing was shipped, check the run's weights and train again"
            )
        difference = max(difference, float(np.nan_to_num(np.abs(expected - actual), nan=np.inf).max()))
        largest = max(largest, float(np.abs(expected).max()))
    if not difference <= PARITY_TOLERANCE * largest:
        raise RefusedError(
            f"the ONNX graph does not answer as the source: logits differ by {difference:.3g}, "
            f"allowed {PARITY_TOLERANCE:g} of the largest ({largest:.3g}); not shipped"
        )
    return Parity(PARITY_BATCHES, difference, largest, PARITY_TOLERANCE)


class _quiet_exporter:  # noqa: N801 - used as a `with` statement's verb
    """Silence the exporter's own progress and advice, which land on stdout and in the root logger."""

    def __enter__(self) -> None:
        self._level = logging.root.manager.disable
        logging.disable(logging.WARNING)

    def __exit__(self, *_: object) -> None:
        logging.disable(self._level)
