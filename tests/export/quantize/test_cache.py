"""Observations kept on disk: the same answer, or a new one."""

import numpy as np
import pytest

from edge_export.quantize import RECIPES, make_quantized, observe
from edge_export.quantize.calibration import Cache, settled_ranges


class Counted:
    """Samples that know how often they were walked."""

    def __init__(self, samples):
        self.samples, self.walks = samples, 0

    def __call__(self):
        self.walks += 1
        return self.samples


@pytest.fixture
def samples(digits) -> Counted:
    return Counted(digits[:70])


def test_what_was_kept_gives_the_same_bytes_without_a_sample(digit_network, samples, tmp_path):
    cache = Cache(tmp_path / "made" / "here", "digits-70")
    first, second = (observe(digit_network, samples, cache=cache) for _ in range(2))
    assert samples.walks == 1
    assert second.settling == first.settling
    assert second.samples == first.samples
    np.testing.assert_array_equal(second.first["x"], first.first["x"])
    for name in ("mse", "percentile"):
        one, other = (make_quantized(digit_network, RECIPES[name], seen) for seen in (first, second))
        assert one.model.SerializeToString(deterministic=True) == other.model.SerializeToString(deterministic=True)
    assert settled_ranges(second, "entropy") == settled_ranges(first, "entropy")


def test_the_key_is_model_samples_and_method(digit_network, network, samples, tmp_path):
    observe(digit_network, samples, cache=Cache(tmp_path, "a"))
    observe(digit_network, samples, cache=Cache(tmp_path, "b"))
    observe(digit_network, samples, until=("minmax",), cache=Cache(tmp_path, "a"))
    other = Counted([np.zeros((3, 16, 16), np.float32)])
    observe(network, other, cache=Cache(tmp_path, "a"))
    assert samples.walks == 3
    assert other.walks == 1
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("damage", [b"", b"not a zip", None])
def test_a_damaged_file_is_computed_again_and_replaced(digit_network, samples, tmp_path, damage):
    cache = Cache(tmp_path, "a")
    expected = settled_ranges(observe(digit_network, samples, cache=cache), "mse")
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + bytes(8) + whole[middle + 8 :] if damage is None else damage)
    assert settled_ranges(observe(digit_network, samples, cache=cache), "mse") == expected
    assert samples.walks == 2
    assert file.read_bytes() == whole
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


def test_a_directory_that_cannot_be_written_is_no_error(digit_network, samples, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert observe(digit_network, samples, cache=Cache(tmp_path / "file", "a")).samples
