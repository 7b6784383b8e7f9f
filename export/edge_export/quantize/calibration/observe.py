"""See every activation of a graph, one sample at a time, in memory that does not grow with their number."""

import copy
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from edge_export.quantize.calibration.cache import load_observation, observation_key, save_observation
from edge_export.quantize.calibration.interface import Histogram, Observation, Settling
from edge_export.quantize.calibration.settle import Watch
from edge_export.quantize.calibration.tally import ChannelTally, EvenTally, Tally
from edge_export.quantize.calibration.tensors import activation_names, channel_axes
from edge_export.quantize.prepare import prepare
from edge_runtime.errors import InputError
from edge_runtime.session import create_session

if TYPE_CHECKING:
    import onnx

Sample = NDArray[Any] | Mapping[str, NDArray[Any]]
"""One preprocessed sample without batch axis: the only input's tensor, or name to tensor."""

Inputs = Callable[[], Iterable[Sample]]
"""Gives the samples, each time from the start and in the same order."""

Batch = dict[str, NDArray[Any]]

SETTLE_BY = ("percentile", "mse")
"""Methods whose ranges must settle."""


@dataclass(frozen=True)
class Cache:
    """Where observations are kept from one export to the next."""

    directory: Path
    samples: str
    """Hash of the samples in their order and of their preprocessing. The graph and the method are hashed here."""


def observe(
    model: "onnx.ModelProto", inputs: Inputs, *, until: Collection[str] = SETTLE_BY, cache: Cache | None = None
) -> Observation:
    """Fill a histogram of every float activation and watch its channels, until the ranges have settled.

    Args:
        model: float32 graph.
        inputs: The calibration samples, in an order that does not depend on their content.
        until: Names of the methods whose ranges must settle; none takes every sample.
        cache: Looked up first, and written to; a damaged or unwritable one is no error.

    Raises:
        InputError: there is no sample, one does not fit the model's inputs, or a tensor is not finite.
    """

    def again(other: "onnx.ModelProto") -> Observation:
        # The same samples, not as many as it takes that graph to settle: a stored recipe knows one number.
        kept = Cache(cache.directory, f"{cache.samples}, first {known.samples}") if cache else None
        return observe(other, taken, until=(), cache=kept)

    def recount() -> dict[str, Histogram]:
        return _recount(prepared, taken(), known.histograms)

    def taken() -> Iterable[Sample]:
        return itertools.islice(inputs(), known.samples)

    def batches() -> Iterator[Batch]:
        names = [info.name for info in model.graph.input]
        for sample in taken():
            given = sample if isinstance(sample, Mapping) else {names[0]: sample}
            yield {name: tensor[np.newaxis] for name, tensor in given.items()}

    prepared = prepare(model).model
    key = observation_key(prepared, cache.samples, until) if cache else ""
    kept = load_observation(cache.directory, key) if cache else None
    known = kept or _observe(prepared, inputs(), until)
    if cache and not kept:
        save_observation(cache.directory, key, known)
    return replace(known, observe_again=again, recount=recount, samples_again=batches)


@dataclass
class _Seen:
    """What has been seen so far."""

    tallies: dict[str, Tally]
    channels: dict[str, ChannelTally]
    outer: frozenset[str]
    """The graph's inputs and outputs, which must be finite."""
    samples: int = 0

    def add(self, values: Mapping[str, NDArray[np.float32]]) -> None:
        self.samples += 1
        for name, value in values.items():
            if not value.size or name not in self.tallies:
                continue
            if not self.tallies[name].add(value):
                self._refuse(name, value)
            elif name in self.channels:
                self.channels[name].add(value)

    def _refuse(self, name: str, value: NDArray[np.float32]) -> None:
        """Infinities within a graph are masks, and their tensors have no range; anywhere else they are mistakes."""
        if name in self.outer or np.isnan(value).any():
            raise InputError(
                f"calibration sample {self.samples}: tensor {name} is NaN or infinite; "
                "check this input and the model's weights"
            )
        del self.tallies[name]
        self.channels.pop(name, None)

    def histograms(self) -> dict[str, Histogram]:
        return {name: tally.histogram() for name, tally in self.tallies.items() if math.isfinite(tally.low)}


def _observe(model: "onnx.ModelProto", inputs: Iterable[Sample], until: Collection[str]) -> Observation:
    names = activation_names(model)
    session = create_session(_with_outputs(model, names).SerializeToString())
    channels = {name: ChannelTally(*wanted) for name, wanted in channel_axes(model, names).items()}
    outer = frozenset(info.name for info in (*model.graph.input, *model.graph.output))
    seen = _Seen({name: Tally() for name in names}, channels, outer)
    watch, settling, first = Watch(until), cast("Settling | None", None), cast("dict[str, NDArray[Any]]", {})
    for batch, values in _run(session, names, inputs):
        first = first or batch
        seen.add(values)
        if watch.due(seen.samples):
            settling = watch.look(seen.histograms())
            if settling and settling.settled:
                break
    if not seen.samples:
        raise InputError("no calibration sample: int8 needs inputs from the training split; give --data")
    known = {name: one for name, one in seen.channels.items() if one.samples}
    means = {name: np.asarray(one.total / one.samples, np.float32) for name, one in known.items()}
    peaks = {name: np.asarray(one.peaks, np.float32) for name, one in known.items() if one.peaks_too}
    return Observation(seen.histograms(), means, peaks, seen.samples, first, settling)


def _recount(model: "onnx.ModelProto", inputs: Iterable[Sample], seen: Mapping[str, Histogram]) -> dict[str, Histogram]:
    tallies = {name: EvenTally(max(-one.low, one.high)) for name, one in seen.items()}
    session = create_session(_with_outputs(model, list(tallies)).SerializeToString())
    for _, values in _run(session, list(tallies), inputs):
        for name, value in values.items():
            if value.size:
                tallies[name].add(value)
    return {name: tally.histogram(seen[name]) for name, tally in tallies.items()}


def _run(session: Any, names: list[str], inputs: Iterable[Sample]) -> Iterator[tuple[Batch, Batch]]:
    """Yield each sample with a batch axis, and the value of each named tensor."""
    feeds = {feed.name: feed.shape for feed in session.get_inputs()}
    computed = [name for name in names if name not in feeds]
    for number, sample in enumerate(inputs, 1):
        given = sample if isinstance(sample, Mapping) else dict.fromkeys(list(feeds)[:1], sample)
        if given.keys() != feeds.keys():
            raise InputError(f"calibration sample {number}: holds {sorted(given)}, the model takes {sorted(feeds)}")
        batch = {name: tensor[np.newaxis] for name, tensor in given.items()}
        for name, tensor in batch.items():
            _check_shape(number, name, tensor.shape, feeds[name])
        found = dict(zip(computed, session.run(computed, batch), strict=True)) if computed else {}
        # Inputs first: what is wrong with them is wrong with all that follows.
        yield batch, {name: tensor for name, tensor in batch.items() if name in names} | found


def _check_shape(number: int, name: str, seen: tuple[int, ...], expected: list[Any]) -> None:
    fits = len(seen) == len(expected) and all(
        not isinstance(want, int) or want == size for want, size in zip(expected, seen, strict=True)
    )
    if not fits:
        raise InputError(f"calibration sample {number}: {name} is {list(seen)} with its batch axis, not {expected}")


def _with_outputs(model: "onnx.ModelProto", names: list[str]) -> "onnx.ModelProto":
    from onnx import TensorProto, helper

    augmented = copy.deepcopy(model)
    present = {info.name for info in (*model.graph.input, *model.graph.output)}
    for name in names:
        if name not in present:
            augmented.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    return augmented
