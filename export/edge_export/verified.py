"""Where a variant was seen to answer rightly: facts about trying it, outside of what it is."""

from dataclasses import replace

from edge_runtime.manifest import Variant


def note_verified(variant: Variant, instruction_set: str, onnxruntime: str) -> Variant:
    """Note a kind of CPU, and the ONNX Runtime where it is older than what was known to load the variant."""
    seen = variant.verified_on
    places = seen if instruction_set in seen else (*seen, instruction_set)
    oldest = min(variant.onnxruntime_min or onnxruntime, onnxruntime, key=_numbers)
    return replace(variant, verified_on=places, onnxruntime_min=oldest)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
