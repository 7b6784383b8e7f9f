"""The report as Markdown, for a comment on a pull request."""

from __future__ import annotations

from edge_benchmarks.report import words
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import SIGNS


def render(document: Document) -> str:
    """Return the headline, one table of latencies and one of footprints."""
    lines = [f"### {words.title(document)}", "", words.where(document), ""]
    lines += [f"> **{warning}**\n" for warning in words.warnings(document) + words.disturbances(document)]
    lines += [*_latencies(document), "", *_footprint(document)]
    identifiers = dict.fromkeys(result["content_id"] for result in document["variants"])
    lines += ["", f"Golden vectors passed before timing. `{'`, `'.join(identifiers)}`", ""]
    return "\n".join(lines)


def _latencies(document: Document) -> list[str]:
    lines = ["| variant | timed | p50 | p90 | p99 | time ratio | verdict |", "|---|---|--:|--:|--:|--:|---|"]
    for what, key in (("end-to-end", "latency_ms"), ("model", "model_latency_ms")):
        for result in document["variants"]:
            comparison = words.comparison_of(document, result["arm"], what)
            verdict, tone = words.verdict(document, result["arm"], what)
            cells = [result["arm"], words.WHATS[what]]
            cells += [str(words.percentile(result[key], name)) for name in ("p50", "p90", "p99")]
            cells.append(str(words.ratio_text(comparison["ratio"]) if comparison else words.NOTHING))
            cells.append(f"{SIGNS[tone]} {verdict}".strip())
            lines.append(_row(cells))
    return lines


def _footprint(document: Document) -> list[str]:
    lines = ["| variant | throughput | cold start | peak memory | variant | bundle |", "|---|--:|--:|--:|--:|--:|"]
    for result in document["variants"]:
        values = [
            words.throughput(result),
            words.cold_start(result),
            words.size(result["peak_rss_bytes"]),
            words.size(result["variant_bytes"]),
            words.size(result["bundle_bytes"]),
        ]
        lines.append(_row([result["arm"], *map(str, values)]))
    return lines


def _row(cells: list[str]) -> str:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"
