"""Tables that `edge eval` and `edge inspect` print."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge_benchmarks.report.columns import whole_table
from edge_pipeline.evaluation import Evaluation


def print_evaluation(result: Evaluation) -> None:
    """Print the share of right answers with its interval, macro F1, and a row a class."""
    console = Console(highlight=False)
    summary = result.summary
    rows = [
        [row.label, f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}", f"{row.support:,}"]
        for row in summary.per_class
    ]
    console.print(whole_table(("class", "precision", "recall", "F1", "items"), rows))
    top1 = summary.top1
    what = "all labels right" if summary.multilabel else result.measure
    if (spans := summary.span_f1) is not None:
        low, high = 100 * spans.low, 100 * spans.high
        console.print(f"[bold]span F1 {100 * spans.estimate:.2f} %[/] (95 % interval {low:.2f} to {high:.2f})")
    console.print(
        f"[bold]{what} {100 * top1.estimate:.2f} %[/] (95 % interval {100 * top1.low:.2f} to {100 * top1.high:.2f}), "
        f"macro F1 {summary.macro_f1:.4f}, {summary.n:,} items of {result.split}, {result.variant}"
    )
    if result.unknown:
        seen = result.unknown
        right = f"{100 * seen['precision']:.2f} % of them right" if seen["precision"] is not None else "none of them"
        console.print(f"answered {100 * seen['coverage']:.1f} % (the rest is unknown), {right}")


def _input(contract: dict[str, Any]) -> str:
    """Say in one line what the preprocessing makes of an input."""
    if contract["kind"] == "text":
        from edge_export.text_networks import LONGER

        longer = LONGER[contract["truncation"]]
        return f"texts of at most {contract['max_length']} tokens of {contract['vocabulary']:,}; longer ones {longer}"
    resize = contract["resize"]
    return (
        f"{resize['kernel']} resize to {resize['width']} ({resize['rule']}), crop {contract['crop_width']}x"
        f"{contract['crop_height']}, {contract['color'].upper()}"
    )


def print_inspection(document: dict[str, Any]) -> None:
    """Print what a bundle is, its variants, and the evidence."""
    console = Console(highlight=False)
    manifest = document["manifest"]
    mark = "  [yellow]provisional[/]" if manifest["provisional"] else ""
    console.print(f"[bold]{escape(manifest['name'])}[/] {escape(manifest['version'])}  {manifest['task']}{mark}")
    console.print(f"content  {manifest['content_id']}", soft_wrap=True)
    console.print(f"manifest sha256:{document['manifest_sha256']}  (pin: load(path, sha256=...))", soft_wrap=True)
    labels = manifest["labels"]
    if labels:
        console.print(f"labels   {len(labels)}: {escape(', '.join(labels[:12]))}{', ...' if len(labels) > 12 else ''}")
    console.print(f"input    {_input(manifest['preprocessing'])}")
    console.print(_variants(manifest, {entry["path"]: entry["size"] for entry in manifest["files"]}))
    for path, evidence in document["evidence"].items():
        machine, report = evidence["machine"], evidence["report"]
        # The format leaves a report to its maker, so any part of it may be missing.
        told = [report.get(key) for key in ("outcome", "verdict", "reason")] if isinstance(report, dict) else []
        said = f": {', '.join(str(one) for one in told if one)}" if any(told) else ""
        console.print(f"{path}: {evidence['kind']} on {machine['cpu']}{said}", soft_wrap=True)


def _variants(manifest: dict[str, Any], sizes: dict[str, int]) -> Table:
    rows = []
    for variant in manifest["variants"]:
        threshold = variant["unknown"]["threshold"] if variant["unknown"] else 0.0
        rows.append(
            [
                variant["name"],
                variant["device"],
                variant["precision"],
                f"{sizes[variant['file']] / 1e6:.2f}",
                "\n".join(variant["verified_on"]),
                "to the bit" if variant["exact"] else f"within {variant['tolerance']:.2g}",
                f"{threshold:.3f}" if threshold else "never",
            ]
        )
    columns = ("variant", "device", "precision", "MB", "verified on", "logits", "unknown\nbelow")
    return whole_table(columns, rows, names=(0, 1, 2, 4, 5))
