"""What a list costs one at a time, and how equal a text's answer is in a batch."""

from types import SimpleNamespace

import numpy as np
from onnx import TensorProto, helper

from edge_export.candidates import Candidate
from edge_export.throughput import measure_throughput, throughput_note


def counter(batch: int | str) -> bytes:
    """A graph that counts the tokens of a row that are no padding: to the bit the same in any batch."""
    nodes = [
        helper.make_node("Cast", ["input"], ["there"], to=TensorProto.BOOL),
        helper.make_node("Cast", ["there"], ["ones"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["ones", "axis"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("input", TensorProto.INT64, [batch, "length"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 1])],
        [helper.make_tensor("axis", TensorProto.INT64, [1], [1])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


class Lengths:
    """A text is its length."""

    def batches(self, items, color, size):
        for start in range(0, len(items), size):
            places = range(start, min(start + size, len(items)))
            yield places, np.array([[at < items[place] for at in range(9)] for place in places], np.int64)


def test_one_at_a_time_is_held_against_batches():
    single, many = (Candidate(name, counter(n), "int8", "cpu", {}) for name, n in (("a", 1), ("b", "n")))
    captured = SimpleNamespace(preprocessor=Lengths, reader=lambda: lambda batch, run: run(batch))
    found = measure_throughput(single, many, captured, [3, 1, 9] * 20)
    assert found["texts"] == 32 and list(found["texts_per_second"]) == [
        "a in batches of 1", "b in batches of 1", "b in batches of 8", "b in batches of 32",
    ]  # fmt: skip
    assert found["cost"]["over"].startswith("b in batches") and found["cost"]["estimate"] > 0
    assert found["apart"] == {"largest": 0.0, "largest_logit": 9.0, "equal_share": 1.0}
    assert "to the bit" in throughput_note(found)
