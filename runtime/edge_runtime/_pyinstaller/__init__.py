"""Tells PyInstaller, through the entry point `pyinstaller40`, where the runtime's hook is."""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """Return the folders of hooks."""
    return [str(Path(__file__).parent)]
