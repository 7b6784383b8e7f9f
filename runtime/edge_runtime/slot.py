"""A model in service: the next bundle is proven beside the running one, takes over between two calls, or is refused."""

from __future__ import annotations

import contextlib
import itertools
import os
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

from edge_runtime._threads import ProcessLock
from edge_runtime.bundle import Source, open_bundle
from edge_runtime.errors import EdgeWarning, InputError, RefusedError
from edge_runtime.golden import read_golden, selftest
from edge_runtime.loading import load
from edge_runtime.model import Input, Model
from edge_runtime.prediction import Prediction
from edge_runtime.session import Threads

LATENCY_RUNS = 9
"""Calls that a latency budget is held against, by their median; the self-test has warmed the model up."""


class ModelSlot:
    """Serves one model and replaces it while requests run. Safe to call from many threads.

    A bundle serves only after its bytes were verified, its golden vectors gave their answers on this machine, and its
    latency kept to the budget. A call is answered by the model that it began with; `Prediction.content_id` names it.

    Give each bundle a path of its own: a model in service reads its bundle again after a fork, for a self-test and when
    it is unpickled, and a path that has another bundle by then is refused.

    Args:
        source: As in `load`.
        latency_budget_ms: Median milliseconds of preprocess, infer and postprocess of one golden input, on this
            machine under the load that it has at that moment; None for no budget.
        on_prediction: Called with each answer in the caller's thread before `predict` returns, such as
            `Monitor().add`. If it raises, the answer is returned all the same, and one EdgeWarning is given.
        device: As in `load`, for each bundle; so are `threads`, `variant`, `providers` and `cache`.
        sha256: Pins the first bundle.

    Raises:
        EdgeError: as `load` and `replace` do.
    """

    def __init__(
        self,
        source: Source,
        *,
        latency_budget_ms: float | None = None,
        on_prediction: Callable[[Prediction], object] | None = None,
        device: Literal["cpu", "cuda", "auto"] = "cpu",
        threads: Threads = None,
        variant: str | None = None,
        providers: Sequence[str] | None = None,
        cache: str | os.PathLike[str] | None = None,
        sha256: str | None = None,
    ) -> None:
        if latency_budget_ms is not None and not latency_budget_ms > 0:
            raise InputError(f"latency_budget_ms={latency_budget_ms}: a positive number of milliseconds is expected")
        self._budget, self._hook = latency_budget_ms, on_prediction
        self._options: dict[str, Any] = {
            "device": device, "threads": threads, "variant": variant, "providers": providers, "cache": cache,
        }  # fmt: skip
        self._hook_failed = False
        self._replacing = ProcessLock()
        self._previous: Model | None = None
        self._model = self._prove(source, sha256, None)

    @property
    def model(self) -> Model:
        """The model that serves now. Ask it once for calls that belong together."""
        return self._model

    @property
    def previous(self) -> Model | None:
        """The model that `rollback` would bring back; it stays in memory for that."""
        return self._previous

    @overload
    def predict(self, x: list[Any] | tuple[Any, ...], *, color: str | None = None) -> list[Prediction]: ...

    @overload
    def predict(self, x: Input, *, color: str | None = None) -> Prediction: ...

    def predict(self, x: Any, *, color: str | None = None) -> Prediction | list[Prediction]:
        """Answer as `Model.predict` does; one model answers the whole of a list."""
        answer: Prediction | list[Prediction] = self._model.predict(x, color=color)
        if self._hook is not None:
            for one in answer if isinstance(answer, list) else (answer,):
                self._report(self._hook, one)
        return answer

    def replace(self, source: Source, *, sha256: str | None = None, expect_labels: Sequence[str] | None = None) -> bool:
        """Prove the bundle at `source` beside the running one, then let it take over between two calls.

        The model that served stays in memory for `rollback`; the one before it is let go. Whatever is raised, the
        running model goes on serving. Only one replacement is prepared at a time; others wait for it.

        Args:
            source: As in `load`.
            sha256: Digest of the manifest that is required.
            expect_labels: Labels that the next bundle must have, in order; by default those of the running one.

        Returns:
            False, without loading anything, where this very bundle serves already.

        Raises:
            InputError: no bundle at that path.
            BundleError: it cannot be trusted or read; IntegrityError and SchemaError say more.
            SelfTestError: a golden vector gave another answer on this machine.
            RefusedError: it has other labels, or is slower than the budget.
            MachineError: the device that was asked for is missing.
        """
        with self._replacing:
            running = self._model
            pin = open_bundle(source, sha256=sha256).manifest_sha256
            if pin == running.bundle.manifest_sha256:
                return False
            model = self._prove(source, pin, tuple(running.labels if expect_labels is None else expect_labels))
            self._previous, self._model = running, model
            return True

    def rollback(self) -> Model:
        """Let the model before the last replacement serve again, without loading it; the other one is let go.

        Raises:
            InputError: nothing was replaced since the start or the last rollback.
        """
        with self._replacing:
            if self._previous is None:
                raise InputError("rollback: no earlier model is kept; replace the bundle by the one that you want")
            self._model, self._previous = self._previous, None
            return self._model

    def _prove(self, source: Source, sha256: str | None, labels: tuple[str, ...] | None) -> Model:
        """Load a bundle and hold it to everything that it must keep before it serves."""
        model = load(source, sha256=sha256, **self._options)
        if labels is not None and model.labels != labels:
            raise RefusedError(
                f"{model.manifest.name} {model.manifest.version}: {_difference(labels, model.labels)}; "
                "give expect_labels=[...] if the host is ready for them"
            )
        selftest(model).raise_for_failures()
        if self._budget is not None and (latency := measure_latency(model)) > self._budget:
            raise RefusedError(
                f"{model.manifest.name} {model.manifest.version}: {latency:.3g} ms an answer on this machine, the "
                f"budget is {self._budget:g} ms; choose a quicker variant or raise latency_budget_ms"
            )
        return model

    def _report(self, hook: Callable[[Prediction], object], answer: Prediction) -> None:
        try:
            hook(answer)
        except Exception as error:  # noqa: BLE001 - the hook is the host's; whatever it does, the answer is good
            if self._hook_failed:
                return
            self._hook_failed = True
            with contextlib.suppress(EdgeWarning):  # where warnings are errors
                warnings.warn(
                    f"on_prediction raised {type(error).__name__}: {error}; serving goes on, later ones are not told",
                    EdgeWarning,
                    stacklevel=3,
                )


def measure_latency(model: Model) -> float:
    """Return the median milliseconds of preprocess, infer and postprocess over `LATENCY_RUNS` golden inputs."""
    golden = read_golden(model.bundle.read(model.manifest.golden))
    inputs = [model.decode(model.bundle.read(case.input)) for case in golden.cases]
    durations = []
    for plain in itertools.islice(itertools.cycle(inputs), LATENCY_RUNS):
        start = time.perf_counter_ns()
        model.postprocess(model.infer(model.preprocess(plain)[None]), [plain])
        durations.append(time.perf_counter_ns() - start)
    return statistics.median(durations) / 1e6


def _difference(expected: Sequence[str], actual: Sequence[str]) -> str:
    """Say how two lists of labels differ, by the first place where they do."""
    if len(expected) != len(actual):
        return f"{len(actual)} labels, {len(expected)} are expected"
    at = next(at for at, (one, other) in enumerate(zip(expected, actual, strict=True)) if one != other)
    return f"label {at} is {actual[at]!r}, {expected[at]!r} is expected"
