"""Image files as they lie in real folders: every kind is read as the device reads it, or listed and skipped."""

import io

import numpy as np
import pytest
from PIL import Image

from edge_pipeline.data import open_dataset
from edge_pipeline.data.decode import read_facts
from edge_runtime.errors import InputError


def palette_with_transparency(image: Image.Image) -> tuple[Image.Image, dict[str, object]]:
    return image.convert("P", palette=Image.Palette.ADAPTIVE), {"transparency": 3}


@pytest.fixture
def kinds(picture, encoded):
    """File name to bytes of one picture of each kind that must be read."""
    base = picture(1000, 48)
    exif = Image.Exif()
    exif[0x0112] = 6
    palette, options = palette_with_transparency(picture(1003))
    sixteen = Image.fromarray((np.asarray(picture(1004).convert("L")).astype(np.uint16) << 8) | 7)
    return {
        "gray.png": encoded(picture(1001).convert("L")),
        "one bit.png": encoded(picture(1006).convert("1")),
        "rgba.png": encoded(picture(1002).convert("RGBA")),
        "palette.png": encoded(palette, **options),
        "16 bit.png": encoded(sixteen),
        "cmyk.jpg": encoded(picture(1005).convert("CMYK"), "JPEG"),
        "turned.JPG": encoded(base.crop((0, 0, 48, 24)), "JPEG", exif=exif),
        "web.webp": encoded(picture(1007), "WEBP"),
        "animated.gif": encoded(picture(1008), "GIF", save_all=True, append_images=[picture(1009)]),
        "wrong ending.png": encoded(picture(1010), "JPEG"),
        "huge.jpg": encoded(picture(1011).resize((3000, 2000)), "JPEG"),
        "tiny.bmp": encoded(picture(1012).resize((1, 1)), "BMP"),
    }


def test_every_kind_of_image_is_read(flat, kinds):
    root = flat({"cat": 10, "dog": 10})
    for name, content in kinds.items():
        (root / "cat" / name).write_bytes(content)
    data = open_dataset(root)
    assert data.report.skipped == ()
    assert sum(counts["cat"] for counts in data.report.counts.values()) == 10 + len(kinds)


def test_an_image_is_seen_upright_and_on_white(kinds, encoded):
    facts = read_facts(kinds["turned.JPG"])
    assert (facts.width, facts.height) == (24, 48)
    clear = read_facts(encoded(Image.new("RGBA", (20, 20), (0, 0, 0, 0))))
    assert set(clear.thumbnail) == {255}


@pytest.mark.parametrize("label", ["a" * 501, "two\nlines", "next\u0085line"])
def test_a_label_that_no_bundle_can_hold_is_refused_in_one_line(flat, write_csv, label):
    root = flat({"cat": 12})
    rows = [[str(path), label if number % 2 else "cat"] for number, path in enumerate(sorted(root.rglob("*.png")))]
    file = write_csv(root.parent / "labels.csv", [["path", "label"], *rows])
    with pytest.raises(InputError, match=r"labels\.csv: label: .* is refused; .*; rename the class") as caught:
        open_dataset(file)
    assert "\n" not in str(caught.value)


@pytest.fixture
def broken(picture, encoded):
    whole = encoded(picture(2000, 200), "JPEG")
    return {
        "cut.jpg": whole[: len(whole) // 2],
        "text.jpg": b"this is no image",
        "empty.png": b"",
        "phone.heic": b"\0\0\0\x18ftypheic\0\0\0\0",
    }


@pytest.mark.parametrize(
    ("name", "reason"),
    [("cut.jpg", "truncated"), ("text.jpg", "not an image"), ("empty.png", "empty"), ("phone.heic", "not an image")],
)
def test_one_unreadable_file_is_listed_and_skipped(flat, broken, name, reason):
    root = flat({"cat": 10, "dog": 10})
    (root / "dog" / name).write_bytes(broken[name])
    data = open_dataset(root)
    assert [item.path for item in data.report.skipped] == [f"dog/{name}"]
    assert reason in data.report.skipped[0].reason and "bytes beginning" not in data.report.skipped[0].reason
    assert f"skipped: 1 of 21 images cannot be read: dog/{name}" in data.report.warnings[0]
    assert sum(map(len, data.splits.values())) == 20


def test_more_than_one_percent_is_an_error_that_lists_them(flat, broken):
    root = flat({"cat": 10, "dog": 10})
    for name, content in broken.items():
        (root / "dog" / name).write_bytes(content)
    with pytest.raises(InputError, match=r"4 of 24 images .*: dog/cut.jpg .*at most 1% are skipped") as caught:
        open_dataset(root)
    assert all(name in str(caught.value) for name in broken) and "\n" not in str(caught.value)


def test_the_limit_is_one_percent(flat, broken):
    root = flat({"cat": 198})
    (root / "dog").mkdir()
    for number, content in enumerate([broken["cut.jpg"], broken["text.jpg"]]):
        (root / "cat" / f"bad {number}.jpg").write_bytes(content)
    for path in sorted((root / "cat").glob("*.png"))[:90]:
        path.rename(root / "dog" / path.name)
    assert len(open_dataset(root).report.skipped) == 2
    (root / "dog" / "bad 3.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="3 of 201"):
        open_dataset(root)


def test_a_file_that_may_not_be_read_or_links_nowhere(flat):
    root = flat({"cat": 10, "dog": 10})
    (root / "dog" / "gone.png").symlink_to(root / "no such file.png")
    data = open_dataset(root)
    assert [item.reason for item in data.report.skipped] == ["No such file or directory"]


def test_a_decompression_bomb_is_skipped_without_being_unpacked(flat):
    root = flat({"cat": 10, "dog": 10})
    stream = io.BytesIO()
    Image.new("1", (9_600, 9_600)).save(stream, "PNG")
    (root / "dog" / "bomb.png").write_bytes(stream.getvalue())
    data = open_dataset(root)
    assert "9600x9600 pixels" in data.report.skipped[0].reason


def test_a_class_without_a_readable_image_is_no_class(flat):
    root = flat({"cat": 10, "dog": 10})
    (root / "cow").mkdir()
    (root / "cow" / "1.jpg").write_bytes(b"x")
    data = open_dataset(root)
    assert data.labels == ("cat", "dog") and "cow has no readable image, so it is no class" in data.report.warnings
