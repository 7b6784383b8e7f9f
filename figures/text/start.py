"""The first label of a text in a fresh process: the runtime with a bundle, against the shortest script by hand."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from interface import Figure
from runtime.start import FIRST_LABEL, PAIRS, installed, process

from edge_benchmarks.timing import interleave
from edge_runtime.bundle import canonical_archive, read_bundle
from edge_runtime.manifest import Manifest, TensorInfo, Variant
from text.encoder import encoder_folder

if TYPE_CHECKING:
    from torch import nn

    from edge_runtime.preprocessing import TextPreprocessing

TEXT = "Who wrote the tragedy of Hamlet, and when was it first played ?"
LABELS = ("abbreviation", "description", "entity", "human", "location", "number")
BY_HAND = Path(__file__).with_name("by_hand.py")
ASKED = 1.15


def measure() -> list[Figure]:
    """Time whole processes in random balanced order; the script does what an answer needs and verifies nothing."""
    with tempfile.TemporaryDirectory(prefix="edge-figures-") as name:
        folder = Path(name)
        path = folder / "text.edge"
        path.write_bytes(_bundle())
        return [_first_label(folder, path)]


def _first_label(folder: Path, path: Path) -> Figure:
    environment = installed(folder)
    bundle = read_bundle(path)
    manifest = bundle.manifest
    files = {"model.onnx": manifest.variants[0].file, "tokenizer.json": "tokenizer.json"}
    for name, member in files.items():
        (folder / name).write_bytes(bundle.read(member))
    (folder / "labels.txt").write_text("\n".join(LABELS), encoding="utf-8")
    hand = [folder / name for name in (*files, "labels.txt")]
    arms = {
        "ours": process(environment, "-c", FIRST_LABEL, path, TEXT),
        "hand": process(environment, BY_HAND, *hand, TEXT),
    }
    answers = {name: call().split()[0] for name, call in arms.items()}
    if len(set(answers.values())) != 1:
        raise RuntimeError(f"the two do not give the same label: {json.dumps(answers)}")
    timings = interleave(arms, seconds=1, min_rounds=2 * PAIRS, warmup_seconds=0.1)
    ratio = timings.ratio("ours", "hand")
    by_hand = float(np.median(timings.samples_ns["hand"])) / 1e6
    how = (
        f"median of {PAIRS} paired blocks of whole processes, MiniLM int8 of {path.stat().st_size / 1e6:.0f} MB,"
        f" 1 thread of inference; by hand {by_hand:.0f} ms: imports, tokenizer and"
        " session from files, one text, softmax, label; nothing is verified, telemetry is off; files in the page cache,"
        " bytecode compiled"
    )
    name = "process start to the first label of a text over the shortest script"
    return Figure(name, ratio.estimate, ratio.low, ratio.high, ASKED, "at most", "x", how)


def _bundle() -> bytes:
    """Return a `.edge` file with MiniLM and a seeded head, quantized as the engine does."""
    import torch

    from edge_export.bundle_writer import seal
    from edge_export.golden import GOLDEN_FILE, golden_file
    from edge_export.golden_texts import golden_texts
    from edge_export.sessions import predictor
    from edge_pipeline.models.encoders import load_encoder

    torch.manual_seed(0)
    encoder = load_encoder(str(encoder_folder()), LABELS, 128, task="text-classification")
    model, session = _int8(encoder.network.eval(), encoder.contract)
    variant = Variant(
        name="cpu-int8",
        file="variants/cpu-int8.onnx",
        precision="int8",
        device="cpu",
        inputs=(TensorInfo("input", "int64", (1, "length")),),
        outputs=(TensorInfo("logits", "float32", (1, len(LABELS))),),
        exact=False,
        tolerance=1e-3,
        session=session,
    )
    manifest = Manifest(
        name="text",
        version="1",
        task="text-classification",
        labels=LABELS,
        preprocessing=encoder.contract,
        variants=(variant,),
        golden=GOLDEN_FILE,
        content_id="",
        files=(),
        recipe={},
        provenance={},
    )
    texts = golden_texts()
    files = {variant.file: model, "tokenizer.json": encoder.tokenizer, **texts}
    predictors = {variant.name: predictor(model, threads=1, options=session)}
    files[GOLDEN_FILE] = golden_file(texts, manifest, predictors, files)
    return canonical_archive(seal(manifest, files)[1])


def _int8(module: "nn.Module", contract: "TextPreprocessing") -> tuple[bytes, dict[str, str]]:
    import onnx

    from edge_export.candidates import make_int8
    from edge_export.capture.torch_module import export_encoder
    from edge_export.optimize import BASELINE_PASSES
    from edge_export.quantize import RECIPES
    from edge_export.quantize.prepare import name_nodes

    graph = export_encoder(module, contract)
    for rewrite in BASELINE_PASSES.values():
        graph, _ = rewrite(graph)
    name_nodes(graph.graph)
    made = make_int8(onnx.shape_inference.infer_shapes(graph), RECIPES["dynamic"], None)
    return made.model, dict(made.session)
