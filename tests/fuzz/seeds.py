"""Small valid inputs to begin from: a bundle, its documents, and an image of every format that is read."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace

import numpy as np
from PIL import Image

from edge_runtime.bundle import canonical_archive, content_id, digest_line
from edge_runtime.manifest import Manifest, TensorInfo, Unknown, Variant, file_entry, manifest_to_json
from edge_runtime.preprocessing import ImagePreprocessing, Region, Resize

CONTRACT = ImagePreprocessing(
    Resize(10, 10), 8, 8, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), region=Region(0.1, 0.0, 0.9, 1.0), draft=1
)
GOLDEN = {
    "schema": 1,
    "cases": [
        {
            "input": "g/0.png",
            "tensor_sha256": "0" * 64,
            "logits": {"a": [0.5, -1]},
            "label": {"a": "cat"},
            "score": {"a": 0.8},
        }
    ],
}
EVIDENCE = {
    "schema": 1,
    "kind": "prove",
    "machine": {"instruction_set": "x86_64-avx2", "cpu": "a cpu", "onnxruntime": "1.22.0"},
    "selftest": True,
    "timings": [
        {"variant": "a", "p50_ms": 1.5, "threads": 1, "baseline": None, "ratio": {"estimate": 1, "low": 1, "high": 2}}
    ],
    "report": {"anything": [1, None]},
}


def bundle_files() -> dict[str, bytes]:
    """Return the files of a complete bundle; nothing here parses its model."""
    files = {
        "v/a.onnx": b"\x08\x08not a model",
        "g/0.png": images()["png"],
        "golden.json": json.dumps(GOLDEN).encode(),
        "e.json": json.dumps(EVIDENCE).encode(),
    }
    signature = (TensorInfo("image", "float32", ("n", 3, 8, 8)),), (TensorInfo("logits", "float32", ("n", 2)),)
    session = {"session.x64quantprecision": "1"}
    one = Variant(
        "a", "v/a.onnx", "int8", "cpu", *signature, False, 0.1, session=session, unknown=Unknown(1.5, 0.5, 0.9)
    )
    manifest = Manifest(
        "seed", "1", "image-classification", ("cat", "größe"), CONTRACT, (one,), "golden.json", "", (), {"a": 1}, {}
    )
    entries = tuple(file_entry(path, files[path]) for path in sorted(files))
    manifest = replace(manifest, files=entries, evidence=("e.json",))
    data = manifest_to_json(replace(manifest, content_id=content_id(manifest)))
    return {"manifest.json": data, "manifest.sha256": digest_line(hashlib.sha256(data).hexdigest()), **files}


def images() -> dict[str, bytes]:
    """Return a small image in each format, and in the modes that are converted."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 4), dtype=np.uint8)
    rgba, rgb = Image.fromarray(pixels), Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
    exif = Image.Exif()
    exif[0x0112] = 6
    made = {
        "png": _encode(rgba, "PNG"),
        "palette.png": _encode(rgb.quantize(16), "PNG"),
        "16.png": _encode(Image.fromarray(pixels[..., 0].astype(np.uint16) * 200), "PNG"),
        "jpg": _encode(rgb, "JPEG", exif=exif),
        "cmyk.jpg": _encode(rgb.convert("CMYK"), "JPEG"),
        "gif": _encode(rgb.convert("P"), "GIF", save_all=True, append_images=[rgb.convert("P")]),
        "bmp": _encode(rgb, "BMP"),
        "ppm": _encode(rgb, "PPM"),
        "tif": _encode(rgba, "TIFF", compression="tiff_lzw"),
        "tga": _encode(rgb, "TGA"),
    }
    return made | {"webp": _encode(rgb, "WEBP")}


def _encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def seeds(target: str) -> dict[str, bytes]:
    """Return the inputs that a target begins from."""
    files = bundle_files()
    if target in ("manifest", "sealed"):
        return {"manifest": files["manifest.json"]}
    if target == "archive":
        return {"archive": canonical_archive(files)}
    if target == "directory":
        return {"nothing": b"", "one of each": bytes(range(0, 48))}
    if target == "golden":
        return {"golden": files["golden.json"]}
    if target == "evidence":
        return {"evidence": files["e.json"]}
    return images()
