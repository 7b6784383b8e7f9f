"""What is the data? Folders and files of labelled images or texts, checked, split and fingerprinted."""

from edge_pipeline.data.dataset import DataReport, Dataset, NearDuplicates, Skipped, Split, Target, TextSplit, describe
from edge_pipeline.data.opening import open_dataset

__all__ = [
    "DataReport",
    "Dataset",
    "NearDuplicates",
    "Skipped",
    "Split",
    "Target",
    "TextSplit",
    "describe",
    "open_dataset",
]
