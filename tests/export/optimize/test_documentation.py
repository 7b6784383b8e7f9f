"""docs/graph-passes.md names every pass under the table that holds it."""

import re
from pathlib import Path

from edge_export.optimize import BASELINE_PASSES, INT8_PASSES, QDQ_PASSES

PAGE = (Path(__file__).parents[3] / "docs" / "graph-passes.md").read_text(encoding="utf-8")


def test_the_page_lists_every_pass_in_its_order():
    sections = PAGE.split("\n## ")[1:4]
    named = [re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE) for section in sections]
    assert named == [list(BASELINE_PASSES), list(INT8_PASSES), list(QDQ_PASSES)]
