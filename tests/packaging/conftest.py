"""A small bundle that the real writer made."""

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def small_bundle(make_bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See `make_bundle`."""
    return make_bundle(tmp_path_factory.mktemp("bundle") / "small.edge")
