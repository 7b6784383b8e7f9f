"""The plain ONNX files of a bundle, with what another host must do around them."""

import json
from collections.abc import Sequence
from pathlib import Path

from edge_export.bundle_writer import check_new_directory, write_directory
from edge_runtime.bundle import Bundle, read_bundle
from edge_runtime.errors import InputError
from edge_runtime.manifest import Manifest, Variant, manifest_to_json
from edge_runtime.preprocessing import TextPreprocessing
from edge_runtime.session import GRAPH_OPTIMIZATION
from edge_runtime.tasks import is_multilabel

LABELS_FILE = "labels.txt"
PREPROCESSING_FILE = "preprocessing.json"
NOTE_FILE = "README.md"


def unpack(bundle: str | Path, out: Path, variant: str | None = None) -> tuple[Manifest, list[str]]:
    """Verify every byte of a bundle, then write its models, labels and preprocessing contract into a new directory.

    Args:
        bundle: A bundle's directory or `.edge` file.
        out: The directory to make; it appears complete or not at all.
        variant: Name of the one variant to write; by default all of them.

    Returns:
        The bundle's manifest, and the names of the files that were written.

    Raises:
        BundleError: the bundle cannot be trusted.
        InputError: there is no such bundle or variant, or `out` exists or cannot be written.
    """
    check_new_directory(out)
    opened = read_bundle(bundle)
    chosen = _choose(opened.manifest, variant)
    contract = json.loads(manifest_to_json(opened.manifest))["preprocessing"]
    files = {f"{item.name}.onnx": opened.read(item.file) for item in chosen}
    files[LABELS_FILE] = "".join(f"{label}\n" for label in opened.manifest.labels).encode()
    files[PREPROCESSING_FILE] = (json.dumps(contract, indent=1) + "\n").encode()
    known = opened.manifest.preprocessing
    if isinstance(known, TextPreprocessing):
        files[known.tokenizer] = opened.read(known.tokenizer)
    files[NOTE_FILE] = _note(opened, chosen).encode()
    write_directory(out, files)
    return opened.manifest, list(files)


def _choose(manifest: Manifest, name: str | None) -> Sequence[Variant]:
    chosen = [item for item in manifest.variants if name in (None, item.name)]
    if not chosen:
        known = ", ".join(item.name for item in manifest.variants)
        raise InputError(f"--variant {name}: no such variant; this bundle has {known}")
    return chosen


def _note(bundle: Bundle, variants: Sequence[Variant]) -> str:
    """Say what the runtime does around the model, for who writes it anew."""
    manifest = bundle.manifest
    parts = [
        f"# {manifest.name} {manifest.version}",
        f"Unpacked from the bundle whose manifest has SHA-256 `{bundle.manifest_sha256}`, content "
        f"`{manifest.content_id}`. What was proven of the bundle holds for these files only as far as the host keeps "
        "to this page; nothing here checks itself, as a bundle does.",
        "## Input",
        f"`{PREPROCESSING_FILE}` says how an input becomes the tensor, step by step as the section *Preprocessing* of "
        f"the bundle's specification (docs/bundle-format.md) defines it. {_OTHER[manifest.preprocessing.kind]}",
        "## Answer",
        f"`{LABELS_FILE}` has one label a line, in the order of the logits. {_rule(manifest)}",
    ]
    return "\n\n".join(parts + [_section(item) for item in variants]) + "\n"


_OTHER = {
    "image": "Another decoder or resize gives other answers.",
    "text": "Another tokenizer gives other answers; a graph with a batch of 1 wants each text alone, without padding.",
}


def _rule(manifest: Manifest) -> str:
    if is_multilabel(manifest.task):
        return "The probability of a label is `1 / (1 + exp(-logit))`; labels over 0.5 are given."
    if manifest.task == "text-tokens":
        return "Each token has a row of logits, and a word's first one decides; B- begins a span, I- goes on with it."
    return "Probabilities are `softmax(logits / temperature)`; the label is that of the largest logit."


def _section(variant: Variant) -> str:
    lines = [f"## {variant.name}.onnx", f"{variant.precision}, made for {variant.device}.", ""]
    for kind, tensors in (("input", variant.inputs), ("output", variant.outputs)):
        lines += [f"- {kind} `{item.name}`: {item.dtype} {list(item.shape)}" for item in tensors]
    if variant.unknown is None:
        lines.append("- temperature 1; no answer is withheld")
    else:
        lines.append(
            f"- temperature {variant.unknown.temperature!r}; below a probability of {variant.unknown.threshold!r} the "
            "answer is `unknown`"
        )
    if variant.session:
        lines += ["", "Set these options of ONNX Runtime, or other answers and times come out:", "", "```python"]
        lines += ["options = onnxruntime.SessionOptions()", *(_option(*entry) for entry in variant.session.items())]
        lines.append("```")
    return "\n".join(lines)


_LEVELS = {"disabled": "DISABLE_ALL", "basic": "ENABLE_BASIC", "extended": "ENABLE_EXTENDED", "all": "ENABLE_ALL"}


def _option(name: str, value: str) -> str:
    if name == GRAPH_OPTIMIZATION and value in _LEVELS:
        level = f"onnxruntime.GraphOptimizationLevel.ORT_{_LEVELS[value]}"
        return f"options.graph_optimization_level = {level}"
    return f"options.add_session_config_entry({name!r}, {value!r})"
