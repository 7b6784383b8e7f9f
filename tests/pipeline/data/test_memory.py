"""Reading many images keeps next to nothing of each."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from edge_pipeline.data import open_dataset
from edge_pipeline.samples import fashion, write_sample

PEAK = """
import resource, sys
from pathlib import Path
import PIL.Image
from edge_pipeline.data import open_dataset
from edge_pipeline.data.inspection import inspect
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
root = Path(sys.argv[1])
if len(sys.argv) > 2:
    inspect(root, sorted(path.name for path in root.iterdir()), cache_key=root)
else:
    open_dataset(root)
print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_mib(*arguments: str) -> tuple[float, float]:
    result = subprocess.run([sys.executable, "-c", PEAK, *arguments], capture_output=True, text=True, check=True)
    before, after = result.stdout.split()
    return int(before) / 1024, int(after) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts in KiB on Linux alone")
def test_images_are_streamed(tmp_path: Path, picture) -> None:
    """400 images of 1.2 MB each: 480 MB, if they were kept."""
    picture(1, 640).save(tmp_path / "000.jpg")
    for number in range(1, 400):
        (tmp_path / f"{number:03d}.jpg").hardlink_to(tmp_path / "000.jpg")
    before, after = peak_mib(str(tmp_path), "inspect")
    assert after - before < 60


@pytest.mark.slow
def test_seventy_thousand_images_take_less_than_500_mb(tmp_path: Path) -> None:
    if not fashion.DIRECTORY.is_dir():
        pytest.skip(f"needs {fashion.INSTALL}")
    report = write_sample("fashion", tmp_path / "fashion")
    assert report.counts == {"train": 55_000, "val": 5_000, "test": 10_000}
    assert peak_mib(str(tmp_path / "fashion"))[1] < 500
    data = open_dataset(tmp_path / "fashion")
    assert data.labels == tuple(sorted(fashion.CLASSES))
    # Photos of one garment on both sides of the official split; nothing was asked of them but to be said.
    near = {(entry.split, entry.other): entry.count for entry in data.report.near_duplicates}
    assert 20 <= near["test", "train"] <= 35
    with Image.open(data.splits["test"][0][0]) as image:
        assert image.size == (28, 28)
