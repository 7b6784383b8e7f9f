"""One training from data to a finished run: network, frozen part, loop, test, report."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_benchmarks.accuracy import AccuracySummary, summarize
from edge_export.ledger import record_test_opening
from edge_export.run import WEIGHTS_FILE, DataReference, Run, is_run, read_run, write_run
from edge_pipeline.data import Dataset, describe, open_dataset
from edge_pipeline.scrubbing import read_scrub_record
from edge_pipeline.training.checkpoint import Progress, save_tensors
from edge_pipeline.training.config import TrainConfig
from edge_pipeline.training.directory import prepare_directory, remove_leftovers
from edge_pipeline.training.evaluate import predict
from edge_pipeline.training.learners import Setting, make_learner
from edge_pipeline.training.loader import Batches, Items, items_of
from edge_pipeline.training.loop import Loop, Part, best_weights_file
from edge_pipeline.training.precision import make_accelerator
from edge_pipeline.training.progress import Silent, TrainProgress
from edge_pipeline.training.promise import promise
from edge_pipeline.training.report import write_report
from edge_pipeline.training.report.mistakes import Mistake, worst_mistakes, worst_tags
from edge_pipeline.training.tokens import as_words, outside_of
from edge_runtime.cpus import available_cpus

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TrainResult:
    """What a training came to."""

    run: Path
    """The run directory."""
    best_epoch: int
    metrics: dict[str, Any]
    """As in the run: `val` of the best epoch, `test` where the data has such a split, `epochs`, `seconds`."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as a JSON-ready dictionary."""
        return {"run": str(self.run), "best_epoch": self.best_epoch, "metrics": self.metrics}


def train(
    data: "str | os.PathLike[str] | Dataset",
    run: "str | os.PathLike[str]",
    config: TrainConfig = TrainConfig(),  # noqa: B008 - a frozen value
    *,
    resume: bool = False,
    progress: TrainProgress | None = None,
) -> TrainResult:
    """Fine-tune a network on labelled images or texts and write the run.

    Args:
        data: A folder or file for `edge_pipeline.data.open_dataset`, or what that gave.
        run: Directory to write; it must be empty or absent unless `resume`.
        config: Every choice.
        resume: Go on with the training in `run`; its end is then the same to the bit as without the break. A run
            that is finished already is left as it is.
        progress: Told what happens; None says nothing.

    Raises:
        InputError: the data, the run directory or a choice cannot be used, or the loss is not finite.
        MachineError: the weights, the disk or the device fall short.
    """
    directory = Path(run)
    tell: TrainProgress = progress or Silent()
    if resume and is_run(directory):
        tell.note(f"{directory}: already finished")
        return _result(directory, read_run(directory))
    accelerator = make_accelerator(config.precision)
    if accelerator.is_main_process:
        prepare_directory(directory, config, resume=resume)
    else:
        tell = Silent()
    accelerator.wait_for_everyone()
    dataset = data if isinstance(data, Dataset) else _open(data, config, tell)
    for line in describe(dataset):
        tell.note(line)
    tell.note(promise(dataset.splits.get("test")))
    return _Session(accelerator, dataset, directory, config, tell).train()


def _open(data: "str | os.PathLike[str]", config: TrainConfig, tell: TrainProgress) -> Dataset:
    seen = 0

    def inspected(done: int, total: int) -> None:
        nonlocal seen
        if not seen:
            tell.start("checking images", total)
        tell.advance(done - seen)
        seen = done

    dataset = open_dataset(
        Path(data),
        text=config.text,
        label=config.label,
        group=config.group,
        allow_leaks=config.allow_leaks,
        seed=config.seed,
        multilabel=config.multilabel,
        progress=inspected,
    )
    if seen:
        tell.finish()
    return dataset


def _result(directory: Path, run: Run) -> TrainResult:
    return TrainResult(directory, int(run.metrics["best_epoch"]), run.metrics)


class _Session:
    """What the steps of one training share."""

    def __init__(
        self, accelerator: Any, dataset: Dataset, directory: Path, config: TrainConfig, tell: TrainProgress
    ) -> None:
        import torch

        self.accelerator = accelerator
        self.dataset = dataset
        self.directory = directory
        self.config = config
        self.tell = tell
        # torch counts the machine's cores; a container's share may be smaller, and threads over it wait for each other.
        torch.set_num_threads(min(torch.get_num_threads(), available_cpus()))
        # On a GPU a resumed training equals an unbroken one only with convolutions that add in a fixed order.
        torch.backends.cudnn.deterministic = True
        torch.manual_seed(config.seed)
        self.items: dict[str, Items] = {name: items_of(split) for name, split in dataset.splits.items()}
        self.learner = make_learner(Setting(accelerator, dataset, self.items, directory, config, tell))
        for note in self.learner.weights.notes:
            tell.note(note)

    def train(self) -> TrainResult:
        """Run all steps."""
        started = time.monotonic()
        inputs = self.learner.inputs()
        parts = {name: self._part(name, inputs[name]) for name in ("train", "val")}
        loop = Loop(
            self.accelerator,
            self.learner.trained,
            parts,
            labels=self.dataset.labels,
            config=self.config,
            directory=self.directory,
            progress=self.tell,
            regimen=self.learner.regimen,
        )
        done = loop.run()
        self._take_best(done)
        self.accelerator.wait_for_everyone()
        test = self._test()
        if self.accelerator.is_main_process:
            self._finish(done, test, time.monotonic() - started)
        self.accelerator.wait_for_everyone()
        return _result(self.directory, read_run(self.directory))

    def _part(self, split: str, inputs: Batches) -> Part:
        targets = self.learner.targets(split)
        if not self.dataset.tagged:
            return Part(inputs, targets)
        return Part(inputs, targets, (targets.shape[1], outside_of(self.dataset.labels)))

    def _take_best(self, done: Progress) -> None:
        """Put the best epoch's weights into the network."""
        from safetensors.torch import load_file

        assert done.best_epoch is not None
        self.learner.trained.load_state_dict(load_file(best_weights_file(self.directory, done.best_epoch)))
        self.module = self.learner.finished()

    def _test(self) -> "tuple[Tensor, Tensor] | None":
        """Return the targets and the logits of test."""
        if "test" not in self.items:
            self.tell.note("no test split: nothing can be said about items that played no part in the training")
            return None
        part = self._part("test", self.learner.test_inputs())
        self.tell.start("test", len(part.inputs))
        logits = predict(self.accelerator, self.learner.quick(), part.inputs, self.tell, words=part.words)
        self.tell.finish()
        return part.targets, logits

    def _finish(self, done: Progress, test: "tuple[Tensor, Tensor] | None", seconds: float) -> None:
        """Write weights, run and report, the run last: where it stands, everything stands."""
        save_tensors(self.directory / WEIGHTS_FILE, dict(self.module.state_dict()), {"format": "pt"})
        self.learner.save()
        assert done.best_epoch is not None
        best = done.history[done.best_epoch - 1]
        metrics: dict[str, Any] = {
            "best_epoch": done.best_epoch,
            "epochs": done.epoch,
            "seconds": round(seconds, 1),
            "val": {name.removeprefix("val_"): value for name, value in best.items() if name.startswith("val_")},
        }
        summary: AccuracySummary | None = None
        mistakes: list[Mistake] = []
        if test is not None:
            summary, mistakes = self._summary(*test)
            metrics["test"] = summary.to_dict()
        run = self._run(metrics)
        write_report(self.directory, run, done.history, summary, mistakes)
        write_run(self.directory, run)
        if summary is not None:
            record_test_opening(self.directory, self.dataset.fingerprints["test"])
        remove_leftovers(self.directory)

    def _summary(self, targets: "Tensor", logits: "Tensor") -> tuple[AccuracySummary, list[Mistake]]:
        labels = self.dataset.labels
        if self.dataset.tagged:
            tags, said = as_words(targets, logits)
            texts = [str(text) for text in self.learner.shown("test")]
            mistakes = worst_tags(texts, tags, said, labels, self.learner.words)
            return summarize(tags, said, labels, self.dataset.splits["test"].groups), mistakes
        truth = (targets.bool() if self.config.multilabel else targets).numpy()
        mistakes = worst_mistakes(self.learner.shown("test"), truth, logits.numpy(), labels)
        return summarize(truth, logits.numpy(), labels), mistakes

    def _run(self, metrics: dict[str, Any]) -> Run:
        import hashlib

        with (self.directory / WEIGHTS_FILE).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        record = read_scrub_record(self.dataset.path)
        return Run(
            architecture=self.learner.architecture,
            labels=self.dataset.labels,
            task=self.learner.task,
            preprocessing=self.learner.contract,
            data=DataReference(
                str(self.dataset.path),
                self.dataset.fingerprints,
                self.dataset.options,
                record.to_dict() if record else None,
            ),
            config=self.config.to_dict(),
            metrics=metrics,
            weights_source=self.learner.weights.to_dict(),
            weights_sha256=digest,
            network=self.learner.network,
        )
