"""An ONNX graph as a function of arrays, through the session that the runtime would make."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from edge_runtime.session import create_session


def predictor(
    model: bytes, *, threads: int | None = None, options: Mapping[str, str] | None = None
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return the graph's only input to its only output as a function.

    Args:
        model: Serialized ONNX.
        threads: Threads inside an operator; None leaves the choice to the runtime.
        options: ONNX Runtime session configuration entries.
    """
    session = create_session(model, threads=threads, options=options)
    feed, fetch = session.get_inputs()[0].name, [session.get_outputs()[0].name]

    def predict(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = session.run(fetch, {feed: batch})[0]
        return logits

    return predict
