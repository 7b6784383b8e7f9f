"""The figures of texts: what an encoder learns from real sets, and how long one message takes."""

from functools import partial

from interface import Measure

from text import embeddings, entities, latency, learning, start, windows

FIGURES: dict[str, Measure] = {
    "embeddings": embeddings.measure,
    "entities": entities.measure,
    "latency": latency.measure,
    "sentiment-zh": partial(learning.measure_split, "sentiment-zh"),
    "sms": partial(learning.measure_split, "sms"),
    "start": start.measure,
    "trec": learning.measure_folds,
    "trec-lora": learning.measure_lora,
    "windows": windows.measure,
}
"""Name on the command line, and what measures it."""
