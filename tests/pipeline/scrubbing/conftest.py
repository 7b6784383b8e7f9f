"""A masker, and the corpus with planted values that the figures use."""

import importlib.util
import sys
from pathlib import Path

import pytest

from edge_pipeline.scrubbing import ScrubConfig
from edge_pipeline.scrubbing.masking import Masker

CORPUS = Path(__file__).parents[3] / "figures" / "privacy" / "corpus.py"


@pytest.fixture(scope="session")
def planted():
    """The module `figures/privacy/corpus.py`."""
    spec = importlib.util.spec_from_file_location("privacy_corpus", CORPUS)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="session")
def masker():
    """Every kind that needs no list."""
    return Masker(ScrubConfig())


@pytest.fixture
def named(tmp_path):
    """Make a masker for names alone."""

    def make(*names):
        file = tmp_path / "names.txt"
        file.write_text("\n".join(names) + "\n", encoding="utf-8")
        return Masker(ScrubConfig(kinds=("name",), names=file))

    return make
