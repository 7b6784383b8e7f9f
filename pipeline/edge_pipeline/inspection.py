"""What a bundle holds and what was proven of it, as one document."""

import json
from pathlib import Path
from typing import Any


def inspect_bundle(bundle: str | Path) -> dict[str, Any]:
    """Verify every byte of a bundle and return its manifest, its pin and its evidence.

    Raises:
        BundleError: the bundle cannot be trusted.
    """
    from edge_runtime.bundle import read_bundle
    from edge_runtime.manifest import manifest_to_json

    opened = read_bundle(bundle)
    return {
        "manifest": json.loads(manifest_to_json(opened.manifest)),
        "manifest_sha256": opened.manifest_sha256,
        "evidence": {path: json.loads(opened.read(path)) for path in opened.manifest.evidence},
    }
