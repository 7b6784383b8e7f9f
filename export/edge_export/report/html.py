"""The export report as one self-contained page: what shipped, why, and whose answer changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from edge_benchmarks.accuracy import Answers, predicted
from edge_benchmarks.report.page import (
    Cell,
    Figure,
    Headline,
    Section,
    Table,
    Text,
    Tile,
    Tiles,
    Tone,
    render_page,
)
from edge_benchmarks.report.plots import latency_ecdf, ratio_intervals
from edge_benchmarks.verdicts import Interval
from edge_export.candidates import BASELINE
from edge_export.report.accuracy_section import accuracy_section, right_word
from edge_export.report.gallery import answer_words, beginning, gallery
from edge_export.report.search_section import search_section

TONES: dict[str, Tone] = {
    "shipped": "good",
    "fallback": "unsure",
    "provisional": "unsure",
    "inconclusive": "unsure",
    "refused": "bad",
}

MOST_PICTURES = 200
"""More changed answers than anyone looks at; the page stays under a megabyte."""
MOST_OF_NEIGHBOR = 60
"""Characters of a text that is told as another's neighbor."""


def render_html(document: Mapping[str, Any], test: Answers, labels: Sequence[str]) -> str:
    """Render the report.

    Args:
        document: What `build_report` gave, with `content_id`.
        test: The answers, whose inputs are shown where the candidate's differs.
        labels: Class names.
    """
    candidate = next((row for row in document["rows"] if row["precision"] != "fp32"), None)
    sections = [Section("Verdict", [_tiles(document, candidate), _table(document)]), _time_section(document)]
    sections.append(accuracy_section(document, right_word(document)))
    if candidate is not None:
        # Where nothing has a label an answer is another item, the nearest one.
        names = labels or [beginning(str(text), MOST_OF_NEIGHBOR) for text in test.inputs]
        sections.append(_changed_section(test, candidate["variant"], names))
    if document["search"]["trials"]:
        sections.append(search_section(document))
    sections.append(_details(document))
    cpu = document["environment"]["identity"]["cpu"]
    return render_page(
        document["bundle"] or "nothing shipped",
        sections,
        headline=_headline(document, candidate),
        subtitle=" · ".join(part for part in ("edge export", document["quantize"], cpu) if part),
        footer=document["content_id"] or "",
    )


def _headline(document: Mapping[str, Any], candidate: Mapping[str, Any] | None) -> Headline:
    outcome = document["outcome"]
    figure = outcome
    if candidate and outcome == "shipped" and candidate.get("speedup_over_baseline"):
        figure = f"{candidate['speedup_over_baseline']['estimate']:.2f}x faster"
    return Headline(
        figure, document["reason"], TONES[outcome], f"{', '.join(document['shipped']) or 'nothing'} shipped"
    )


def _tiles(document: Mapping[str, Any], candidate: Mapping[str, Any] | None) -> Tiles:
    row = candidate or document["rows"][0]
    low, high = row["top1_interval"]
    tiles = [Tile(right_word(document), f"{row['top1']:.2%}", f"{low:.2%} to {high:.2%}, n = {row['n']:,}")]
    if candidate is not None:
        size = candidate["size_bytes"] / document["rows"][0]["size_bytes"]
        tiles += [
            Tile(
                "drop", f"{100 * candidate['drop']:.2f} points", f"at most {100 * candidate['drop_bound']:.2f} (95 %)"
            ),
            Tile("size", f"{candidate['size_bytes'] / 1e6:.2f} MB", f"{size:.2f} of fp32"),
        ]
    if row.get("speedup_over_eager"):
        tiles.append(
            Tile(
                "over the source as it is",
                f"{row['speedup_over_eager']['estimate']:.2f}x",
                _span(row["speedup_over_eager"]),
            )
        )
    return Tiles(tiles)


def _table(document: Mapping[str, Any]) -> Table:
    rows = [
        [one["variant"], *_accuracy_cells(one), *_time_cells(one), _verdict(one, document)] for one in document["rows"]
    ]
    columns = ["variant", right_word(document), "drop", "p50", "over fp32", "over source", "size", "verdict"]
    tokens = document["timed_tokens"]
    length = f", a text of {tokens} tokens, the length that half of val has at most" if tokens else ""
    return Table(columns, rows, f"All on the same test items and in one interleaved run, batch 1, one thread{length}")


def _accuracy_cells(row: Mapping[str, Any]) -> list[Cell]:
    low, high = row["top1_interval"]
    cells = [Cell(f"{row['top1']:.2%}", f"{low:.2%} to {high:.2%}")]
    if "drop" in row:
        return [*cells, Cell(f"{100 * row['drop']:.2f}", f"at most {100 * row['drop_bound']:.2f}")]
    return [*cells, Cell("-")]


def _time_cells(row: Mapping[str, Any]) -> list[Cell]:
    size = Cell(f"{row['size_bytes'] / 1e6:.2f} MB")
    if not row.get("latency_ms"):
        return [Cell("not timed here"), Cell("-"), Cell("-"), size]
    median = row["latency_ms"]["p50"]
    p50 = Cell(f"{median['estimate']:.2f} ms", f"{median['low']:.2f} to {median['high']:.2f}") if median else Cell("-")
    over_baseline = Cell("1") if row["variant"] == BASELINE else _speedup(row["speedup_over_baseline"])
    return [p50, over_baseline, _speedup(row["speedup_over_eager"]), size]


def _speedup(interval: Mapping[str, float] | None) -> Cell:
    if interval is None:
        return Cell("not bounded")
    return Cell(f"{interval['estimate']:.2f}x", _span(interval))


def _verdict(row: Mapping[str, Any], document: Mapping[str, Any]) -> Cell:
    return Cell(row["verdict"], tone="plain" if row["variant"] == BASELINE else TONES[document["outcome"]])


def _span(interval: Mapping[str, float]) -> str:
    return f"{interval['low']:.2f} to {interval['high']:.2f}"


def _time_section(document: Mapping[str, Any]) -> Section:
    samples = {arm: [value / 1e6 for value in values] for arm, values in document["timings"]["samples_ns"].items()}
    latencies = {row["variant"]: row["latency_ms"] for row in document["rows"] if row.get("latency_ms")}
    blocks: list[Figure | Text] = []
    if document["time"] and document["time"]["ratio"]:
        candidate = document["rows"][1]["variant"]
        ratio = Interval(**document["time"]["ratio"])
        tone: Tone = "good" if document["time"]["verdict"] == "faster" else "bad"
        caption = f"Time of {candidate} over time of {BASELINE}, in {document['time']['rounds']:,} rounds"
        blocks.append(Figure(ratio_intervals([(candidate, ratio, tone)]), caption))
    percentiles = {name: _intervals(values) for name, values in latencies.items()}
    blocks.append(
        Figure(latency_ecdf(samples, percentiles), "Share of calls that took at most so long, with 95 % bands")
    )
    return Section("Time", blocks)


def _intervals(latency: Mapping[str, Any]) -> dict[str, Interval | None]:
    return {name: Interval(**value) if value else None for name, value in latency.items()}


def _changed_section(test: Answers, candidate: str, labels: Sequence[str]) -> Section:
    """Show the items about which the candidate and the baseline say different things."""
    changed = test.changed(candidate, BASELINE)
    if not len(changed):
        return Section("Changed answers", [Text(f"None of {len(test.labels):,} test answers changed.", "good")])
    if test.tags:
        caption = f"{candidate} marks other spans than {BASELINE}"
        texts = gallery([(test.inputs[index], caption) for index in changed[:MOST_PICTURES]])
        told = Text(f"{len(changed):,} of {len(test.labels):,} test answers changed.")
        return Section("Changed answers", [told, texts])
    ours, theirs = (predicted(test.logits[name], test.multilabel) for name in (candidate, BASELINE))
    images = []
    for index in changed[:MOST_PICTURES]:
        truth, was, now = (answer_words(values[index], labels) for values in (test.labels, theirs, ours))
        known = "" if test.reference else f"is {truth}: "
        images.append((test.inputs[index], f"{known}{BASELINE} says {was}, {candidate} {now}"))
    shown = gallery(images)
    count = len(shown.rows if isinstance(shown, Table) else shown.pictures)
    more = f", {count} of them below" if len(changed) > count else ""
    text = Text(f"{len(changed):,} of {len(test.labels):,} test answers changed{more}.")
    return Section("Changed answers", [text, shown])


def _details(document: Mapping[str, Any]) -> Section:
    parity = document["parity"]
    passes = ", ".join(f"{one['name']} ({one['rewrites']})" for one in document["passes"] if one["rewrites"]) or "none"
    rows = [["note", note] for note in document["notes"]]
    rows += [
        [
            "parity with the source",
            f"logits differ by {parity['largest_difference']:.2g} of {parity['largest_logit']:.3g}, "
            f"batches {', '.join(map(str, parity['batches']))}",
        ],
        ["graph passes (places rewritten)", passes],
        ["input of the graph", " x ".join(str(side) for side in document["tensor_shape"])],
    ]
    if document["tensor_shape"] != ["length"]:
        rows.append(["JPEG decoding at reduced scale", document["draft"]["reason"]])
    environment = document["environment"]
    for kind in ("identity", "conditions", "versions"):
        rows += [[f"{kind}: {name}", str(value)] for name, value in environment[kind].items()]
    return Section("Details", [Table(["what", "value"], rows)], folded=True)
