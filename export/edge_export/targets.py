"""Targets: where a bundle will run, and what its kernels there run fast and exactly."""

from dataclasses import dataclass

from edge_runtime.cpus import instruction_set
from edge_runtime.errors import InputError
from edge_runtime.manifest import Device

AUTO = "auto"
"""Name that stands for the machine that exports."""


TEXTS = (
    "dynamic",
    "dynamic-per-channel",
    "fixed-codes",
    "fixed",
    "fixed-minmax",
    "fixed-smooth",
    "fixed-per-channel",
)
"""Ranges found at run time and fixed ones, one scale for all channels of a weight and one for each: which is fastest
and errs least depends on the network. Where VPMADDUBSW would saturate, the runtime asks for the exact kernel too."""


@dataclass(frozen=True)
class Target:
    """One kind of device."""

    name: str
    device: Device
    instruction_sets: tuple[str, ...]
    """Beginnings of what `edge_runtime.cpus.instruction_set` says there."""
    recipes: tuple[str, ...]
    """Starting recipes of the search, names of `edge_export.quantize.RECIPES`."""
    text_recipes: tuple[str, ...] = TEXTS
    """The same for texts, whose products of matrices give floats: so little else of a transformer has int8 kernels."""
    never: str = ""
    """Why int8 is not offered, where it is not."""

    @property
    def is_here(self) -> bool:
        """Whether this machine is one, so that what was timed here holds there."""
        return self.device == "cpu" and instruction_set().startswith(self.instruction_sets)


STATIC = ("minmax", "percentile", "mse")
"""U8S8 with one scale a channel: the only form whose kernels are fast on all three kinds of CPU, and exact: sums of
products of integers are the same everywhere. Where VPMADDUBSW would saturate, the runtime asks for the exact kernel."""

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("x86-vnni", "cpu", ("x86_64-avx512_vnni", "x86_64-avx_vnni"), STATIC),
        Target("x86-avx2", "cpu", ("x86_64-avx2",), STATIC),
        Target("arm64", "cpu", ("aarch64",), STATIC),
        Target(
            "cuda",
            "cuda",
            (),
            (),
            never="int8 in QDQ form is slower than fp32 on the CUDA provider (onnxruntime#14439, ten times); "
            "use --quantize fp16",
        ),
    )
}


def find_target(name: str) -> Target:
    """Return the target of this name; `auto` is this machine.

    Raises:
        InputError: there is no such target, or this machine is of none of their kinds.
    """
    if name in TARGETS:
        return TARGETS[name]
    known = ", ".join(TARGETS)
    if name != AUTO:
        raise InputError(f"target={name!r}: one of {AUTO}, {known} is expected")
    here = next((target for target in TARGETS.values() if target.is_here), None)
    if here is None:
        raise InputError(f"this machine ({instruction_set()}) is no known target; give --target, one of {known}")
    return here
