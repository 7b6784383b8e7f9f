"""Public names are imported by a string when first used, which PyInstaller's analysis cannot see."""

from edge_runtime import _LAZY

hiddenimports = sorted(set(_LAZY.values()))
