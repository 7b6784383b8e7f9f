"""Every source of sample images by its name."""

from edge_pipeline.samples import digits, fashion, mnist
from edge_pipeline.samples.interface import Source

SOURCES: dict[str, Source] = {
    "digits": digits.SOURCE,
    "mnist": mnist.SOURCE,
    "fashion": fashion.SOURCE,
}
