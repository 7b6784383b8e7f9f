"""What a camera notes about place, time and owner stays out of runs, bundles and reports; the pixels go on."""

import base64
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from edge_export.report.gallery import picture

OWNER = "Owner-5f1c"
PLACE = (48.0, 51.0, 29.87)
ORIENTATION, ARTIST, GPS, LATITUDE = 0x0112, 0x013B, 0x8825, 2
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><creator>" + OWNER.encode() + b"</creator></x:xmpmeta>"
TELLING = (OWNER.encode(), b"Exif\x00\x00", b"xmpmeta", b"GPSLatitude", b"eXIf", b"iTXt", b"tEXt", b"\xff\xd8\xff")
"""Bytes that only a photo's own file or its notes have."""


def photo(path: Path, seed: int, side: int = 48) -> Path:
    """Write a JPEG as a telephone does: turned, with its place, its owner, XMP and a comment."""
    generator = np.random.default_rng(seed)
    shade = 60 + 120 * (seed % 2)
    pixels = generator.integers(shade - 40, shade + 40, (side, side + 16, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[ORIENTATION], exif[ARTIST] = 6, OWNER
    exif.get_ifd(GPS)[LATITUDE] = PLACE
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, "JPEG", exif=exif, xmp=XMP, comment=OWNER)
    return path


def contents(root: Path):
    """Yield the name and bytes of every file below `root`, of those inside archives, and of pictures inside pages."""
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        data = file.read_bytes()
        yield file.name, data
        for number, coded in enumerate(re.findall(rb"data:image/[a-z+]+;base64,([A-Za-z0-9+/=]+)", data)):
            yield f"{file.name} picture {number}", base64.b64decode(coded)
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                yield from ((f"{file.name} {name}", archive.read(name)) for name in archive.namelist())


def test_the_photos_of_this_test_tell(tmp_path):
    """Otherwise nothing below would prove anything."""
    data = photo(tmp_path / "a.jpg", 0).read_bytes()
    assert all(mark in data for mark in (OWNER.encode(), b"Exif\x00\x00", b"xmpmeta"))
    with Image.open(tmp_path / "a.jpg") as image:
        assert tuple(map(float, image.getexif().get_ifd(GPS)[LATITUDE])) == PLACE


def test_a_thumbnail_is_pixels_alone_and_upright(tmp_path):
    shown = picture(photo(tmp_path / "a.jpg", 0, side=64), "caption").data
    assert not any(mark in shown for mark in TELLING)
    with Image.open(io.BytesIO(shown)) as image, Image.open(tmp_path / "a.jpg") as original:
        assert image.info == {} and not image.getexif()
        assert image.size == ImageOps.exif_transpose(original).size == (64, 80)


@pytest.fixture(scope="session")
def outputs(tmp_path_factory):
    """Everything that training, exporting and measuring write, with photos that tell as data and as inputs."""
    from edge_benchmarks.cli.boundary import run_command
    from edge_pipeline.cli import edge

    root = tmp_path_factory.mktemp("photos")
    data, out = root / "data", root / "out"
    for split, count in (("train", 24), ("val", 12), ("test", 12)):
        for number in range(count):
            seed = number + 100 * len(split)
            wrong = split == "test" and number > 7  # so that a network that learned it all errs too
            photo(data / split / ("dark", "light")[(seed + wrong) % 2] / f"{number}.jpg", seed)
    train = ["train", data, "-o", out / "run", "--model", "test_resnet", "--weights", "none", "--size", "32"]
    bundle = out / "model.edge"
    commands = [
        [*train, "--epochs", "1"],
        ["export", out / "run", "-o", bundle, "--timing-seconds", "1", "--unlabeled", data / "val"],
        ["bench", bundle, "--input", data / "test/dark/0.jpg", "--duration", "0.2", "--cold-starts", "0",
         "-o", out / "bench.html", "-o", out / "bench.json"],
    ]  # fmt: skip
    for command in commands:
        run_command(edge, [str(part) for part in command], prog_name="edge")
    return out


def test_nothing_that_is_written_tells_a_place(outputs):
    names = [name for name, _ in contents(outputs)]
    telling = {name for name, data in contents(outputs) for mark in TELLING if mark in data}
    # The one note that a golden picture carries, and must: a synthetic one that is to be turned upright.
    assert telling <= {"model.edge", "model.edge golden/rotated.png"}
    assert {"model.edge", "bench.html", "bench.json", "model.edge golden/rotated.png"} <= set(names)
    assert any(name.endswith(".html picture 0") for name in names)
    turned = next(data for name, data in contents(outputs) if name == "model.edge golden/rotated.png")
    with Image.open(io.BytesIO(turned)) as image:
        assert dict(image.getexif()) == {ORIENTATION: 6}


def test_a_report_names_an_input_by_its_digest_alone(outputs):
    for name in ("bench.json", "bench.html"):
        text = (outputs / name).read_text(encoding="utf-8")
        assert "0.jpg" in text and str(outputs.parent) not in text
