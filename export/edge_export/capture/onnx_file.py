"""An `.onnx` file that someone else exported."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edge_export.capture.interface import Batch, Captured, Parity, Predictor, SourceOptions
from edge_export.capture.labels import labels_for
from edge_export.capture.onnx_reading import MIN_OPSET, count_control_flow, opset_of, read_onnx, upgrade
from edge_export.capture.onnx_rewrites import LUMA, adapt, normalize, take_logits
from edge_export.capture.onnx_signature import Signature, read_signature
from edge_export.capture.parity import check_parity
from edge_export.capture.preprocess_spec import describe_preprocessing, read_preprocessing
from edge_export.inputs import noise_batches
from edge_runtime.errors import BundleError, EdgeError, InputError, RefusedError
from edge_runtime.preprocessing import ImagePreprocessing
from edge_runtime.session import create_session

if TYPE_CHECKING:
    import onnx

    Prove = Callable[[Literal["batch", 1]], tuple[onnx.ModelProto, Parity]]


def recognizes_onnx(source: str) -> bool:
    """Tell whether `source` names an ONNX file."""
    return source.lower().endswith(".onnx")


def capture_onnx(source: str, options: SourceOptions) -> Captured:
    """Bring the ONNX file `source` to the graph that the export works on; the file itself is the reference.

    Raises:
        InputError: the file cannot be used, or something about it must be said by an option.
        RefusedError: the rewritten graph does not answer as the file does.
    """
    path = Path(source)
    if options.weights:
        raise InputError(f"{path}: an ONNX file has its weights; leave out --weights")
    original = read_onnx(path)
    signature = read_signature(path, original, options)
    contract = read_preprocessing(options.preprocessing, signature.image)
    _check_contract(path, contract, signature)
    cut, activation = take_logits(original, signature.output)
    if options.task == "image-multilabel" and activation in ("Softmax", "LogSoftmax"):
        raise InputError(f"{path}: ends in a {activation}, which has one answer an image; leave out --multilabel")
    reference = _reference(path, cut, signature, contract)
    classes = _count_classes(path, signature, reference, contract)
    labels = labels_for(str(path), options.labels, classes)
    graph = normalize(upgrade(path, cut))

    def prove(batch: Literal["batch", 1]) -> tuple["onnx.ModelProto", Parity]:
        model = adapt(graph, signature, contract.tensor_shape, classes, batch=batch)
        pixels = signature.dtype == "uint8"
        return model, check_parity(model, reference, noise_batches(contract.tensor_shape, pixels=pixels))

    model, parity = _prove(path, prove)
    provenance: dict[str, Any] = {
        "source": "onnx",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "producer": f"{original.producer_name} {original.producer_version}".strip(),
        "opset": opset_of(original),
        "activation_removed": activation,
        "control_flow": count_control_flow(model),
        "held_inputs": sorted(signature.held),
        "fixed_batch": model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1,
    }
    notes = _notes(contract, signature, provenance)
    return Captured(model, reference, parity, labels, options.task, contract, provenance, notes)


def _check_contract(path: Path, contract: ImagePreprocessing, signature: Signature) -> None:
    if signature.dtype == "uint8":
        plain = (contract.scale, contract.mean, contract.std) == (1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        if not plain:
            raise InputError(
                f"{path}: takes uint8, so it normalizes itself; give --preprocess raw, or a contract with scale 1, "
                "mean 0 and std 1"
            )
    if signature.channels == 1 and (len(set(contract.mean)) > 1 or len(set(contract.std)) > 1):
        raise InputError(
            f"{path}: takes gray images, so the contract's mean and std must be the same three times, not "
            f"{contract.mean} and {contract.std}; give them in a --preprocess file"
        )


def _reference(path: Path, model: "onnx.ModelProto", signature: Signature, contract: ImagePreprocessing) -> Predictor:
    """Return the file itself as a function of preprocessed images: one at a time, on one thread, in its own types."""
    try:
        session = create_session(model.SerializeToString(), threads=1)
    except BundleError as error:
        raise InputError(f"{path}: ONNX Runtime cannot load it ({error}); check it with onnx.checker") from error
    axis = 1 if contract.layout == "NCHW" else -1
    weights = np.array(LUMA, np.float32)

    def one(image: Batch) -> Batch:
        if signature.channels == 1:
            image = np.expand_dims(np.tensordot(image, weights, (axis, 0)).astype(np.float32), axis)
        feed = {signature.input: image.astype(signature.dtype), **signature.held}
        try:
            answer: Batch = session.run(None, feed)[0]
        except Exception as error:  # ONNX Runtime's exceptions have no common base that is public
            reason = str(error).splitlines()[0]
            raise InputError(f"{path}: ONNX Runtime cannot run it ({reason}); check the file with its maker") from error
        return answer

    return lambda batch: np.concatenate([one(batch[at : at + 1]) for at in range(len(batch))])


def _count_classes(path: Path, signature: Signature, reference: Predictor, contract: ImagePreprocessing) -> int:
    answer = reference(np.zeros((1, *contract.tensor_shape), np.float32))
    if answer.ndim != 2 or len(answer) != 1 or answer.shape[1] < 2 or answer.dtype != np.float32:
        raise InputError(
            f"{path}: output {signature.output} is {answer.dtype} {answer.shape} for one image; a classifier gives "
            "float32 (1, classes) with two classes or more"
        )
    return int(answer.shape[1])


def _prove(path: Path, prove: "Prove") -> tuple["onnx.ModelProto", Parity]:
    """Return the graph with a free batch where its answers are those of single images, else with a batch of one."""
    try:
        return prove("batch")
    except InputError:
        raise
    except Exception:  # noqa: BLE001 - whatever ONNX Runtime makes of a batch that the graph was not made for
        pass
    try:
        return prove(1)
    except EdgeError:
        raise
    except Exception as error:
        raise RefusedError(
            f"{path}: rewritten, it cannot be run ({str(error).splitlines()[0]}); not shipped"
        ) from error


def _notes(contract: ImagePreprocessing, signature: Signature, made: Mapping[str, Any]) -> tuple[str, ...]:
    notes = [f"preprocessing as given: {describe_preprocessing(contract)}"]
    if made["opset"] < MIN_OPSET:
        notes.append(f"converted from opset {made['opset']} to {MIN_OPSET}")
    if made["activation_removed"]:
        notes.append(f"the final {made['activation_removed']} was taken off: the runtime makes scores of logits itself")
    if signature.channels == 1:
        notes.append("takes gray: red, green and blue are weighed (ITU-R BT.601) in front of it")
    notes += [f"input {name} is held at one value" for name in signature.held]
    if made["control_flow"]:
        named = ", ".join(f"{count} {name}" for name, count in made["control_flow"].items())
        notes.append(f"the graphs inside {named} stay float: quantization does not enter them")
    if made["fixed_batch"]:
        notes.append("takes one image at a time: with several, the graph does not answer as it does for one")
    return tuple(notes)
