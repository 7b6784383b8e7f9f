"""A split that is scored is the one that the bundle was judged on, or it is said, or refused."""

from types import SimpleNamespace

import pytest

from edge_pipeline.data import open_dataset
from edge_pipeline.evaluation import _check_split
from edge_runtime.errors import InputError


def notes(dataset, split, provenance):
    said = []
    _check_split(dataset, split, SimpleNamespace(provenance=provenance), said.append)
    return said


def test_another_seed_is_refused_where_it_chose_the_split(flat):
    root = flat({"cat": 12, "dog": 12})
    trained = open_dataset(root)
    provenance = {"data": {"fingerprints": trained.fingerprints}}
    assert trained.chosen_splits == ("train", "val", "test")
    assert notes(trained, "test", provenance) == []
    other = open_dataset(root, seed=1)
    with pytest.raises(InputError, match=r"may hold items that it was trained on.*--seed and --group of the training"):
        notes(other, "test", provenance)


@pytest.mark.parametrize("provenance", [{}, {"data": "elsewhere"}, {"data": {"fingerprints": {"test": 3, "val": ""}}}])
def test_nothing_is_said_where_the_bundle_says_nothing(flat, provenance):
    assert notes(open_dataset(flat({"cat": 12, "dog": 12})), "test", provenance) == []


def test_a_test_folder_is_given_although_val_was_carved(folder):
    names = [f"{split}/{label}/{at}.png" for split in ("train", "test") for label in "ab" for at in range(8)]
    dataset = open_dataset(folder({name: seed for seed, name in enumerate(names)}))
    assert dataset.chosen_splits == ("train", "val")
    provenance = {"data": {"fingerprints": {"val": "another", "test": "another"}}}
    assert notes(dataset, "test", provenance) == ["this is not the test split that the bundle was judged on"]
    with pytest.raises(InputError, match="not the val split"):
        notes(dataset, "val", provenance)
