"""Real data that come with packages, written as data sets: `edge sample`."""

from edge_pipeline.samples.interface import SampleReport, Source
from edge_pipeline.samples.registry import SOURCES
from edge_pipeline.samples.write import write_sample

__all__ = ["SOURCES", "SampleReport", "Source", "write_sample"]
