"""The small real run that most of these tests export."""

from tiny import picture_data, tiny_run

__all__ = ["picture_data", "tiny_run"]
