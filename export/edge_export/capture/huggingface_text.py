"""A Hugging Face directory with a text classifier, as `save_pretrained` writes it."""

from pathlib import Path
from typing import Any

from edge_export.capture.interface import Captured, SourceOptions
from edge_export.capture.labels import labels_for
from edge_export.capture.module_source import sha256_of
from edge_export.capture.parity import check_parity
from edge_export.capture.torch_module import eager, export_encoder
from edge_export.inputs import parity_batches
from edge_export.text_networks import as_network, import_transformers, text_contract
from edge_runtime.errors import InputError
from edge_runtime.manifest import Task

TEXT_CLASSIFIER = "ForSequenceClassification"
"""What the names of transformers' text classifiers end in."""


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
    folder = Path(source)
    if options.preprocessing or options.weights or options.input or options.output or options.hold:
        raise InputError(f"{folder}: has its tokenizer and weights; leave out --preprocess, --weights and the inputs")
    transformers = import_transformers()
    tokenizer = _load(transformers.AutoTokenizer, folder, use_fast=True)
    model = _load(transformers.AutoModelForSequenceClassification, folder, use_safetensors=True)
    contract, content = text_contract(str(folder), tokenizer, model.config, None)
    module = as_network(model, contract.pad_id).eval()
    labels = labels_for(source, options.labels or named, int(model.config.num_labels))
    several = options.task.endswith("-multilabel") or model.config.problem_type == "multi_label_classification"
    task: Task = "text-multilabel" if several else "text-classification"
    graph, reference = export_encoder(module, contract), eager(module)
    parity = check_parity(graph, reference, parity_batches(contract))
    weights = next(iter(sorted(folder.glob("*.safetensors"))), None)
    provenance = {
        "source": "huggingface",
        "architecture": type(model).__name__,
        "weights_sha256": sha256_of(weights) if weights else "",
    }
    notes = (f"texts of at most {contract.max_length} tokens, longer ones are cut",)
    return Captured(
        graph, reference, parity, labels, task, contract, provenance, notes, files={contract.tokenizer: content}
    )


def _load(kind: Any, folder: Path, **options: Any) -> Any:
    try:
        return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise InputError(f"{folder}: transformers cannot load it ({reason})") from error
