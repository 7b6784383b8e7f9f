"""Reports: one result as a terminal table, JSON, Markdown or one HTML page."""
