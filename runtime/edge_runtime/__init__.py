"""Run an edge bundle: `load(path).predict(image)`."""

__version__ = "0.1.0"
