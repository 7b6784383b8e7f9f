"""Heads on a tiny encoder: what each gives, what padding may not change, and what a run needs to build them again."""

from typing import Any

import numpy as np
import pytest

from edge_export.text_networks import HeadFields, as_network, build_text_network, network_document
from edge_runtime.errors import InputError
from edge_runtime.preprocessing import TextPreprocessing

transformers: Any = pytest.importorskip("transformers", reason='needs transformers: pip install "edge-toolchain[text]"')
PAD = 0
CONFIG = transformers.BertConfig(
    vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
    max_position_embeddings=70, pad_token_id=PAD,
)  # fmt: skip
HEADS = [
    HeadFields("classify", 3, "cls"),
    HeadFields("classify", 3, "mean"),
    HeadFields("tag", 5),
    HeadFields("embed", 16, "mean"),
]
SHAPES = {"classify": (2, 3), "tag": (2, 6, 5), "embed": (2, 16)}


@pytest.mark.parametrize("head", HEADS, ids=lambda head: f"{head.kind}-{head.pooling}")
def test_padding_changes_nothing_and_a_run_builds_it_again(head: HeadFields) -> None:
    import torch

    torch.manual_seed(0)
    network = as_network(transformers.BertModel(CONFIG), PAD, head).eval()
    rows = torch.tensor([[2, 7, 9, 11, 8, 3], [2, 5, 3, PAD, PAD, PAD]])
    with torch.inference_mode():
        both, alone = network(rows), network(rows[1:, :3])
    assert both.shape == SHAPES[head.kind]
    seen = both[1:, :3] if head.kind == "tag" else both[1:]
    assert torch.allclose(seen, alone, atol=1e-5)
    if head.kind == "embed":
        assert torch.allclose(both.norm(dim=-1), torch.ones(2), atol=1e-5)
    again = build_text_network(network_document(CONFIG.to_dict(), head), PAD).eval()
    again.load_state_dict(network.state_dict())
    with torch.inference_mode():
        assert torch.equal(again(rows), both)


@pytest.mark.parametrize("head", HEADS[1:3], ids=lambda head: head.kind)
def test_the_graph_keeps_attention_and_masks_padding(head: HeadFields) -> None:
    from edge_export.capture.parity import check_parity
    from edge_export.capture.torch_module import eager, export_encoder
    from edge_export.inputs import parity_batches

    contract = TextPreprocessing("0" * 64, 50, PAD, 70)
    network = as_network(transformers.BertModel(CONFIG), PAD, head)
    graph = export_encoder(network, contract)
    assert sum(node.op_type == "Attention" for node in graph.graph.node) == 2
    if head.kind != "tag":  # their answers have one row for each text, which is what parity compares
        assert check_parity(graph, eager(network), parity_batches(contract)).largest_difference < 1e-4


def test_mean_pooling_counts_each_token_once() -> None:
    import torch

    from edge_export.text_networks.heads.interface import pool

    hidden = torch.tensor([[[1.0], [3.0], [100.0]], [[4.0], [9.0], [9.0]]])
    mask = torch.tensor([[True, True, False], [True, False, False]])
    assert pool(hidden, mask, "mean").tolist() == [[2.0], [4.0]]
    assert pool(hidden, mask, "cls").tolist() == [[1.0], [4.0]]
    assert np.isfinite(pool(hidden, torch.zeros_like(mask), "mean").numpy()).all()


OTHERS = [{}, {"encoder": CONFIG.to_dict(), "head": {"kind": "guess", "outputs": 3}}, {"encoder": {}, "head": {"x": 1}}]


@pytest.mark.parametrize("document", OTHERS)
def test_a_run_of_another_edge_is_one_line(document: dict[str, object]) -> None:
    with pytest.raises(InputError, match="train again"):
        build_text_network(document, PAD)
