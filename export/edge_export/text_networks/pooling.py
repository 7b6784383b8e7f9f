"""How an encoder's directory says that tokens become a text, in the form of sentence-transformers."""

import json
from pathlib import Path
from typing import Any

from edge_export.text_networks.fields import Pooling
from edge_export.text_networks.package import import_transformers

POOLING_FILE = "1_Pooling/config.json"
MODES: dict[str, Pooling] = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean"}


def stored_pooling(name: str, *, local: bool) -> Pooling | None:
    """Return what a directory or a name on the hub says of pooling; None where it says nothing that is known here.

    Args:
        name: A directory or a name on the hub.
        local: Ask no hub.
    """
    import_transformers()
    from transformers.utils.hub import cached_file  # pyright: ignore[reportMissingImports] - an extra

    try:
        file = cached_file(name, POOLING_FILE, local_files_only=local)
        document: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8")) if file else {}
    except (OSError, ValueError):
        return None  # most encoders have no such file
    chosen = [mode for mode, used in document.items() if mode.startswith("pooling_mode_") and used is True]
    return MODES.get(chosen[0]) if len(chosen) == 1 else None
