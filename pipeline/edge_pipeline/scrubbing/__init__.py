"""Finds and masks personal data in text data sets: `edge scrub`."""

from edge_pipeline.scrubbing.interface import ScrubConfig
from edge_pipeline.scrubbing.record import ScrubRecord, read_scrub_record
from edge_pipeline.scrubbing.scrub import ScrubReport, scrub

__all__ = ["ScrubConfig", "ScrubRecord", "ScrubReport", "read_scrub_record", "scrub"]
