"""An ONNX graph as a function of arrays, through the session that the runtime would make; and sessions that tell."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import BundleError
from edge_runtime.session import create_session, first_line, import_onnxruntime, make_settings

Reader = Callable[[NDArray[Any], Callable[[NDArray[Any]], NDArray[Any]]], NDArray[Any]]
"""From a batch of inputs, and what answers a batch that the model takes, to the answers."""


def predictor(
    model: bytes,
    *,
    threads: int | None = None,
    options: Mapping[str, str] | None = None,
    read: Reader = lambda batch, run: run(batch),
) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Return the graph's only input to its only output as a function of any number of items.

    Args:
        model: Serialized ONNX.
        threads: Threads inside an operator; None leaves the choice to the runtime.
        options: ONNX Runtime session configuration entries.
        read: How the runtime reads a batch, `Captured.reader()`: it takes the padding off that a row alone does not
            need, and long texts in windows.

    Raises:
        BundleError: ONNX Runtime refuses the model, or, by the function, cannot run it on a batch.
    """
    session = create_session(model, threads=threads, options=options)
    feed, fetch = session.get_inputs()[0].name, [session.get_outputs()[0].name]
    fixed = session.get_inputs()[0].shape[0]

    def predict(batch: NDArray[Any]) -> NDArray[np.float32]:
        try:
            logits: NDArray[np.float32] = session.run(fetch, {feed: batch})[0]
        except Exception as error:  # its exceptions have no common base that is public
            shape = "x".join(map(str, batch.shape))
            raise BundleError(
                f"ONNX Runtime {import_onnxruntime().__version__} cannot run the model on a batch of {shape}: "
                f"{first_line(error)}"
            ) from error
        return logits

    def each(batch: NDArray[Any]) -> NDArray[np.float32]:
        return np.concatenate([predict(batch[at : at + 1]) for at in range(len(batch))])

    def one_by_one(batch: NDArray[Any]) -> NDArray[np.float32]:
        answers = [read(batch[at : at + 1], each) for at in range(len(batch))]
        if answers[0].ndim == 3:  # for each token, and a row alone may have fewer than its batch
            answers = [np.pad(one, ((0, 0), (0, batch.shape[1] - one.shape[1]), (0, 0))) for one in answers]
        return np.concatenate(answers)

    # A source that answers right only for single items is captured with a batch of one; so is dynamic int8.
    return one_by_one if fixed == 1 else lambda batch: read(batch, predict)


def observed_session(
    model: bytes,
    options: Mapping[str, str],
    *,
    threads: int = 1,
    executed: Path | None = None,
    profile: Path | None = None,
) -> Any:
    """Return a session as the runtime makes it, but one that writes down what it does, which the runtime never does.

    Args:
        model: Serialized ONNX.
        options: Session configuration entries.
        threads: Threads inside an operator.
        executed: Where to write the graph that is really executed.
        profile: How the profile's path begins; `session.end_profiling()` writes it and returns the whole path.
    """
    onnxruntime = import_onnxruntime()
    settings = make_settings(onnxruntime, threads, options)
    if executed is not None:
        settings.optimized_model_filepath = str(executed)
    if profile is not None:
        settings.enable_profiling = True
        settings.profile_file_prefix = str(profile)
    return onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
