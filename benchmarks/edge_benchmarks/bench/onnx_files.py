"""Plain ONNX files as arms: the model alone, fed by its own signature, its answers held against the unoptimized graph.

A plain file has no golden vectors, no preprocessing and no labels, so it has no end-to-end row and no accuracy. It
still gets no row without a check: on a seeded input, the session that is timed must answer as the same file does with
every graph fusion off, and twice the same. That finds a broken kernel or a wrong fusion on this machine; it does not
say that the model is right, and every table names the check.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.bench.arms import Arm, Facts
from edge_benchmarks.bench.operators import example_tensor, profiled_operators
from edge_runtime.errors import InputError, SelfTestError

TOLERANCE = 0.05
"""Largest root mean square difference to the unoptimized graph, as a share of its answers' own: int8 kernels round
otherwise than the float operators that stand for them."""


def open_onnx_arm(path: Path, device: Literal["cpu", "cuda"], threads: int | None) -> Arm:
    """Load a plain ONNX file and check its answers.

    Raises:
        InputError: no such file.
        BundleError: ONNX Runtime refuses it.
        SelfTestError: it answers otherwise than its unoptimized graph, or otherwise each time.
    """
    from edge_runtime.cpus import available_cpus
    from edge_runtime.session import GRAPH_OPTIMIZATION, create_session

    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a bundle or an ONNX file") from error
    session = create_session(data, device=device, threads=threads)
    plain = create_session(data, device=device, threads=threads, options={GRAPH_OPTIMIZATION: "disabled"})
    feeds = _feeds(session, 1)
    _check(path.name, [session.run(None, feeds), session.run(None, feeds)], plain.run(None, feeds))
    used = session.get_session_options().intra_op_num_threads or available_cpus()
    facts = Facts(
        arm=path.name,
        bundle=path.name,
        name=path.stem,
        version="",
        content_id=f"sha256:{hashlib.sha256(data).hexdigest()}",
        variant="onnx",
        precision="as in the file",
        provider=session.get_providers()[0],
        operators=profiled_operators(data, session.get_providers(), {}, used),
        threads=used,
        check="unoptimized graph",
        golden_cases=1,
        variant_bytes=len(data),
        bundle_bytes=len(data),
    )
    return Arm(facts, path, _model_call(session), feeds=_saved(feeds))


def _model_call(session: Any) -> Callable[[bytes, int], Callable[[], object]]:
    def call(data: bytes, batch: int) -> Callable[[], object]:
        feeds, run = _feeds(session, batch), session.run
        return lambda: run(None, feeds)

    return call


def _saved(feeds: dict[str, NDArray[Any]]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **feeds)  # type: ignore[arg-type]
    return stream.getvalue()


def _feeds(session: Any, batch: int) -> dict[str, NDArray[Any]]:
    return {one.name: example_tensor(one.shape, one.type, batch) for one in session.get_inputs()}


def _check(name: str, runs: list[list[Any]], plain: list[Any]) -> None:
    for first, second, expected in zip(*runs, plain, strict=True):
        if not isinstance(first, np.ndarray) or not np.isfinite(np.asarray(first, dtype=np.float64)).all():
            raise SelfTestError(f"{name}: answered not with finite numbers; do not use this file on this machine")
        if not np.array_equal(first, second):
            raise SelfTestError(f"{name}: two runs on one input differ; do not use this file on this machine")
        wide = np.asarray(expected, dtype=np.float64)
        apart = float(np.sqrt(np.mean((first - wide) ** 2))) if wide.size else 0.0
        if apart > TOLERANCE * float(np.sqrt(np.mean(wide**2))):
            raise SelfTestError(
                f"{name}: answers differ by {apart:.3g} (root mean square) from those of the unoptimized graph; "
                "do not use this file on this machine"
            )
