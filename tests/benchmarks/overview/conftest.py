"""Documents of many devices and days, made from one real proof."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_benchmarks.prove.evidence import evidence_file
from edge_benchmarks.prove.run import prove


@pytest.fixture(scope="session")
def proof_document(bundle: Path) -> dict[str, Any]:
    """What a real, short proof on this machine wrote."""
    return json.loads(evidence_file(prove(bundle, seconds=0.3, processes=2, threads=1)))


@pytest.fixture
def write_proof(proof_document: dict[str, Any], tmp_path: Path) -> Callable[..., Path]:
    """Write it as if it came from elsewhere: `write_proof("a.json", board=..., verdict=..., name=..., factor=...)`."""

    def write(file: str, *, board: str = "Board A", name: str = "insects", factor: float = 1.0, **report: Any) -> Path:
        document = copy.deepcopy(proof_document)
        told = document["report"] | {"verdict": "proven", "reason": "as told", "valid": True} | report
        told["name"] = name
        told["environment"]["identity"]["board"] = board
        for one in told["measurements"]:
            one["bundle"] = name
            if one["metric"] == "model_latency_p50":
                one.update(value=2.0 * factor, low=1.9 * factor, high=2.1 * factor)
        path = tmp_path / file
        path.write_text(json.dumps(document | {"report": told}))
        return path

    return write
