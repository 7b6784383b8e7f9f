"""What int8 costs embeddings: MiniLM as it comes, and whose nearest neighbors it makes among TREC's questions."""

from pathlib import Path
from tempfile import TemporaryDirectory

from interface import Figure

from edge_export.capture.interface import SourceOptions
from edge_export.config import ExportConfig
from edge_pipeline.exporting import export
from edge_pipeline.samples import write_sample
from text.encoder import encoder_folder

ASKED_DROP, ASKED_BOUND, ASKED_COSINE = 0.3, 1.0, 0.99


def measure() -> list[Figure]:
    """Export the encoder by the command's own function; test is opened once, for the chosen candidate."""
    with TemporaryDirectory(prefix="edge-figures-") as name:
        folder = Path(name)
        write_sample("trec", folder / "trec")
        config = ExportConfig(
            quantize="int8",
            source=SourceOptions(task="text-embedding"),
            search_time=20.0,
            timing_seconds=5.0,
            provisional=True,
        )
        report = export(encoder_folder(), folder / "trec.edge", data=folder / "trec" / "data.csv", config=config).report
    found = report["accuracy"]
    (cosine,) = [float(note.split()[-1]) for note in report["notes"] if "mean cosine" in note]
    right = {name: found[name] for name in ("baseline", "candidate")}
    how = (
        f"{found['n']} questions of test, right where the nearest other one has its label: fp32"
        f" {100 * right['baseline']['estimate']:.1f} %, int8 {100 * right['candidate']['estimate']:.1f} %;"
        f" {found['worse']} lost, {found['better']} won"
    )
    drop, bound = 100 * found["drop"], 100 * found["drop_bound"]
    return [
        Figure("TREC, embeddings: drop of int8", drop, None, None, ASKED_DROP, "at most", "%", how),
        Figure("TREC, embeddings: its upper bound (95 %)", bound, None, None, ASKED_BOUND, "at most", "%", how),
        Figure("TREC, embeddings: mean cosine with fp32's", cosine, None, None, ASKED_COSINE, "at least", "", how),
    ]
