"""`python -m edge_pipeline` is `edge`."""

from edge_pipeline.cli import main

main()
