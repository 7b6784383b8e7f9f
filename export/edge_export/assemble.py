"""From what won to the files of a bundle."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from edge_export.candidates import Candidate
from edge_export.capture import Captured
from edge_export.config import ExportConfig
from edge_export.evidence import EVIDENCE_FILE, export_evidence
from edge_export.exactness import measure_exactness
from edge_export.golden import GOLDEN_FILE, golden_batch, golden_file
from edge_export.inputs import golden_inputs
from edge_export.other_runtimes import Loaded
from edge_export.sessions import predictor
from edge_export.twins import is_twin
from edge_runtime.cpus import instruction_set
from edge_runtime.manifest import Manifest, TensorInfo, Unknown, Variant
from edge_runtime.tasks import is_embedding


def assemble(
    captured: Captured,
    shipped: Sequence[Candidate],
    unknowns: Mapping[str, Unknown | None],
    loaded: Mapping[str, Loaded],
    config: ExportConfig,
    *,
    name: str,
    provisional: bool,
    provenance: Mapping[str, Any],
    evidence: Mapping[str, Any],
) -> tuple[Manifest, dict[str, bytes]]:
    """Build the manifest (not sealed yet) and the files of a bundle.

    Args:
        captured: Labels, task and contract.
        shipped: The variants, in the order of preference.
        unknowns: Variant to when it withholds its answer.
        loaded: Variant to what other ONNX Runtimes make of it.
        config: What was asked for.
        name: The bundle's name.
        provisional: A verdict was inconclusive.
        provenance: Data fingerprints, tool versions, seeds.
        evidence: The report of what this machine measured, at one thread.
    """
    contract = captured.preprocessing
    preprocess = captured.preprocessor()
    inputs = golden_inputs(contract, preprocess, config.seed)
    batch = golden_batch(inputs, preprocess)
    variants = tuple(_variant(one, batch, unknowns[one.name], loaded[one.name]) for one in shipped)
    read = captured.reader()
    predictors = {one.name: predictor(one.model, threads=1, options=one.session, read=read) for one in shipped}
    files = {variant.file: one.model for variant, one in zip(variants, shipped, strict=True)}
    files |= {**inputs, **captured.files}
    files[EVIDENCE_FILE] = export_evidence(evidence, [one.name for one in shipped], threads=1)
    manifest = Manifest(
        name=name,
        version=config.version,
        task=captured.task,
        labels=() if is_embedding(captured.task) else captured.labels,
        preprocessing=contract,
        variants=variants,
        golden=GOLDEN_FILE,
        content_id="",
        files=(),
        recipe={one.name: one.recipe for one in shipped},
        provenance=dict(provenance),
        evidence=(EVIDENCE_FILE,),
        provisional=provisional,
    )
    files[GOLDEN_FILE] = golden_file(inputs, manifest, predictors, captured.files)
    return manifest, files


def _variant(candidate: Candidate, batch: NDArray[Any], unknown: Unknown | None, loaded: Loaded) -> Variant:
    import onnx

    graph = onnx.load_from_string(candidate.model).graph
    equality = measure_exactness(candidate, batch)
    return Variant(
        name=candidate.name,
        file=f"variants/{candidate.name}.onnx",
        precision=candidate.precision,
        device=candidate.device,
        inputs=tuple(_tensor_info(info) for info in graph.input),
        outputs=tuple(_tensor_info(info) for info in graph.output),
        exact=equality.exact,
        tolerance=max(equality.tolerance, 2 * loaded.moved),
        session=dict(candidate.session),
        unknown=unknown,
        # Of a twin that was tried nowhere else nothing is said, or no older runtime would take it.
        onnxruntime_min=loaded.oldest if loaded.problems or not is_twin(candidate.name) else "",
        verified_on=(instruction_set(),),
    )


def _tensor_info(info: Any) -> TensorInfo:
    from onnx import helper

    tensor = info.type.tensor_type
    shape = tuple(dim.dim_param or int(dim.dim_value) for dim in tensor.shape.dim)
    return TensorInfo(info.name, str(helper.tensor_dtype_to_np_dtype(tensor.elem_type)), shape)
