"""The table that `edge export` ends with."""

from typing import Any

from rich.console import Console
from rich.table import Table

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
    style = OUTCOME_STYLE[result.outcome]
    console.print(f"[bold {style}]{result.outcome.value}[/]: {result.reason}", highlight=False)
    if result.bundle:
        console.print(f"bundle  {result.bundle}  {result.content_id}", highlight=False, soft_wrap=True)
    console.print(f"report  {result.report_html}", highlight=False, soft_wrap=True)


def _table(report: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("variant")
    for title in ("top-1 %", "drop, points", "p50 ms", "over fp32", "over torch", "MB"):
        table.add_column(title, justify="right")
    table.add_column("verdict")
    eager = report["eager"]["latency_ms"]["p50"]
    table.add_row("torch eager", "", "", f"{eager['estimate']:.2f}" if eager else "-", "", "1x", "", "source")
    for row in report["rows"]:
        table.add_row(*_cells(row))
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    low, high = row["top1_interval"]
    drop = f"{100 * row['drop']:.2f}\nat most {100 * row['drop_bound']:.2f}" if "drop" in row else ""
    p50 = (row.get("latency_ms") or {}).get("p50")
    is_baseline = row["verdict"] == "baseline"
    return [
        row["variant"],
        f"{100 * row['top1']:.2f}\n{100 * low:.2f}-{100 * high:.2f}",
        drop,
        f"{p50['estimate']:.2f}" if p50 else "-",
        "1x" if is_baseline else _speedup(row.get("speedup_over_baseline")),
        _speedup(row.get("speedup_over_eager")),
        f"{row['size_bytes'] / 1e6:.2f}",
        row["verdict"],
    ]


def _speedup(interval: dict[str, float] | None) -> str:
    if interval is None:
        return "not timed here"
    return f"{interval['estimate']:.2f}x\n{interval['low']:.2f}-{interval['high']:.2f}"
