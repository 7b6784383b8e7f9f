"""The runtime's frozen dataclasses behave as those of `dataclasses`, which would take longer to import."""

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, asdict, field, fields, replace

import pytest

from edge_runtime._values import dataclass
from edge_runtime.manifest import FileEntry
from edge_runtime.preprocessing import Region


@dataclass(frozen=True)
class Ours:
    """Some values."""

    name: str
    more: dict[str, int] = field(default_factory=dict)
    count: int = 3


@dataclasses.dataclass(frozen=True)
class Theirs:
    """The same."""

    name: str
    more: dict[str, int] = field(default_factory=dict)
    count: int = 3


@pytest.mark.parametrize("given", [(("a",), {}), (("a", {"b": 1}), {"count": 2}), ((), {"count": 1, "name": "c"})])
def test_they_are_made_as_those_are(given):
    values, named = given
    ours, theirs = Ours(*values, **named), Theirs(*values, **named)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert asdict(ours) == asdict(theirs) and list(vars(ours)) == [one.name for one in fields(Theirs)]
    assert ours == Ours(*values, **named) and ours != theirs and ours != replace(ours, name="other")
    assert pickle.loads(pickle.dumps(ours)) == copy.deepcopy(ours) == ours  # noqa: S301 - our own
    assert Ours("a").more is not Ours("a").more


@pytest.mark.parametrize("given", [((), {}), (("a", {}, 1, 2), {}), (("a",), {"name": "b"}), (("a",), {"size": 1})])
def test_what_those_refuse_they_refuse(given):
    for kind in (Ours, Theirs):
        with pytest.raises(TypeError):
            kind(*given[0], **given[1])


def test_nobody_changes_them():
    one = FileEntry("a", "b", 1, 2)
    assert {one, FileEntry("a", "b", 1, 2)} == {one}
    with pytest.raises(FrozenInstanceError):
        one.size = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del one.size
    with pytest.raises(TypeError, match="unhashable"):
        hash(Ours("a"))
    assert Region.__doc__ and Region.__doc__.startswith("The part")
