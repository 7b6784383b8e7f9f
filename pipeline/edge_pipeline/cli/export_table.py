"""The table that `edge export` ends with."""

from typing import Any

from rich.console import Console
from rich.table import Table

from edge_benchmarks.accuracy import AGREEMENT
from edge_benchmarks.report.columns import whole_table
from edge_export.config import ExportResult, Outcome

OUTCOME_STYLE = {
    Outcome.SHIPPED: "green",
    Outcome.FALLBACK: "yellow",
    Outcome.PROVISIONAL: "yellow",
    Outcome.REFUSED: "red",
    Outcome.INCONCLUSIVE: "yellow",
}


def print_result(result: ExportResult) -> None:
    """Print one row a variant, then what shipped and why."""
    console = Console()
    console.print(_table(result.report))
    for line in result.report["notes"]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if result.report["measure"] == AGREEMENT:
        console.print("no labels: the verdict is on agreement with the fp32 model's own answers", highlight=False)
    style = OUTCOME_STYLE[result.outcome]
    console.print(f"[bold {style}]{result.outcome.value}[/]: {result.reason}", highlight=False)
    if result.report["draft"]["asked"]:
        console.print(f"draft   {result.report['draft']['reason']}", highlight=False)
    if result.bundle:
        console.print(f"bundle  {result.bundle}  {result.content_id}", highlight=False, soft_wrap=True)
    console.print(f"report  {result.report_html}", highlight=False, soft_wrap=True)


def _table(report: dict[str, Any]) -> Table:
    eager = report["eager"]["latency_ms"]["p50"]
    rows = [
        [
            "torch" if report["source"] != "onnx" else "file",
            "",
            "",
            f"{eager['estimate']:.2f}" if eager else "-",
            "",
            "1x",
            "",
            "source",
        ]
    ]
    rows += [_cells(row) for row in report["rows"]]
    right = f"{report['measure']} %"
    columns = ("variant", right, "drop,\npoints", "p50\nms", "over\nfp32", "over\nsource", "MB", "verdict")
    return whole_table(columns, rows, names=(0, 7))


def _cells(row: dict[str, Any]) -> list[str]:
    low, high = row["top1_interval"]
    drop = f"{100 * row['drop']:.2f}\n≤ {100 * row['drop_bound']:.2f}" if "drop" in row else ""
    p50 = (row.get("latency_ms") or {}).get("p50")
    timed = bool(row.get("latency_ms"))
    is_baseline = row["verdict"] == "baseline"
    return [
        row["variant"],
        f"{100 * row['top1']:.2f}\n{100 * low:.2f}-{100 * high:.2f}",
        drop,
        f"{p50['estimate']:.2f}" if p50 else "-",
        "1x" if is_baseline else _speedup(row.get("speedup_over_baseline"), timed),
        _speedup(row.get("speedup_over_eager"), timed),
        f"{row['size_bytes'] / 1e6:.2f}",
        row["verdict"].replace(", ", "\n"),
    ]


def _speedup(interval: dict[str, float] | None, timed: bool) -> str:
    if interval is None:
        return "not bounded" if timed else "not timed"
    return f"{interval['estimate']:.2f}x\n{interval['low']:.2f}-{interval['high']:.2f}"
