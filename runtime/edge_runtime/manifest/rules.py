"""The rules that a manifest must keep and that types cannot say."""

from __future__ import annotations

import math
import re

from edge_runtime._reading import is_sha256, read_text, require
from edge_runtime.manifest.values import (
    DIGEST_NAME,
    MANIFEST_NAME,
    MAX_FILES,
    MAX_PATH,
    FileEntry,
    Manifest,
    TensorInfo,
    Variant,
    answer_shape,
)
from edge_runtime.preprocessing import Preprocessing, TextPreprocessing, check_preprocessing

_SEGMENT = r"[A-Za-z0-9_-]([A-Za-z0-9._-]*[A-Za-z0-9_-])?"
PATH = re.compile(rf"{_SEGMENT}(/{_SEGMENT})*")
_WINDOWS_DEVICE = re.compile(r"(^|/)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|/|$)")
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DTYPES = ("float32", "float16", "uint8", "int8", "int32", "int64")
_SURROGATE = re.compile("[\ud800-\udfff]")
MAX_BYTES = (1 << 31) - 1
"""Of one file: protobuf ends there, and with it a model without external data."""
_MAX_BATCH_ELEMENTS = 1 << 28
"""Of a fixed batch, a GiB of float32: a lying manifest must not ask for all memory."""
_MAX_TOKEN_ANSWERS = 1 << 22
"""Values that a model may answer for one text: 16 MiB."""
MAX_WIDTH = 1 << 16
"""Of a vector that stands for a text."""
_TAG = re.compile("O|[BI]-.+", re.DOTALL)
MAX_LABEL = 500
MAX_NAME = 200
MAX_VARIANTS = 64
MAX_TOLERANCE = 1e6
TEMPERATURES = 1e-6, 1e6


def check_manifest(manifest: Manifest) -> None:
    """Check what types cannot say.

    Raises:
        SchemaError: with the field's dotted name, the value and the rule.
    """
    require(0 < len(manifest.name) <= MAX_NAME, "name", manifest.name, f"1 to {MAX_NAME} characters")
    shape = answer_shape(manifest.task)
    _check_labels(manifest.labels, shape)
    check_preprocessing(manifest.preprocessing)
    kind, wanted = manifest.preprocessing.kind, manifest.task.partition("-")[0]
    require(kind == wanted, "preprocessing.kind", kind, f"{wanted} for its task")
    paths = _check_files(manifest.files)
    require(manifest.golden in paths, "golden", manifest.golden, "the path of a listed file")
    for at, path in enumerate(manifest.evidence):
        require(path in paths, f"evidence[{at}]", path, "the path of a listed file")
    require(len(set(manifest.evidence)) == len(manifest.evidence), "evidence", manifest.evidence, "no path twice")
    head, _, digest = manifest.content_id.partition(":")
    require(
        head == "sha256" and is_sha256(digest), "content_id", manifest.content_id, "sha256: and 64 hexadecimal digits"
    )
    require(0 < len(manifest.variants) <= MAX_VARIANTS, "variants", manifest.variants, f"1 to {MAX_VARIANTS} variants")
    names = [variant.name for variant in manifest.variants]
    require(len(set(names)) == len(names), "variants", names, "each name once")
    for at, variant in enumerate(manifest.variants):
        _check_variant(variant, f"variants[{at}]", manifest, paths, shape)


def _check_labels(labels: tuple[str, ...], answer: tuple[str, ...]) -> None:
    if "labels" not in answer:
        require(not labels, "labels", labels, "none for this task")
        return
    require(len(labels) >= 1, "labels", labels, "at least one label")
    require(len(set(labels)) == len(labels), "labels", labels, "each label once")
    for at, label in enumerate(labels):
        check_label(label, f"labels[{at}]")
        if "length" in answer:
            require(_TAG.fullmatch(label), f"labels[{at}]", label, "a tag: O, B-kind or I-kind")


def check_label(label: str, where: str = "label") -> None:
    """Check what a label must be to stand in a manifest.

    Args:
        label: The name of a class.
        where: What the error calls it.

    Raises:
        SchemaError: it is empty, too long, has outer blanks, more than one line, or bytes that are no text.
    """
    read_text(label, where)
    plain = 0 < len(label) <= MAX_LABEL and label == label.strip() and not _SURROGATE.search(label)
    require(plain, where, label, f"1 to {MAX_LABEL} characters of Unicode, no outer blanks")


def _check_files(files: tuple[FileEntry, ...]) -> set[str]:
    require(len(files) <= MAX_FILES, "files", len(files), f"at most {MAX_FILES} files")
    for at, entry in enumerate(files):
        where = f"files[{at}]"
        plain = len(entry.path) <= MAX_PATH and PATH.fullmatch(entry.path)
        require(plain, f"{where}.path", entry.path, "a relative path of ASCII letters, digits, `.`, `_`, `-`, `/`")
        device = _WINDOWS_DEVICE.search(entry.path.lower())
        require(not device, f"{where}.path", entry.path, "no file called as a device of Windows is")
        require(
            entry.path not in (MANIFEST_NAME, DIGEST_NAME), f"{where}.path", entry.path, "the manifest is not listed"
        )
        require(is_sha256(entry.sha256), f"{where}.sha256", entry.sha256, "64 lower-case hexadecimal digits")
        require(0 <= entry.size <= MAX_BYTES, f"{where}.size", entry.size, f"0 to {MAX_BYTES} bytes")
        require(0 <= entry.crc32 < 1 << 32, f"{where}.crc32", entry.crc32, "an unsigned 32-bit number")
    paths = [entry.path for entry in files]
    require(paths == sorted(paths), "files", paths, "sorted by path")
    # Also apart on file systems that ignore case, and never a file and a directory of one name.
    folded = {path.lower() for path in paths} | {MANIFEST_NAME, DIGEST_NAME}
    require(len(folded) == len(paths) + 2, "files", paths, "each path once, capitals ignored")
    for path in sorted(folded):
        parents = path.split("/")[:-1]
        for depth in range(len(parents)):
            parent = "/".join(parents[: depth + 1])
            require(parent not in folded, "files", path, f"{parent} is a file, so nothing can lie below it")
    return set(paths)


def _check_variant(variant: Variant, where: str, manifest: Manifest, paths: set[str], answer: tuple[str, ...]) -> None:
    require(WORD.fullmatch(variant.name), f"{where}.name", variant.name, "1 to 64 letters, digits, `.`, `_`, `-`")
    require(variant.file in paths, f"{where}.file", variant.file, "the path of a listed file")
    bounded = variant.tolerance == 0 if variant.exact else 0 <= variant.tolerance <= MAX_TOLERANCE
    require(bounded, f"{where}.tolerance", variant.tolerance, "0 when exact, else not negative")
    require(len(variant.inputs) == 1, f"{where}.inputs", len(variant.inputs), "one input")
    require(len(variant.outputs) >= 1, f"{where}.outputs", len(variant.outputs), "at least one output")
    for kind, tensors in (("inputs", variant.inputs), ("outputs", variant.outputs)):
        for at, tensor in enumerate(tensors):
            _check_tensor(tensor, f"{where}.{kind}[{at}]")
    _check_input(variant.inputs[0], f"{where}.inputs[0]", manifest.preprocessing)
    _check_answer(variant.outputs[0].shape, f"{where}.outputs[0].shape", manifest, answer)
    if variant.unknown is not None:
        unknown = variant.unknown
        plain = manifest.task.endswith("-classification") and "unknown" not in manifest.labels
        require(plain, f"{where}.unknown", manifest.task, "only with one label an item, and none called unknown")
        low, high = TEMPERATURES
        require(low <= unknown.temperature <= high, f"{where}.unknown.temperature", unknown.temperature, "positive")
        require(0 <= unknown.threshold <= 1, f"{where}.unknown.threshold", unknown.threshold, "0 to 1")
        require(0 <= unknown.precision <= 1, f"{where}.unknown.precision", unknown.precision, "0 to 1")


def _check_answer(shape: tuple[int | str, ...], where: str, manifest: Manifest, answer: tuple[str, ...]) -> None:
    """Hold the shape of the model's answers against what the task asks for, and bound what they may take."""
    count, contract = len(manifest.labels), manifest.preprocessing
    if "width" in answer:
        count = shape[-1] if shape and isinstance(shape[-1], int) else 0
        require(0 < count <= MAX_WIDTH, where, shape, f"(n, width) with a width of 1 to {MAX_WIDTH}")
    item = tuple("length" if side == "length" else count for side in answer)
    require(_fits(shape, item), where, shape, f"(n, {', '.join(map(str, item))})")
    if "length" in answer and isinstance(contract, TextPreprocessing):
        small = contract.longest * count <= _MAX_TOKEN_ANSWERS
        require(small, where, shape, f"at most {_MAX_TOKEN_ANSWERS} values, with texts of {contract.longest} tokens")


def _check_input(tensor: TensorInfo, where: str, contract: Preprocessing) -> None:
    """Hold the model's input against what the preprocessing gives."""
    batch, item = tensor.shape[:1], contract.tensor_shape
    require(_fits(tensor.shape, item), f"{where}.shape", tensor.shape, f"(n, {item})")
    if contract.kind == "text":
        require(tensor.dtype == "int64", f"{where}.dtype", tensor.dtype, "int64 for token numbers")
        require(
            batch == (1,) or isinstance(batch[0], str), f"{where}.shape", tensor.shape, "a batch of 1, or a free one"
        )
    elif isinstance(batch[0], int):
        small = batch[0] * math.prod(contract.tensor_shape) <= _MAX_BATCH_ELEMENTS
        require(small, f"{where}.shape", tensor.shape, f"at most {_MAX_BATCH_ELEMENTS} elements")


def _check_tensor(tensor: TensorInfo, where: str) -> None:
    require(len(tensor.name) > 0, f"{where}.name", tensor.name, "a name")
    require(tensor.dtype in DTYPES, f"{where}.dtype", tensor.dtype, "one of " + ", ".join(DTYPES))
    for at, side in enumerate(tensor.shape):
        require(
            isinstance(side, str) or 1 <= side <= 1 << 31, f"{where}.shape[{at}]", side, "a name or a positive size"
        )


def _fits(shape: tuple[int | str, ...], item: tuple[int | str, ...]) -> bool:
    """Whether a tensor of this shape holds a batch of `item`s; free dimensions fit anything."""
    return len(shape) == len(item) + 1 and all(
        isinstance(a, str) or a == b for a, b in zip(shape[1:], item, strict=True)
    )
