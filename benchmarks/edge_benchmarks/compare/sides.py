"""What the two sides of a comparison are: their variants, sizes and names, and what each needs to be fed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_benchmarks.compare.document import Difference, Side
from edge_benchmarks.compare.pairs import BASE, NEW, Named
from edge_benchmarks.inputs import BenchInput, synthetic_photo, synthetic_text
from edge_benchmarks.machine.sizes import file_bytes
from edge_benchmarks.measurements import Measurement
from edge_benchmarks.timing.workers import Started
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from edge_runtime.manifest import Manifest


def read_manifest(path: Path) -> Manifest:
    """Read and verify a bundle's manifest."""
    from edge_runtime.bundle import open_bundle

    return open_bundle(path).manifest


def match_variants(
    base: Manifest, new: Manifest, device: str, asked: Sequence[str]
) -> tuple[list[str], list[str], list[str]]:
    """Return the variants that both have, those that only BASE has, and those that only NEW has.

    Args:
        base: BASE's manifest.
        new: NEW's manifest.
        device: Variants for another one do not count.
        asked: Names; none asks for every one.

    Raises:
        InputError: BASE has none for the device, or not one that was asked for.
    """
    known, found = ([one.name for one in manifest.variants if one.device == device] for manifest in (base, new))
    if unknown := [name for name in asked if name not in known]:
        raise InputError(f"BASE has no variant {unknown[0]!r} for {device}; it has {', '.join(known) or 'none'}")
    if not known:
        raise InputError(f"BASE has no variant for {device}; give --device")
    wanted = asked or known
    gone = [name for name in wanted if name not in found]
    both = [name for name in wanted if name in found]
    return both, gone, [] if asked else [name for name in found if name not in known]


def sizes(path: Path, manifest: Manifest, variant: str, named: Named) -> list[Measurement]:
    """Return what a bundle and one variant's model file take on disk."""
    file = next(one.file for one in manifest.variants if one.name == variant)
    found = {
        "bundle_size": file_bytes(path),
        "variant_size": next(entry.size for entry in manifest.files if entry.path == file),
    }
    return [
        Measurement(*named("static", metric), float(size), float(size), float(size), 1)
        for metric, size in found.items()
    ]


def synthetic_input(manifest: Manifest) -> BenchInput:
    """Make an input of the kind that a bundle answers."""
    return synthetic_photo() if manifest.task.startswith("image") else synthetic_text()


def placeholder(manifest: Manifest, variant: str) -> Measurement:
    """Name the benchmark of a variant that one side lacks."""
    return Measurement(manifest.name, variant, "single-stream", "latency_p50", None, None, None, 0)


def side(manifest: Manifest, started: Started | None) -> Side:
    """Return one side for the report."""
    plain = Side(manifest.name, manifest.version, (manifest.content_id,))
    if started is None:
        return plain
    return replace(plain, versions=started.versions, provider=started.provider, golden_cases=started.golden_cases)


def differences(started: Mapping[str, Started]) -> tuple[Difference, ...]:
    """Return the versions in which the two sides' processes differ."""
    if set(started) != {BASE, NEW}:
        return ()
    base, new = (started[side].versions | {"provider": started[side].provider} for side in (BASE, NEW))
    return tuple(Difference("versions", name, base[name], new[name]) for name in base if base[name] != new[name])
