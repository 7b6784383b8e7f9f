"""What is the data? Folders and CSV files of labelled images, checked, split and fingerprinted."""

from edge_pipeline.data.dataset import DataReport, Dataset, NearDuplicates, Skipped, Split, Target, describe
from edge_pipeline.data.opening import open_dataset

__all__ = ["DataReport", "Dataset", "NearDuplicates", "Skipped", "Split", "Target", "describe", "open_dataset"]
