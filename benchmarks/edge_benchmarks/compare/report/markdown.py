"""The comparison as Markdown, for a comment on a pull request."""

from __future__ import annotations

from edge_benchmarks.compare.report import words
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import SIGNS


def render(document: Document) -> str:
    """Return the verdict, what it is worth, and one table."""
    sign = SIGNS[words.TONES[document["verdict"]]]
    lines = [f"### {words.title(document)}", "", *(f"- {line}" for line in words.error_rates(document))]
    lines += [f"- {line}" for line in words.notes(document)]
    lines += ["", f"**{sign} {words.summary(document)}**"]
    lines += ["", "| benchmark | BASE | NEW | change (95 %) | allowed | verdict |", "|---|--:|--:|--:|--:|---|"]
    for one in words.rows(document):
        sides = (str(words.value(one["metric"], one[side])) for side in ("base", "new"))
        told = f"{SIGNS[words.TONES[one['outcome']]]} {words.verdict(one)}".strip()
        lines.append(_row([words.name(one), *sides, str(words.change(one)), words.limit(one), told]))
    if document["budgets"]:
        lines += ["", "| budget | bound | NEW | verdict |", "|---|--:|--:|---|"]
        lines += [_row(list(words.budget(one))) for one in document["budgets"]]
    identifiers = [one for side in ("base", "new") for one in document[side]["content_ids"]]
    lines += ["", f"`{'` `'.join(identifiers)}`", ""]
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"
