"""The comparison as JUnit XML, which every CI service draws: a test case for each benchmark and each budget."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from edge_benchmarks.compare.report import words
from edge_benchmarks.report.interface import Document

_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not have."""


def render(document: Document) -> str:
    """Return one test suite: worse, missing and over budget fail; invalid is an error; inconclusive is skipped."""
    suite = ElementTree.Element("testsuite", name=_clean(f"edge compare: {words.title(document)}"))
    ElementTree.SubElement(suite, "properties").extend(
        ElementTree.Element("property", name="error rates", value=_clean(line)) for line in words.error_rates(document)
    )
    for one in document["benchmarks"]:
        about = f"{words.change(one)}; {words.limit(one)}"
        _case(suite, one["key"], one["metric"], one["outcome"], f"{words.verdict(one)}; {about}")
    for check in document["budgets"]:
        about, bound, found, told = words.budget(check)
        _case(suite, f"{about} {bound}", "budget", told.partition(":")[0], f"{told}; {found}")
    counts = {"failure": "failures", "error": "errors", "skipped": "skipped"}
    suite.set("tests", str(len(suite.findall("testcase"))))
    for tag, attribute in counts.items():
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("timestamp", document["created"].partition("+")[0])
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


_TAGS = {
    "worse": "failure", "missing": "failure", "over": "failure", "invalid": "error", "inconclusive": "skipped",
    "added": "skipped",
}  # fmt: skip


def _case(suite: ElementTree.Element, name: str, kind: str, outcome: str, message: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", name=_clean(name), classname=f"edge.compare.{kind}")
    if outcome in _TAGS:
        ElementTree.SubElement(case, _TAGS[outcome], message=_clean(message))
    else:
        ElementTree.SubElement(case, "system-out").text = _clean(message)


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
