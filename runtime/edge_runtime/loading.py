"""Load a bundle: verify it, choose a variant, and begin to read its file before anything slow is imported."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from edge_runtime.bundle import Source, open_bundle
from edge_runtime.choice import choose
from edge_runtime.errors import EdgeWarning, InputError

if TYPE_CHECKING:
    from edge_runtime.model import Model
    from edge_runtime.session import Device, Threads


class Request(NamedTuple):
    """What `load` was asked for: enough to open the same model again in another process."""

    source: str | bytes
    device: Device
    threads: Threads
    variant: str
    sha256: str
    providers: tuple[str, ...] | None
    cache: str | None


def load(
    source: Source,
    *,
    device: Literal["cpu", "cuda", "auto"] = "cpu",
    threads: Threads = None,
    variant: str | None = None,
    sha256: str | None = None,
    providers: Sequence[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Model:
    """Verify a bundle and make a model of one of its variants.

    Args:
        source: A bundle's directory, a `.edge` file, or the bytes of one.
        device: Where it must run; `auto` takes CUDA where the bundle and the machine have it, else the CPU.
        threads: CPU threads of one inference; by default the CPUs that affinity and cgroup quota leave. `shared` puts
            this model, and every later one of the process, on one pool of that size (ONNX Runtime 1.23 and newer).
        variant: Name of a variant; by default the first one for the device, in the manifest's order of preference.
        sha256: Digest of the manifest, which pins the whole bundle.
        providers: ONNX Runtime's execution providers in order, instead of the device's own.
        cache: Directory where providers may keep compiled models, each under its model's SHA-256; by default nothing is
            written.

    Raises:
        InputError: no bundle at that path, or an argument is out of range.
        BundleError: the bundle cannot be trusted or read, or has no such variant; IntegrityError and SchemaError say
            more.
        MachineError: ONNX Runtime, a provider or a device is missing.
    """
    if device not in ("cpu", "cuda", "auto"):
        raise InputError(f"device={device!r}: one of 'cpu', 'cuda', 'auto' is expected")
    bundle = open_bundle(source, sha256=sha256)
    chosen = choose(bundle, device, variant)
    from edge_runtime.model import Model  # numpy and ONNX Runtime are imported while the model's file is read

    asked = None if providers is None else tuple(providers)
    kept = None if cache is None else os.path.abspath(cache)
    request = Request(bundle.source, chosen.device, threads, chosen.name, bundle.manifest_sha256, asked, kept)
    model = Model(bundle, chosen, request)
    if bundle.manifest.provisional:
        warnings.warn(
            f"bundle {bundle.manifest.name} {bundle.manifest.version} is provisional: it shipped without a proof",
            EdgeWarning,
            stacklevel=2,
        )
    return model


def reopen(request: Request) -> Model:
    """Make the same model again."""
    from edge_runtime.model import Model

    bundle = open_bundle(request.source, sha256=request.sha256)
    return Model(bundle, choose(bundle, request.device, request.variant), request)
