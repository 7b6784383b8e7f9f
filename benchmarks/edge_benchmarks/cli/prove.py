"""`edge-bench prove`: does a bundle answer rightly on this machine, and is the variant that it prefers faster here?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from edge_benchmarks.prove.proof import Proof


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path),
    help="Write the evidence here; `edge pack BUNDLE --evidence FILE` adds it to the bundle.",
)  # fmt: skip
@click.option("--threads", type=click.IntRange(min=1), help="Default: what the runtime takes on this machine.")
@click.option(
    "--duration", "seconds", type=click.FloatRange(min=0.1), default=30.0, show_default=True,
    help="Seconds of timing; with the starts of processes it takes less than three minutes on a small board.",
)  # fmt: skip
@click.option(
    "--processes", type=click.IntRange(min=1), default=6, show_default=True,
    help="Fresh ones of each variant; fewer than 6 prove nothing.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of the order of turns.")
@click.option("--json", "as_json", is_flag=True, help="Print the evidence as one JSON document.")
def command(*, bundle: Path, output: Path | None, as_json: bool, **options: Any) -> int:
    """Run BUNDLE's golden vectors here, then time its CPU variants side by side.

    Ends with 0 where the variant that the bundle prefers is proven faster than its fp32 variant, 4 where an answer
    differs or it is slower, 5 where that is not decided, 6 where the machine did not hold still.
    """
    from edge_benchmarks.files import check_target, write_file
    from edge_benchmarks.prove.evidence import evidence, evidence_file
    from edge_benchmarks.prove.run import prove

    if output is not None:
        check_target(output)
    proof = prove(bundle, say=lambda line: click.echo(line, err=True), **options)
    if output is not None:
        write_file(output, evidence_file(proof))
    click.echo(json.dumps(asdict(evidence(proof)), ensure_ascii=False) if as_json else describe(proof))
    return proof.verdict.exit_code


def describe(proof: Proof) -> str:
    """Return the result in a few plain lines: a device has no library for tables."""
    from edge_benchmarks.prove.evidence import evidence, measurements

    machine, threads = evidence(proof).machine, proof.variants[0].threads
    lines = [
        f"{proof.manifest.name} {proof.manifest.version} on {machine.cpu} ({machine.instruction_set}), "
        f"ONNX Runtime {machine.onnxruntime}, {threads} thread{'s' * (threads != 1)}"
    ]
    numbers = {(one.variant, one.metric): one for one in measurements(proof)}
    for variant in proof.variants if proof.sets else ():
        latency, memory = numbers[variant.name, "model_latency_p50"], numbers[variant.name, "peak_rss"]
        median = "no median" if latency.value is None else f"p50 {latency.value:.3g} ms"
        peak = "" if memory.value is None else f", peak memory {memory.value / 1e6:.0f} MB"
        compared = proof.comparisons.get(variant.name)
        lines.append(f"  {variant.name}: {median}{peak}, {compared.verdict.value if compared else 'baseline'}")
    lines += [f"  {problem}" for problem in (*proof.problems, *proof.failures[1:])]
    return "\n".join([*lines, f"{proof.verdict.value}: {proof.reason}"])
