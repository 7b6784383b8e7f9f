"""Logits of a whole split from all processes, and the score of an epoch."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from edge_benchmarks.accuracy import Answers, f1, summarize
from edge_pipeline.training.config import TrainConfig
from edge_pipeline.training.loader import Batches, Share, evaluation_batches
from edge_pipeline.training.tokens import as_words, widen

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


def answers(model: "Callable[[Tensor], Tensor]", inputs: Batches, tensor: "Tensor", device: Any) -> "Tensor":
    """Return a model's float32 answers to a batch of `inputs`: of what is longer than it in windows, as on a device."""
    import torch

    if inputs.in_windows is None:
        return model(to_device(tensor, device)).float()

    def run(rows: NDArray[Any]) -> NDArray[Any]:
        answered: NDArray[Any] = model(torch.from_numpy(rows).to(device)).float().cpu().numpy()
        return answered

    return torch.from_numpy(inputs.in_windows(tensor.numpy(), run)).to(device)


def predict(
    accelerator: Any,
    model: "nn.Module",
    inputs: Batches,
    progress: "TrainProgress | None" = None,
    *,
    words: tuple[int, int] | None = None,
) -> "Tensor":
    """Return the `(n, classes)` float32 logits of all items in order, on every process, on the CPU.

    Args:
        accelerator: accelerate's.
        model: What answers.
        inputs: Of the items.
        progress: Told about items.
        words: Of models that answer for each token, the columns that all answers are widened to, and the place of O.
    """
    import torch

    share = Share(accelerator.process_index, accelerator.num_processes)
    batches = evaluation_batches(len(inputs), BATCH_SIZE, share)
    model.eval()
    found: list[Tensor] = []
    with torch.inference_mode(), accelerator.autocast():
        for batch, tensor in zip(batches, inputs.read(batches, None), strict=True):
            logits = answers(model, inputs, tensor, accelerator.device)
            found.append(widen(logits, *words) if words else logits)
            if progress:
                progress.advance(len(batch) * share.count)
    local = torch.cat(found)
    if share.count == 1:
        return local.cpu()
    # Shares differ by one item at most in length, so pad to gather and cut afterwards.
    padded = accelerator.pad_across_processes(local, dim=0)
    gathered = accelerator.gather(padded).reshape(share.count, -1, *local.shape[1:])
    lengths = [
        sum(map(len, evaluation_batches(len(inputs), BATCH_SIZE, Share(i, share.count)))) for i in range(share.count)
    ]
    return torch.cat([rows[:length] for rows, length in zip(gathered, lengths, strict=True)]).cpu()


SCORES = {"span_f1": "span F1", "macro_f1": "macro F1", "top1": "top-1"}
"""Validation metrics that decide which epoch is best, and their names; a training has one of them."""


def score_name(found: Mapping[str, Any]) -> str:
    """Return which of `SCORES` there is."""
    return next(name for name in SCORES if name in found)


def score(
    logits: "Tensor", targets: "Tensor", config: TrainConfig, loss: "Loss", labels: Sequence[str]
) -> dict[str, float]:
    """Return `val_loss` and the metric that decides; multilabel answers are those over a probability of 0.5."""
    name = "macro_f1" if config.multilabel else "top1"
    if logits.ndim == 3:
        truth, said = as_words(targets, logits)
        counts = Answers(truth, {"": said}, [], tags=tuple(labels)).span_counts("")
        name, value = "span_f1", float(f1(counts.sum(axis=(0, 2))))
    elif config.multilabel:
        names = [str(index) for index in range(logits.shape[1])]
        value = summarize(targets.bool().numpy(), logits.numpy(), names).macro_f1
    else:
        value = float((logits.argmax(1) == targets).double().mean())
    return {"val_loss": float(loss(logits, targets)), f"val_{name}": value}
