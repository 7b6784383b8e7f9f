"""The report as Markdown, for a comment on a pull request."""

from __future__ import annotations

from edge_benchmarks.report import sentences, words
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import SIGNS
from edge_benchmarks.report.tables import ScenarioTable, scenario_tables


def render(document: Document) -> str:
    """Return the headline, a table for each scenario and one of footprints."""
    lines = [f"### {sentences.title(document)}", "", sentences.where(document), ""]
    lines += [f"> **{warning}**\n" for warning in sentences.warnings(document) + sentences.disturbances(document)]
    for table in scenario_tables(document):
        lines += [*_scenario(table), "", *(f"> {note}\n" for note in table.notes)]
    lines += _footprint(document)
    identifiers = dict.fromkeys(result["content_id"] for result in document["variants"])
    lines += ["", f"Answers checked before timing. `{'`, `'.join(identifiers)}`", ""]
    return "\n".join(lines)


def _scenario(table: ScenarioTable) -> list[str]:
    values = ("throughput",) if table.counts_rate else ("p50", "p90", "p99")
    head = ["variant", *values, *(("time ratio", "verdict") if table.compared else ())]
    lines = [f"**{table.title}**", "", _row(head), f"|---|{'--:|' * len(values)}{'--:|---|' * table.compared}"]
    for line in table.lines:
        cells = [", ".join(filter(None, (line.row["arm"], words.setting(line.row))))]
        if table.counts_rate:
            cells.append(str(words.throughput(line.row)))
        else:
            cells += [str(words.percentile(line.row["latency_ms"], name)) for name in values]
        if table.compared:
            cells.append(str(words.ratio_text(line.comparison["ratio"]) if line.comparison else words.NOTHING))
            cells.append(f"{SIGNS[line.tone]} {line.verdict}".strip())
        lines.append(_row(cells))
    return lines


def _footprint(document: Document) -> list[str]:
    lines = ["| variant | cold start | peak memory | variant | bundle | accuracy | checked |",
             "|---|--:|--:|--:|--:|--:|---|"]  # fmt: skip
    for result in document["variants"]:
        values = [
            words.cold_start(result),
            words.memory(result["peak_rss_bytes"]),
            words.size(result["variant_bytes"]),
            words.size(result["bundle_bytes"]),
            words.accuracy(result),
        ]
        lines.append(_row([result["arm"], *map(str, values), words.check(result)]))
    return lines


def _row(cells: list[str]) -> str:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"
