"""A bundle for GPUs, where there is one."""

from dataclasses import replace

import pytest

import edge_runtime
from edge_export.config import ExportConfig, Outcome
from edge_export.export import export
from edge_runtime.session import cuda_is_available


@pytest.mark.gpu
@pytest.mark.skipif(not cuda_is_available(), reason="no CUDA device, or onnxruntime without CUDA (extra `gpu`)")
def test_fp16_answers_on_cuda_as_fp32_does_on_the_cpu(tiny_run, picture_data, tmp_path):
    config = ExportConfig(quantize="fp16", max_drop=0.02, timing_seconds=1.0, provisional=True)
    result = export(tiny_run, tmp_path / "half.edge", picture_data, replace(config, unknown_precision=None))
    assert result.outcome is Outcome.PROVISIONAL
    with pytest.warns(edge_runtime.EdgeWarning, match="provisional"):
        on_gpu = edge_runtime.load(result.bundle, device="cuda")
        on_cpu = edge_runtime.load(result.bundle, device="cpu")
    for path, _ in picture_data.splits["test"][:20]:
        assert on_gpu.predict(path).label == on_cpu.predict(path).label
