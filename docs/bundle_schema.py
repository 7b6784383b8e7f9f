"""The JSON schema of a bundle's documents, from the dataclasses that read them and the constants of their rules."""

import ast
import dataclasses
import inspect
import json
import sys
import textwrap
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from edge_runtime import _reading as reading
from edge_runtime import preprocessing
from edge_runtime.evidence import EVIDENCE_SCHEMA, Evidence
from edge_runtime.golden import GOLDEN_SCHEMA, Golden
from edge_runtime.manifest import DIGEST_NAME, MANIFEST_NAME, MAX_FILES, MAX_PATH, SCHEMA_VERSION, Manifest, rules
from edge_runtime.preprocessing import text
from edge_runtime.session import SESSION_OPTIONS

SCHEMA = Path(__file__).parent / "bundle.schema.json"
DOCUMENTS = (Manifest, Golden, Evidence)

BEYOND = {
    MANIFEST_NAME: "UTF-8 without a name that stands twice, NaN, infinity or a lone surrogate, of bounded size",
    "any integer": "written without fraction and exponent: `1`, not `1.0`",
    "any object": f"in `recipe`, `provenance` and `report` at most {reading.MAX_DEPTH} levels deep",
    "files": "sorted by path; each path once, also where capitals are ignored; none below the path of another",
    "files[].path": "no part is a device of Windows (`con`, `prn`, `aux`, `nul`, `com0`-`com9`, `lpt0`-`lpt9`, with or "
    "without an ending, capitals ignored)",
    "golden": "a listed path",
    "evidence[]": "a listed path",
    "variants": "each name once",
    "variants[].file": "a listed path",
    "variants[].tolerance": "0 when `exact`",
    "variants[].inputs[].shape": "fits the preprocessing; a fixed batch has at most 2^28 elements",
    "variants[].outputs[].shape": "the first output fits the labels",
    "variants[].inputs[].dtype": "`int64` for texts",
    "variants[].unknown": "only for one label an item, and without a label called `unknown`",
    "preprocessing.kind": "`image` or `text`, as the task",
    "preprocessing.pad_id": "less than `vocabulary`",
    "preprocessing.crop_width": "at most `resize.width`",
    "preprocessing.crop_height": "at most `resize.height`",
    "preprocessing.resize.height": "equal to `width` for `short_side`",
    "preprocessing.region.left": "less than `right`",
    "preprocessing.region.top": "less than `bottom`",
}
"""What a reader refuses and JSON schema cannot say, by the field that its error names."""

_BLANK = "".join(
    letter for letter in map(chr, range(sys.maxunicode)) if letter.isspace() and not reading.CONTROL.search(letter)
)
_PATH = {"maxLength": MAX_PATH, "pattern": f"^{rules.PATH.pattern}$"}
_SHA256 = {"minLength": 64, "maxLength": 64, "pattern": "^[0-9a-f]{64}$"}
_SIDE = {"minimum": 1, "maximum": preprocessing.MAX_SIDE}
_SHARE = {"minimum": 0, "maximum": 1}
_POSITIVE = {"minimum": 1 / preprocessing.MAX_NUMBER, "maximum": preprocessing.MAX_NUMBER}

# Rules of one field, which its type does not say; each number and pattern is the reader's own.
_RULES: Mapping[str, Mapping[str, Any]] = {
    "Manifest.schema": {"const": SCHEMA_VERSION},
    "Manifest.name": {"minLength": 1, "maxLength": rules.MAX_NAME},
    "Manifest.labels": {
        "minItems": 1,
        "uniqueItems": True,
        "items": {"minLength": 1, "maxLength": rules.MAX_LABEL, "pattern": f"^[^{_BLANK}](.*[^{_BLANK}])?$"},
    },
    "Manifest.variants": {"minItems": 1, "maxItems": rules.MAX_VARIANTS},
    "Manifest.content_id": {"minLength": 71, "maxLength": 71, "pattern": "^sha256:[0-9a-f]{64}$"},
    "Manifest.files": {"maxItems": MAX_FILES},
    "Manifest.evidence": {"uniqueItems": True},
    "FileEntry.path": _PATH | {"not": {"enum": [MANIFEST_NAME, DIGEST_NAME]}},
    "FileEntry.sha256": _SHA256,
    "FileEntry.size": {"minimum": 0, "maximum": rules.MAX_BYTES},
    "FileEntry.crc32": {"minimum": 0, "maximum": (1 << 32) - 1},
    "Variant.name": {"pattern": f"^{rules.WORD.pattern}$"},
    "Variant.inputs": {"minItems": 1, "maxItems": 1},
    "Variant.outputs": {"minItems": 1},
    "Variant.tolerance": {"minimum": 0, "maximum": rules.MAX_TOLERANCE},
    "TensorInfo.name": {"minLength": 1},
    "TensorInfo.dtype": {"enum": list(rules.DTYPES)},
    "TensorInfo.shape": {"items": {"minimum": 1, "maximum": 1 << 31}},
    "Unknown.temperature": dict(zip(("minimum", "maximum"), rules.TEMPERATURES, strict=True)),
    "Unknown.threshold": _SHARE,
    "Unknown.precision": _SHARE,
    "Resize.width": _SIDE,
    "Resize.height": _SIDE,
    "Region.left": {"minimum": 0, "exclusiveMaximum": 1},
    "Region.top": {"minimum": 0, "exclusiveMaximum": 1},
    "Region.right": {"exclusiveMinimum": 0, "maximum": 1},
    "Region.bottom": {"exclusiveMinimum": 0, "maximum": 1},
    "ImagePreprocessing.crop_width": _SIDE,
    "ImagePreprocessing.crop_height": _SIDE,
    "ImagePreprocessing.mean": {"items": {"minimum": -preprocessing.MAX_NUMBER, "maximum": preprocessing.MAX_NUMBER}},
    "ImagePreprocessing.std": {"items": _POSITIVE},
    "ImagePreprocessing.background": {"items": {"minimum": 0, "maximum": 255}},
    "ImagePreprocessing.draft": {"minimum": 0, "maximum": preprocessing.MAX_DRAFT},
    "ImagePreprocessing.scale": _POSITIVE,
    "TextPreprocessing.tokenizer_sha256": _SHA256,
    "TextPreprocessing.vocabulary": {"minimum": 1, "maximum": text.MAX_VOCABULARY},
    "TextPreprocessing.pad_id": {"minimum": 0},
    "TextPreprocessing.max_length": {"minimum": text.MIN_TOKENS, "maximum": preprocessing.MAX_TOKENS},
    "Golden.cases": {"minItems": 1},
    "Golden.schema": {"const": GOLDEN_SCHEMA},
    "Evidence.schema": {"const": EVIDENCE_SCHEMA},
}

_TEXT = {"type": "string", "maxLength": reading.MAX_TEXT, "not": {"pattern": reading.CONTROL.pattern}}
_NUMBER = {"exclusiveMinimum": -reading.MAX_NUMBER, "exclusiveMaximum": reading.MAX_NUMBER}
_PLAIN: Mapping[Any, Mapping[str, Any]] = {
    str: {"$ref": "#/$defs/text"},
    int: {"type": "integer", **_NUMBER},
    float: {"type": "number", **_NUMBER},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Any: {"$ref": "#/$defs/anything"},
}
# Numbers are bounded at every level; the other words of JSON schema say nothing of values of other types.
_ANYTHING = _NUMBER | {name: {"$ref": "#/$defs/anything"} for name in ("items", "additionalProperties")}


def bundle_schema() -> str:
    """Return `bundle.schema.json`: the manifest at its root, the other documents among its definitions."""
    definitions: dict[str, Any] = {"text": _TEXT, "anything": _ANYTHING}
    for kind in DOCUMENTS:
        _define(kind, definitions)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "manifest.json of an edge bundle",
        "description": "The golden file is #/$defs/Golden, an evidence file #/$defs/Evidence. "
        "What a reader checks besides is in docs/bundle-format.md.",
        "$ref": "#/$defs/Manifest",
        "$defs": dict(sorted(definitions.items())),
    }
    return json.dumps(document, indent=1) + "\n"


def _define(kind: Any, definitions: dict[str, Any]) -> None:
    if kind.__name__ in definitions:
        return
    definitions[kind.__name__] = {}  # the place is taken before the fields are read: no endless recursion
    hints, meanings = get_type_hints(kind), dict(_meanings(kind))
    properties = {}
    for field in dataclasses.fields(kind):
        own = _schema(hints[field.name], definitions, _RULES.get(f"{kind.__name__}.{field.name}", {}))
        meaning = {"description": meanings[field.name]} if field.name in meanings else {}
        properties[field.name] = own | meaning
    definitions[kind.__name__] = {
        "description": inspect.cleandoc(kind.__doc__),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _meanings(kind: Any) -> Iterator[tuple[str, str]]:
    """Yield the docstring below each field."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            yield ast.unparse(field.target), " ".join(str(below.value.value).split())


def _schema(hint: Any, definitions: dict[str, Any], rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of one annotation with the rule of its field."""
    arguments, origin = get_args(hint), get_origin(hint)
    if dataclasses.is_dataclass(hint):
        _define(hint, definitions)
        own: dict[str, Any] = {"$ref": f"#/$defs/{hint.__name__}"}
    elif origin is Literal:
        own = {"enum": list(arguments)}
    elif origin in (Union, types.UnionType):
        return {"anyOf": [_schema(one, definitions, rule if one in (int, float) else {}) for one in arguments]}
    elif origin in (tuple, dict):
        own = _collection(origin, arguments, definitions, rule.get("items", {}))
    else:
        own = dict(_PLAIN[hint])
    return own | {name: value for name, value in rule.items() if name != "items"}


def _collection(origin: Any, arguments: Any, definitions: dict[str, Any], items: Mapping[str, Any]) -> dict[str, Any]:
    if origin is dict:
        limits = {"maxProperties": reading.MAX_ITEMS, "propertyNames": {"$ref": "#/$defs/text"}}
        return {"type": "object", **limits, "additionalProperties": _schema(arguments[1], definitions, items)}
    if arguments[-1] is Ellipsis:
        own = _schema(arguments[0], definitions, items)
        return {"type": "array", "maxItems": reading.MAX_ITEMS, "items": own}
    each = [_schema(one, definitions, items) for one in arguments]
    return {"type": "array", "prefixItems": each, "minItems": len(each), "maxItems": len(each)}


def beyond_table() -> str:
    """Return the rules that the schema cannot say, as a Markdown table."""
    rows = [f"| {name if name.startswith('any') else f'`{name}`'} | {rule} |" for name, rule in BEYOND.items()]
    return "\n".join(["| field | rule |", "|---|---|", *rows])


def options_list() -> str:
    """Return the session options that a bundle may ask for, as a Markdown list."""
    return "\n".join(f"- `{name}`" for name in SESSION_OPTIONS)
