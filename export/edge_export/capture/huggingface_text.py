"""A Hugging Face directory with a text classifier or a sentence encoder, as `save_pretrained` writes it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.capture.exporters import rivals
from edge_export.capture.interface import Captured, SourceOptions
from edge_export.capture.labels import labels_for
from edge_export.capture.module_source import sha256_of
from edge_export.capture.parity import check_parity
from edge_export.capture.torch_module import eager, export_encoder
from edge_export.inputs import parity_batches
from edge_export.text_networks import (
    LONGER,
    HeadFields,
    as_network,
    encoder_width,
    import_transformers,
    stored_pooling,
    text_contract,
)
from edge_runtime.errors import InputError
from edge_runtime.manifest import Task
from edge_runtime.preprocessing import TextPreprocessing

if TYPE_CHECKING:
    from edge_export.text_networks.network import TextNetwork

TEXT_CLASSIFIER = "ForSequenceClassification"
"""What the names of transformers' text classifiers end in."""
TAGGER = "ForTokenClassification"
"""What the names of its taggers of words end in."""


def capture_text_classifier(source: str, options: SourceOptions, named: tuple[str, ...]) -> Captured:
    """Bring the text classifier in the directory `source` to ONNX; nothing is downloaded.

    Args:
        source: The directory.
        options: What it does not say itself.
        named: What its configuration calls its outputs.

    Raises:
        InputError: transformers cannot load it, or its tokenizer does not fit.
        MachineError: transformers is not installed.
        RefusedError: the graph does not answer as the model does.
    """
    transformers = import_transformers()
    folder, model, tokens = _open(source, options, transformers.AutoModelForSequenceClassification)
    labels = labels_for(source, options.labels or named, int(model.config.num_labels))
    several = options.task.endswith("-multilabel") or model.config.problem_type == "multi_label_classification"
    task: Task = "text-multilabel" if several else "text-classification"
    return _captured(folder, as_network(model, tokens[0].pad_id), tokens, task, labels)


def capture_tagger(source: str, options: SourceOptions, named: tuple[str, ...]) -> Captured:
    """Bring the token classifier in the directory `source` to ONNX; the arguments are `capture_text_classifier`'s.

    Raises:
        InputError: transformers cannot load it, its tokenizer does not fit, or its labels are no tags.
        MachineError: transformers is not installed.
        RefusedError: the graph does not answer as the model does.
    """
    transformers = import_transformers()
    folder, model, tokens = _open(source, options, transformers.AutoModelForTokenClassification)
    labels = labels_for(source, options.labels or named, int(model.config.num_labels))
    odd = [label for label in labels if not (label == "O" or label.startswith(("B-", "I-")))]
    if odd or "O" not in labels:
        raise InputError(
            f"{folder}: its labels are no tags ({', '.join(odd) or 'no O'}); O, B-KIND and I-KIND are read"
        )
    return _captured(folder, as_network(model, tokens[0].pad_id), tokens, "text-tokens", labels)


def capture_text_encoder(source: str, options: SourceOptions) -> Captured:
    """Bring the sentence encoder in the directory `source`, a bare one of transformers, to ONNX.

    An embedding is what sentence-transformers makes of it: the first token, or the mean over those that are no padding,
    divided by its length.

    Args:
        source: The directory; its `1_Pooling/config.json` says how tokens are pooled.
        options: Labels are those of the data, by which neighbors are judged; the model knows none.

    Raises:
        InputError: transformers cannot load it, its tokenizer does not fit, or nobody says how to pool.
        MachineError: transformers is not installed.
        RefusedError: the graph does not answer as the model does.
    """
    transformers = import_transformers()
    pooling = options.pooling or stored_pooling(source, local=True)
    if pooling is None:
        raise InputError(f"{source}: no 1_Pooling/config.json says how it pools (cls or mean); give --pooling")
    folder, model, tokens = _open(source, options, transformers.AutoModel)
    head = HeadFields("embed", encoder_width(model), pooling, 0.0)
    module = as_network(model, tokens[0].pad_id, head)
    return _captured(folder, module, tokens, "text-embedding", options.labels)


def _open(source: str, options: SourceOptions, kind: Any) -> tuple[Path, Any, tuple[TextPreprocessing, bytes]]:
    """Return the directory, the model in it as one of transformers' `kind`, and its contract with its tokenizer."""
    folder = Path(source)
    if options.preprocessing or options.weights or options.input or options.output or options.hold:
        raise InputError(f"{folder}: has its tokenizer and weights; leave out --preprocess, --weights and the inputs")
    tokenizer = _load(import_transformers().AutoTokenizer, folder, use_fast=True)
    model = _load(kind, folder, use_safetensors=True)
    return folder, model, text_contract(str(folder), tokenizer, model.config, options.max_length, options.truncation)


def _captured(
    folder: Path, network: "TextNetwork", tokens: tuple[TextPreprocessing, bytes], task: Task, labels: tuple[str, ...]
) -> Captured:
    module, (contract, content) = network.eval(), tokens
    graph, reference = export_encoder(module, contract), eager(module)
    parity = check_parity(graph, reference, parity_batches(contract))
    weights = next(iter(sorted(folder.glob("*.safetensors"))), None)
    provenance = {
        "source": "huggingface",
        "architecture": type(network.encoder).__name__,
        "weights_sha256": sha256_of(weights) if weights else "",
    }
    notes = (f"texts of at most {contract.max_length} tokens, longer ones {LONGER[contract.truncation]}",)
    return Captured(
        graph,
        reference,
        parity,
        labels,
        task,
        contract,
        provenance,
        notes,
        files={contract.tokenizer: content},
        rivals=rivals(module, contract),
    )


def _load(kind: Any, folder: Path, **options: Any) -> Any:
    try:
        return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise InputError(f"{folder}: transformers cannot load it ({reason})") from error
