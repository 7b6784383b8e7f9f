"""The training loop: epochs, validation, the best epoch's weights, early stop, checkpoints."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_pipeline.training.augment import item_seed
from edge_pipeline.training.checkpoint import Progress, read_checkpoint, save_tensors, write_checkpoint
from edge_pipeline.training.config import TrainConfig
from edge_pipeline.training.evaluate import predict, score, score_name, to_device
from edge_pipeline.training.loader import Batches, Share, training_batches
from edge_pipeline.training.objective import learning_rate, make_loss, make_optimizer
from edge_pipeline.training.progress import TrainProgress
from edge_pipeline.training.rank_budget import Regimen
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

METRICS_FILE = "metrics.jsonl"
_CHECK_EVERY = 16
"""Steps between two looks at the loss: each look makes a GPU wait."""


@dataclass(frozen=True)
class Part:
    """A split as the loop sees it."""

    inputs: Batches
    targets: "Tensor"
    """As the learner gives them."""
    words: tuple[int, int] | None = None
    """As `predict` takes it, of texts with spans."""


def best_weights_file(directory: Path, epoch: int) -> Path:
    """Return where the trained part's weights after `epoch` lie while it is the best one."""
    return directory / f"best-{epoch}.safetensors"


class Loop:
    """One training of `model`, a network or its unfrozen tail, on inputs that fit it.

    Args:
        accelerator: accelerate's; it knows device, precision and the other processes.
        model: Trained in place.
        parts: `train` and `val`.
        labels: Names of the answers.
        config: The choices.
        directory: The run; holds checkpoint, metrics and the best epoch's weights.
        regimen: What is done in each step besides.
        progress: Told about epochs.
    """

    def __init__(
        self,
        accelerator: Any,
        model: "nn.Module",
        parts: dict[str, Part],
        *,
        labels: Sequence[str],
        config: TrainConfig,
        directory: Path,
        progress: TrainProgress,
        regimen: Regimen | None = None,
    ) -> None:
        self._accelerator = accelerator
        self._model = model
        self._parts = parts
        self._config = config
        self._directory = directory
        self._tell = progress
        self._regimen = regimen
        self._share = Share(accelerator.process_index, accelerator.num_processes)
        self._labels = labels
        self._loss = make_loss(config, parts["train"].targets, len(labels))
        self._optimizer = make_optimizer(config, model)

    def run(self, after_epoch: Callable[[int], None] = lambda _epoch: None) -> Progress:
        """Train to the end, going on from the directory's checkpoint where there is one.

        Args:
            after_epoch: Called with the number of each epoch once its checkpoint is on the disk.

        Raises:
            InputError: the loss is not finite.
        """
        from accelerate.utils import DistributedType

        done = read_checkpoint(self._directory, self._model, self._optimizer, self._regimen)
        done = done or Progress(0, None, -math.inf, math.inf, [])
        self._write_metrics(done)
        wrapped, optimizer = self._accelerator.prepare(self._model, self._optimizer)
        if done.scaler and self._accelerator.scaler is not None:
            self._accelerator.scaler.load_state_dict(done.scaler)
        if self._accelerator.distributed_type == DistributedType.NO and done.epoch:
            self._tell.note(f"going on after epoch {done.epoch}")
        while done.epoch < self._config.epochs and not done.stopped:
            done = self._epoch(wrapped, optimizer, done)
            after_epoch(done.epoch)
        self._accelerator.unwrap_model(wrapped, keep_fp32_wrapper=False)  # the module's own forward comes back
        return done

    def _epoch(self, wrapped: "nn.Module", optimizer: Any, done: Progress) -> Progress:
        started = time.monotonic()
        epoch = done.epoch + 1
        train_loss, rate = self._train_epoch(wrapped, optimizer, epoch)
        self._agree_on_buffers()
        part = self._parts["val"]
        logits = predict(self._accelerator, self._model, part.inputs, words=part.words)
        val = score(logits, part.targets, self._config, self._loss, self._labels)
        row = {
            "epoch": epoch,
            "epochs": self._config.epochs,
            "train_loss": train_loss,
            **val,
            "lr": rate,
            "seconds": round(time.monotonic() - started, 3),
        }
        done = self._advance(done, row)
        self._save(done)
        self._tell.epoch(row)
        return done

    def _train_epoch(self, wrapped: "nn.Module", optimizer: Any, epoch: int) -> tuple[float, float]:
        """Return the mean loss and the last learning rate."""
        import torch

        part, config = self._parts["train"], self._config
        batches = training_batches(
            len(part.inputs), config.batch_size, config.seed, epoch, self._share, lengths=part.inputs.lengths
        )
        # Dropout and its kin: seeded by the epoch, so that a resumed training sees the same numbers.
        torch.manual_seed(item_seed(config.seed, epoch, self._share.index))
        wrapped.train()
        total = torch.zeros((), device=self._accelerator.device)
        rate = 0.0
        self._tell.start(f"epoch {epoch}/{config.epochs}", len(part.inputs))
        for step, (batch, inputs) in enumerate(zip(batches, part.inputs.read(batches, epoch), strict=True)):
            number = (epoch - 1) * len(batches) + step
            rate = learning_rate(config, number, config.epochs * len(batches))
            for group in optimizer.param_groups:
                group["lr"] = rate * group["scale"]
            wanted = part.targets[batch].to(self._accelerator.device)
            loss = self._loss(self._answers(wrapped, inputs), wanted)
            self._accelerator.backward(loss if self._regimen is None else loss + self._regimen.penalty())
            optimizer.step()
            if self._regimen is not None:
                self._regimen.after_step(number)
            optimizer.zero_grad()
            total += loss.detach()
            if step % _CHECK_EVERY == 0 or step + 1 == len(batches):
                self._check(float(total), epoch, step)
            self._tell.advance(len(batch) * self._share.count)
        self._tell.finish()
        mean: Tensor = self._accelerator.reduce(total / len(batches), reduction="mean")
        return float(mean), rate

    def _answers(self, wrapped: "nn.Module", inputs: "Tensor") -> "Tensor":
        try:
            answers: Tensor = wrapped(to_device(inputs, self._accelerator.device))
        except ValueError as error:
            # Batch normalization over a single value; torch checks that and says no more than its shape.
            raise InputError(
                f"a batch of {len(inputs)} at this image size cannot be trained on ({error}); "
                "give a larger --batch-size or --size, or more images"
            ) from error
        return answers

    def _agree_on_buffers(self) -> None:
        """Give every process the first one's normalization statistics: those are what gets saved."""
        from accelerate.utils import broadcast

        if self._share.count > 1:
            for buffer in self._model.buffers():
                broadcast(buffer)

    def _check(self, total: float, epoch: int, step: int) -> None:
        if not math.isfinite(total):
            raise InputError(
                f"epoch {epoch}, step {step + 1}: the loss is {total}; "
                f"lower --learning-rate (now {self._config.learning_rate:g}) or use --precision fp32"
            )

    def _advance(self, done: Progress, row: dict[str, Any]) -> Progress:
        """Count the epoch; it is the best where its score is higher, or as high with a lower loss."""
        val = {name.removeprefix("val_"): value for name, value in row.items() if name.startswith("val_")}
        now = (val[score_name(val)], -val["loss"])
        better = done.best_epoch is None or now > (done.best_score, -done.best_loss)
        done = replace(done, epoch=row["epoch"], history=[*done.history, row])
        if better:
            return replace(done, best_epoch=row["epoch"], best_score=now[0], best_loss=row["val_loss"])
        waited = row["epoch"] - (done.best_epoch or 0)
        return replace(done, stopped=self._config.patience is not None and waited >= self._config.patience)

    def _save(self, done: Progress) -> None:
        """Put everything on the disk, in an order that leaves a usable state at each moment."""
        if self._accelerator.is_main_process:
            scaler = self._accelerator.scaler
            done = replace(done, scaler=scaler.state_dict() if scaler is not None else None)
            best = best_weights_file(self._directory, done.best_epoch or done.epoch)
            if done.best_epoch == done.epoch:
                save_tensors(best, dict(self._model.state_dict()))
            write_checkpoint(self._directory, self._model, self._optimizer, done, self._regimen)
            self._write_metrics(done)
            for old in self._directory.glob("best-*.safetensors"):
                if old != best:
                    old.unlink()
        self._accelerator.wait_for_everyone()

    def _write_metrics(self, done: Progress) -> None:
        if self._accelerator.is_main_process:
            lines = "".join(json.dumps(row) + "\n" for row in done.history)
            (self._directory / METRICS_FILE).write_text(lines, encoding="utf-8")
