"""Ask a bundle's variant: decode, preprocess, infer, postprocess."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

import numpy as np

from edge_runtime._installation import import_onnxruntime
from edge_runtime._threads import Beside
from edge_runtime.bundle import Bundle
from edge_runtime.devices import DeviceBuffers, runner
from edge_runtime.errors import BundleError, EdgeError, InputError, MachineError
from edge_runtime.loading import Request, reopen
from edge_runtime.manifest import Manifest, TensorInfo, Variant, answer_shape
from edge_runtime.prediction import Prediction
from edge_runtime.preprocessing import make_preprocessor
from edge_runtime.preprocessing.interface import Preprocessor, at_place
from edge_runtime.session import abandon, first_line, prepare_session
from edge_runtime.tasks import TASKS, predictions

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

_T = TypeVar("_T")
Input: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | npt.NDArray[Any] | Image.Image"
"""One thing that a model can be asked about."""

MAX_BATCH = 32
"""Most inputs of a list that run at once, so that memory does not grow with the list."""


class Model:
    """A verified bundle's variant, ready to answer. Safe to call from many threads; pickles by reopening its bundle."""

    manifest: Manifest
    variant: Variant
    labels: tuple[str, ...]
    content_id: str
    bundle: Bundle
    session: Any
    """The `onnxruntime.InferenceSession`."""

    def __init__(self, bundle: Bundle, variant: Variant, request: Request) -> None:
        self.bundle, self.variant, self.manifest = bundle, variant, bundle.manifest
        self.labels, self.content_id = bundle.manifest.labels, bundle.manifest.content_id
        self._request = request
        self._input, self._output = variant.inputs[0], variant.outputs[0]
        self._dtype = np.dtype(self._input.dtype)
        task = self.manifest.task
        self._traced, self._by_token = TASKS[task].traced, "length" in answer_shape(task)
        self._width: Any = len(self.labels) or self._output.shape[-1]
        first = self._input.shape[0]
        self._fixed_batch = first if isinstance(first, int) else None
        self._lock = threading.Lock()
        self._preprocessor = self._create(self._prepare)
        self._pid = os.getpid()

    def _prepare(self) -> Preprocessor:
        """Make the preprocessor and verify what nobody read."""
        preprocessor = make_preprocessor(self.manifest.preprocessing, self.bundle.read)
        self.bundle.verify()
        return preprocessor

    def _create(self, meanwhile: Callable[[], _T]) -> _T:
        """Make the session, and do something else in the time."""
        variant, request = self.variant, self._request
        import_onnxruntime()  # while the bundle reads the model
        data = self.bundle.expected(variant.file)
        try:
            make = prepare_session(
                data,
                device=request.device,
                threads=request.threads,
                options=variant.session,
                providers=request.providers,
                cache=request.cache,
            )
            with Beside(meanwhile) as other:
                session = make()
        except BundleError as error:
            seen = f"; it was seen to load on {variant.onnxruntime_min} and newer" if variant.onnxruntime_min else ""
            raise BundleError(f"{variant.file}: {error}{seen}") from error
        _check_signature(session.get_inputs(), variant.inputs, f"{variant.file}: input")
        _check_signature(session.get_outputs(), variant.outputs, f"{variant.file}: output")
        self.session, self._ask = session, runner(session, self._input, self._output)
        return other.result()

    @property
    def buffers(self) -> DeviceBuffers | None:
        """What copies to and from the model's device; None where the session takes arrays of the host."""
        return self._ask if isinstance(self._ask, DeviceBuffers) else None

    def __reduce__(self) -> tuple[Any, ...]:
        return reopen, (self._request,)

    def __repr__(self) -> str:
        return f"<edge Model {self.manifest.name} {self.manifest.version} {self.variant.name} {self.content_id[:19]}>"

    @overload
    def predict(self, x: list[Any] | tuple[Any, ...], *, color: str | None = None) -> list[Prediction]: ...

    @overload
    def predict(self, x: Input, *, color: str | None = None) -> Prediction: ...

    def predict(self, x: Any, *, color: str | None = None) -> Prediction | list[Prediction]:
        """Answer one input, or a list of them in its order.

        Args:
            x: For images a path, the bytes of an image file, a `PIL.Image.Image` or an `(H, W, 3)` uint8 array; for
                texts a `str`, UTF-8 bytes or the `pathlib.Path` of a text file; or a list of these.
            color: `"rgb"` or `"bgr"`; required for arrays, which do not tell, and applied to every array of a list.

        Raises:
            InputError: an input cannot be used; of a list, the message gives its place.
        """
        if not isinstance(x, (list, tuple)):
            plains: Any = ()
            if self._traced:
                x = self.decode(x, color=color)
                plains, color = [x], None
            return self.postprocess(self.infer(self._preprocessor(x, color)[None]), plains)[0]
        if self._traced:
            x, color = self._decode_all(x, color), None
        answers: dict[int, Prediction] = {}
        # A graph of one item at a time gets no batches: texts would be padded for nothing.
        size = 1 if self._fixed_batch == 1 else MAX_BATCH
        for places, batch in self._preprocessor.batches(x, color, size, self.buffers is None):
            some = [x[at] for at in places] if self._traced else ()
            answers.update(zip(places, self.postprocess(self.infer(batch), some), strict=True))
        return [answers[at] for at in range(len(x))]

    def _decode_all(self, items: Sequence[Any], color: str | None) -> list[Any]:
        plains = []
        for at, item in enumerate(items):
            try:
                plains.append(self.decode(item, color=color))
            except EdgeError as error:
                raise at_place(error, at) from error
        return plains

    def decode(self, x: Any, *, color: str | None = None) -> Any:
        """Return one input in its plain form: `(H, W, 3)` uint8 RGB, or a text."""
        return self._preprocessor.decode(x, color=color)

    def preprocess(self, plain: Any) -> npt.NDArray[Any]:
        """Return the model's tensor of a plain input: `(3, h, w)` float32, or `(length,)` int64 token numbers."""
        return self._preprocessor.preprocess(plain)

    def infer(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return float32 logits for `(n, 3, h, w)` tensors or `(n, length)` padded token numbers.

        They are `(n, labels)`; for tags `(n, length, labels)`, without the columns in which every row has padding; for
        embeddings `(n, width)`.

        Raises:
            InputError: the batch is not of that shape.
            BundleError: the model fails, or answers with something that is not a number.
        """
        batch = self._preprocessor.check(batch)
        if self._pid != os.getpid():
            self._after_fork()
        return self._preprocessor.ask(batch, self._batch, TASKS[self.manifest.task].join)

    def _batch(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Run a batch, by as many as a graph of fixed size takes; the last run is filled up with zeros."""
        size = self._fixed_batch or len(batch)
        if size == len(batch):
            return self._run(batch)
        answers = np.zeros(self._shape(batch), dtype=np.float32)
        for start in range(0, len(batch), size):
            part = batch[start : start + size]
            full = np.zeros((size, *batch.shape[1:]), dtype=batch.dtype)
            full[: len(part)] = part
            # Checked again, since a row alone may need less padding than its batch did.
            answer = self._run(self._preprocessor.check(full))[: len(part)]
            answers[start : start + size, : answer.shape[1]] = answer
        return answers

    def _run(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        tensor = batch if batch.dtype == self._dtype else batch.astype(self._dtype)
        try:
            logits = self._ask(tensor)
        except Exception as error:  # its exceptions have no common base that is public
            raise BundleError(f"{self.variant.file}: ONNX Runtime cannot run it ({first_line(error)})") from error
        if logits.shape != self._shape(batch) or not np.isfinite(logits).all():
            raise BundleError(
                f"{self.variant.file}: answered {logits.shape} {logits.dtype}, or not with finite numbers"
            )
        return logits.astype(np.float32, copy=False)

    def _shape(self, batch: npt.NDArray[Any]) -> tuple[int, ...]:
        """Return the shape that the model's answer to a batch must have."""
        return (*batch.shape[:2], self._width) if self._by_token else (len(batch), self._width)

    def postprocess(self, logits: npt.NDArray[np.float32], plains: Sequence[Any] = ()) -> list[Prediction]:
        """Turn logits into answers.

        Args:
            logits: What `infer` returned.
            plains: What `decode` returned of the same inputs: tags are placed in their texts. Others need none.

        Raises:
            InputError: the task needs them and there are not as many.
        """
        traces: Sequence[Any] = ()
        if self._traced:
            if len(plains) != len(logits):
                raise InputError(f"postprocess: {len(logits)} answers and {len(plains)} texts; give each its text")
            traces = [self._preprocessor.trace(plain) for plain in plains]
        return predictions(logits, self.manifest, self.variant, traces)

    def _after_fork(self) -> None:
        """Make the session anew: its threads stayed in the parent process."""
        if self._request.device == "cuda":
            raise MachineError("a CUDA model does not survive fork; load it in the child, or start processes by spawn")
        with self._lock:
            if self._pid != os.getpid():
                abandon(self.session)
                self._create(lambda: None)
                self._pid = os.getpid()


def _check_signature(actual: Sequence[Any], declared: Sequence[TensorInfo], what: str) -> None:
    """Hold the session's inputs or outputs against what the manifest says of them."""
    seen = [(tensor.name, tensor.type) for tensor in actual]
    said = [(tensor.name, f"tensor({'float' if tensor.dtype == 'float32' else tensor.dtype})") for tensor in declared]
    if seen != said:
        raise BundleError(f"{what}s are {seen}, the manifest says {said}; export it again")
