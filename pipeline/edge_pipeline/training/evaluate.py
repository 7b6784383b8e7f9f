"""Logits of a whole split from all processes, and the score of an epoch."""

from typing import TYPE_CHECKING, Any

from edge_benchmarks.accuracy import summarize
from edge_pipeline.training.config import TrainConfig
from edge_pipeline.training.loader import Batches, Share, evaluation_batches

if TYPE_CHECKING:
    from torch import Tensor, nn

    from edge_pipeline.training.objective import Loss
    from edge_pipeline.training.progress import TrainProgress


BATCH_SIZE = 32
"""Images at a time where nothing is learned: larger ones gain no speed on a CPU and cost memory."""


def to_device(inputs: "Tensor", device: Any) -> "Tensor":
    """Move a batch to the device; images go to channels-last, which convolutions prefer."""
    import torch

    if inputs.ndim == 4:
        return inputs.to(device, memory_format=torch.channels_last)
    return inputs.to(device)


def predict(
    accelerator: Any,
    model: "nn.Module",
    inputs: Batches,
    progress: "TrainProgress | None" = None,
) -> "Tensor":
    """Return the `(n, classes)` float32 logits of all items in order, on every process, on the CPU."""
    import torch

    share = Share(accelerator.process_index, accelerator.num_processes)
    batches = evaluation_batches(len(inputs), BATCH_SIZE, share)
    model.eval()
    found: list[Tensor] = []
    with torch.inference_mode(), accelerator.autocast():
        for batch, tensor in zip(batches, inputs.read(batches, None), strict=True):
            found.append(model(to_device(tensor, accelerator.device)).float())
            if progress:
                progress.advance(len(batch) * share.count)
    local = torch.cat(found)
    if share.count == 1:
        return local.cpu()
    # Shares differ by one item at most in length, so pad to gather and cut afterwards.
    padded = accelerator.pad_across_processes(local, dim=0)
    gathered = accelerator.gather(padded).reshape(share.count, -1, local.shape[1])
    lengths = [
        sum(map(len, evaluation_batches(len(inputs), BATCH_SIZE, Share(i, share.count)))) for i in range(share.count)
    ]
    return torch.cat([rows[:length] for rows, length in zip(gathered, lengths, strict=True)]).cpu()


def score_name(config: TrainConfig) -> str:
    """Name the validation metric that decides which epoch is best."""
    return "val_macro_f1" if config.multilabel else "val_top1"


def score(logits: "Tensor", targets: "Tensor", config: TrainConfig, loss: "Loss") -> dict[str, float]:
    """Return `val_loss` and the metric of `score_name`; multilabel answers are those over a probability of 0.5."""
    if config.multilabel:
        names = [str(index) for index in range(logits.shape[1])]
        value = summarize(targets.bool().numpy(), logits.numpy(), names).macro_f1
    else:
        value = float((logits.argmax(1) == targets).double().mean())
    return {"val_loss": float(loss(logits, targets)), score_name(config): value}
