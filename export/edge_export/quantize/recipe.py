"""A recipe: one way to make an int8 candidate, as data that a file and a bundle can hold."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import tomllib

from edge_runtime.errors import InputError

CODES_ONLY = frozenset({"activations", "int16_tensors", "bias_correction", "equalize"})
"""Fields that mean nothing to a recipe whose products give floats."""
STATIC_ONLY = CODES_ONLY | {"calibration", "percentile", "calibration_samples", "feed_forward"}
"""Fields that mean nothing to a dynamic recipe, which sees each input's own range at run time."""
MEANINGLESS = {"static": frozenset({"feed_forward"}), "fixed": CODES_ONLY, "dynamic": STATIC_ONLY}
"""Kind of recipe to the fields that mean nothing to it."""

WORDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class Recipe:
    """How an int8 candidate is made from the fp32 baseline.

    The same recipe, baseline and calibration samples give the same bytes.
    """

    name: str
    precision: Literal["int8"] = "int8"
    kind: Literal["static", "dynamic", "fixed"] = "static"
    """`static`: activations in int8 with ranges from calibration, for convolutions. `dynamic`: the weights of matrix
    products and embeddings, with each input's range found at run time, for transformers. `fixed`: the same with
    ranges from calibration, so that no answer depends on what else is in a batch."""
    calibration: Literal["minmax", "percentile", "entropy", "mse"] = "minmax"
    """A name of `edge_export.quantize.calibration.METHODS`."""
    percentile: float = 99.999
    """Share of the values, in percent, that `calibration = "percentile"` keeps."""
    calibration_samples: int | None = None
    """How many samples to calibrate with; None leaves it to the export, a bundle's recipe holds the number."""
    activations: Literal["uint8", "int8"] = "uint8"
    """With int8 weights, uint8 activations meet the VNNI and dot-product kernels; int8 ones took 2.7 times as long
    (ResNet-18: 4.68 against 12.5 ms)."""
    weights: Literal["int8", "uint8"] = "int8"
    per_channel: bool = True
    """One scale for each output channel of a weight; ONNX Runtime's default of one for all cost 14 points of top-1."""
    reduce_range: bool = False
    """Weights of 7 bits: no saturation on x86 without VNNI, at the price of coarser weights."""
    int16_tensors: tuple[str, ...] = ()
    """Tensors, or operators whose outputs, that get 16 bits; the operators around them run in float. What only moves
    values, as Flatten does, has the type of what it moves."""
    float_operators: tuple[str, ...] = ()
    """Names of the operators that stay in float."""
    bias_correction: Literal["measured", "weights", "off"] = "measured"
    """`weights`: what rounding the weights does to the mean, by `edge_export.quantize.transforms.bias_correction`.
    `measured`: then what is left of it on calibration samples, by `edge_export.quantize.transforms.measured_biases`."""
    equalize: bool = False
    """See `edge_export.quantize.transforms.equalization`."""
    smooth_quant: float | None = None
    """Share of the activations' range that moves into the weights, as 0.5; see
    `edge_export.quantize.transforms.smooth_quant`."""
    feed_forward: Literal["float", "codes"] = "float"
    """What lies between the two products of a feed-forward network with GELU; see
    `edge_export.quantize.feed_forward`. Codes are quicker, and GELU is then nearly itself."""
    passes: tuple[str, ...] = ()
    """Graph passes that the baseline went through before, by name."""
    session: Mapping[str, str] = field(default_factory=dict, hash=False)
    """ONNX Runtime session options that it runs best with, besides those that keep it right."""

    def __post_init__(self) -> None:
        """Check what types cannot say.

        Raises:
            InputError: a value is out of its range, or two of them do not go together.
        """
        allowed = {
            "name": (bool(self.name), "a name"),
            "percentile": (50 < self.percentile <= 100, "more than 50, at most 100"),
            "calibration_samples": (self.calibration_samples is None or self.calibration_samples > 0, "at least 1"),
            "smooth_quant": (self.smooth_quant is None or 0 <= self.smooth_quant <= 1, "between 0 and 1"),
        }
        for key, (fine, expected) in allowed.items():
            if not fine:
                raise InputError(f"recipe {self.name or '?'}: {key}={getattr(self, key)!r}: {expected} is expected")
        if (self.activations, self.weights) == ("int8", "uint8"):
            raise InputError(f"recipe {self.name}: activations='int8' with weights='uint8': no kernel has that pair")

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as data for JSON or TOML: what does not apply is left out, all else is said."""
        found: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if value is None or one.name in MEANINGLESS[self.kind]:
                continue
            found[one.name] = list(value) if isinstance(value, tuple) else value
        return found | {"session": dict(self.session)}


def recipe_from_dict(document: Mapping[str, Any]) -> Recipe:
    """Read a recipe from what JSON or TOML gave, strictly.

    Raises:
        InputError: a field is unknown, missing or of another type, or a value is not allowed.
    """
    hints = get_type_hints(Recipe)
    title = f"recipe {document.get('name', '?')}"
    for key in document:
        if key not in hints:
            raise InputError(f"{title}: unknown field {key!r}; known are {', '.join(hints)}")
        kind = document.get("kind")
        if isinstance(kind, str) and key in MEANINGLESS.get(kind, ()):
            raise InputError(f"{title}: {key}={document[key]!r} means nothing to kind={kind!r}; remove it")
    if "name" not in document:
        raise InputError(f"{title}: field 'name' is missing; give the recipe a name")
    return Recipe(**{key: _value(f"{title}: {key}", hints[key], value) for key, value in document.items()})


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from a TOML file, from a JSON file where the name ends in `.json`, or from a bundle.

    Raises:
        InputError: the file cannot be read, or holds no recipe.
        BundleError: the bundle is damaged.
    """
    if path.is_dir() or path.suffix == ".edge":
        return _read_from_bundle(path)
    try:
        text = path.read_text("utf-8")
        document = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no recipe can be read: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: {type(document).__name__} found where a recipe's fields are expected")
    return recipe_from_dict(document)


def _read_from_bundle(path: Path) -> Recipe:
    from edge_runtime.bundle import read_bundle

    recipes = read_bundle(path).manifest.recipe
    found = next((one for one in recipes.values() if isinstance(one, dict) and one.get("precision") == "int8"), None)
    if found is None:
        raise InputError(f"{path}: no variant of this bundle is int8 ({', '.join(recipes)}), so it holds no recipe")
    return recipe_from_dict(found)


def _value(where: str, hint: Any, value: Any) -> Any:
    """Check a value against a field's type, and make a list a tuple."""
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        return _checked(value in arguments, where, value, " or ".join(map(repr, arguments)), value)
    if get_origin(hint) is tuple:
        fine = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
        return _checked(fine, where, value, "a list of texts", tuple(value) if fine else value)
    if arguments and type(None) not in arguments:  # a mapping
        fine = isinstance(value, Mapping) and all(isinstance(part, str) for pair in value.items() for part in pair)
        return _checked(fine, where, value, "a table of texts", value)
    expected = next(iter(arguments), hint)
    fine = type(value) is expected or (expected is float and type(value) is int)
    return _checked(fine, where, value, WORDS[expected], expected(value) if fine else value)


def _checked(fine: bool, where: str, value: Any, expected: str, result: Any) -> Any:
    if not fine:
        raise InputError(f"{where}={value!r}: {expected} is expected")
    return result
