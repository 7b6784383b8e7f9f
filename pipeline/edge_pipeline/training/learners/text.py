"""A text encoder of transformers with a fresh head: all of it is trained, or adapters, or the head alone."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.run import TOKENIZER_FILE
from edge_export.sessions import Reader
from edge_pipeline.models.adapters import add_adapters, add_adaptive_adapters, keep_adapters, merge_adapters
from edge_pipeline.models.encoders import Encoder, load_encoder
from edge_pipeline.models.freezing import head_input
from edge_pipeline.models.scratch import SCRATCH, scratch_encoder
from edge_pipeline.training.directory import ADAPTERS_FOLDER, FEATURES_FOLDER
from edge_pipeline.training.evaluate import answers
from edge_pipeline.training.features import features_key, store_features, stored_features
from edge_pipeline.training.learners.interface import Setting
from edge_pipeline.training.loader import Batches, Share
from edge_pipeline.training.rank_budget import RankBudget
from edge_pipeline.training.tokens import IGNORED, TokenTargets
from edge_runtime.errors import InputError
from edge_runtime.manifest import Task
from edge_runtime.preprocessing.interface import Join
from edge_runtime.tasks import TASKS
from edge_runtime.text import TextPreprocessor

if TYPE_CHECKING:
    from torch import Tensor, nn

HEAD = "head.linear"
"""The trained layer of a head, in the network."""
IMAGE_CHOICES = ("size", "train_size", "region")
"""Choices that mean nothing to texts."""


class TextLearner:
    """See `Learner`."""

    def __init__(self, setting: Setting) -> None:
        self._setting, config = setting, setting.config
        self.task: Task = _task(setting)
        self._encoder = encoder = _encoder(setting, self.task)
        self.architecture = encoder.architecture
        self.contract = replace(encoder.contract, truncation=config.truncation or encoder.contract.truncation)
        self.weights = encoder.weights
        self.network: dict[str, Any] = encoder.document
        self._preprocess = TextPreprocessor(self.contract, encoder.tokenizer)
        self._whole = encoder.network
        self.regimen = self._adapt()
        self._whole.to(setting.accelerator.device)
        self.trained = self._whole if config.freeze == "none" else self._head()
        if config.adapters:
            total, learned = _count(self.trained)
            setting.tell.note(f"adapters of rank {config.adapters}: {learned:,} of {total:,} parameters are trained")

    def _adapt(self) -> RankBudget | None:
        """Put adapters around the encoder, if they are asked for."""
        config = self._setting.config
        if config.lora is not None:
            self._whole.encoder = add_adapters(self._whole.encoder, config.lora)
        if config.adalora is None:
            return None
        items = len(self._batches("train"))
        steps = config.epochs * (items // min(items, config.batch_size))
        self._whole.encoder = add_adaptive_adapters(self._whole.encoder, config.adalora, steps)
        return RankBudget(self._whole.encoder)

    def _head(self) -> "nn.Module":
        """Freeze all but the head, and return that."""
        self._whole.requires_grad_(False)
        return self._whole.get_submodule(HEAD).requires_grad_(True)

    def inputs(self) -> dict[str, Batches]:
        """Return token numbers, or what the head sees of them."""
        found: dict[str, Batches] = {}
        for split in ("train", "val"):
            batches = self._batches(split)
            if longer := batches.longer:
                self._setting.tell.note(
                    f"{split}: {longer:,} of {len(batches.windows):,} texts have {self.contract.max_length} tokens or "
                    f"more, and {self._longer(batches)}"
                )
            found[split] = batches if self._setting.config.freeze == "none" else self._features(split, batches)
        return found

    def _longer(self, batches: "TextBatches") -> str:
        if self.contract.truncation == "end":
            return "what is more is cut; --max-length takes more, --truncation window all of it"
        return f"all are read in {sum(batches.windows):,} windows"

    def _features(self, split: str, batches: "TextBatches") -> Batches:
        """Return what the head sees, computed once, from the run's folder where a broken training left it."""
        import torch

        setting, folder = self._setting, self._setting.directory / FEATURES_FOLDER
        accelerator = setting.accelerator
        key = features_key(
            data=setting.dataset.splits[split].fingerprint, texts=setting.items[split].inputs, model=self.network,
            weights=self.weights.to_dict(), contract=self.contract.to_dict(), precision=accelerator.mixed_precision,
        )  # fmt: skip
        if (stored := stored_features(folder, split, key)) is not None:
            return stored
        trunk = head_input(self._whole, HEAD).eval()

        def compute(ids: "Tensor") -> "Tensor":
            with torch.inference_mode(), accelerator.autocast():
                # A window's logits are a product with its features: joined before it, they give the same.
                return answers(trunk, batches, ids, accelerator.device)

        share = Share(accelerator.process_index, accelerator.num_processes)
        setting.tell.start(f"features of {split}", len(batches))
        made = store_features(
            folder, split, key, batches, compute, half=accelerator.mixed_precision != "no", share=share,
            wait=accelerator.wait_for_everyone, advance=lambda count: setting.tell.advance(count * share.count),
        )  # fmt: skip
        setting.tell.finish()
        return made

    @lru_cache(maxsize=3)  # noqa: B019 - one learner a process, which needs them to its end
    def _batches(self, split: str) -> "TextBatches":
        texts = self._setting.items[split].inputs
        try:
            return TextBatches(texts, self._preprocess, TASKS[self.task].join, apart=split == "train")
        except InputError as error:
            raise InputError(f"{split}: {error}") from error

    def targets(self, split: str) -> "Tensor":
        """Return class numbers, zeros and ones, or the tags of tokens."""
        import torch

        items, labels, batches = self._setting.items[split], self._setting.dataset.labels, self._batches(split)
        if self.task != "text-tokens":
            targets = items.targets(len(labels), self._setting.config.multilabel)
            return targets.repeat_interleave(torch.tensor(batches.windows), dim=0) if batches.apart else targets
        made = TokenTargets(items.inputs, items.labels, self._preprocess, labels)
        for note in made.notes(split):
            self._setting.tell.note(note)
        return torch.from_numpy(batches.targets(made) if batches.apart else made.rows)

    def test_inputs(self) -> Batches:
        """Return token numbers."""
        return self._batches("test")

    def finished(self) -> "nn.Module":
        """Return the network, adapters merged into its weights."""
        config = self._setting.config
        if config.keep_adapters and self._setting.accelerator.is_main_process:
            keep_adapters(self._whole.encoder, self._setting.directory / ADAPTERS_FOLDER)
        if config.adapters:
            self._whole.encoder = merge_adapters(self._whole.encoder)
        return self._whole

    def quick(self) -> "nn.Module":
        """Return the network."""
        return self._whole

    def save(self) -> None:
        """Write the tokenizer."""
        (self._setting.directory / TOKENIZER_FILE).write_bytes(self._encoder.tokenizer)

    def shown(self, split: str) -> Sequence[Path | str]:
        """Return the texts."""
        return self._setting.items[split].inputs

    def words(self, text: str) -> Sequence[tuple[int, int]]:
        """Return the characters of a text's words."""
        return self._preprocess.trace(text).spans


def _task(setting: Setting) -> Task:
    """Return what is learned.

    Raises:
        InputError: a choice means nothing to it.
    """
    config, path = setting.config, setting.dataset.path
    for name in IMAGE_CHOICES:
        if getattr(config, name) is not None:
            raise InputError(f"--{name.replace('_', '-')} is for images, and {path} holds texts")
    if config.freeze not in ("none", "backbone") or (config.freeze != "none" and config.adapters):
        raise InputError(
            f"--freeze {config.freeze}: of a text encoder all is trained (none), the head (backbone), or adapters "
            "(--lora RANK, --adalora RANK)"
        )
    if config.task is not None and (config.task == "tokens") != setting.dataset.tagged:
        has, gives = ("spans", "they ask for tokens") if setting.dataset.tagged else ("no spans", "tokens need them")
        raise InputError(f"--task {config.task}: {path} has {has}; {gives}")
    if not setting.dataset.tagged:
        if config.multilabel and config.freeze != "none" and config.truncation == "window":
            raise InputError(
                "--truncation window: of several labels the largest of the windows' logits count, which a "
                "frozen encoder's features cannot tell; leave out --freeze"
            )
        return "text-multilabel" if config.multilabel else "text-classification"
    if config.freeze != "none" or config.multilabel or config.pooling:
        raise InputError(f"{path}: has spans; leave out --freeze, --multilabel and --pooling")
    return "text-tokens"


def _encoder(setting: Setting, task: Task) -> Encoder:
    """Load the encoder, or make one."""
    config, labels = setting.config, setting.dataset.labels
    if config.model != SCRATCH:
        return load_encoder(config.model, labels, config.max_length, task=task, pooling=config.pooling)
    if config.freeze != "none" or config.adapters:
        raise InputError(
            f"--model {SCRATCH}: has learned nothing to build on; leave out --lora, --adalora and --freeze"
        )
    texts = setting.items["train"].inputs
    return scratch_encoder(texts, labels, config.max_length, task=task, pooling=config.pooling)


def _count(module: "nn.Module") -> tuple[int, int]:
    """Return how many parameters there are, and how many of them are trained."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in module.parameters()]
    return sum(size for size, _ in sizes), sum(size for size, learned in sizes if learned)


class TextBatches:
    """Texts as token numbers, padded to the longest of their batch.

    Args:
        texts: Of one split.
        preprocess: The contract.
        join: What becomes of the answers to one text's windows.
        apart: Each window of a long text is an item of its own, as a model learns from it.

    Raises:
        InputError: the contract refuses a text.
    """

    def __init__(self, texts: Sequence[str], preprocess: TextPreprocessor, join: Join, *, apart: bool) -> None:
        self._preprocess, contract = preprocess, preprocess.contract
        whole = [_row(preprocess, at, text) for at, text in enumerate(texts)]
        self._whole = [len(row) for row in whole]
        parts = [preprocess.rows(row) for row in whole]
        self.windows = [len(rows) for rows in parts]
        """Of each text."""
        self.apart = apart and sum(self.windows) > len(texts)
        self._rows = [row for rows in parts for row in rows] if self.apart else whole
        self.lengths: Sequence[int] | None = [len(row) for row in self._rows]
        self.longer = sum(length >= contract.max_length for length in self._whole)
        self.in_windows: Reader | None = None
        if sum(self.windows) > len(self._rows):
            self.in_windows = lambda batch, run: preprocess.ask(batch, run, join)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._rows)

    def read(self, batches: Sequence[Sequence[int]], epoch: int | None) -> "Iterator[Tensor]":
        """Yield `(n, length)` int64 batches; they are the same in every epoch."""
        import torch

        for batch in batches:
            yield torch.from_numpy(self._preprocess.stack([self._rows[index] for index in batch]))

    def targets(self, made: TokenTargets) -> NDArray[np.int64]:
        """Return the `(n, max_length)` targets of windows from those of whole texts."""
        length = self._preprocess.contract.max_length
        cut = [
            window
            for row, tokens in zip(made.rows, self._whole, strict=True)
            for window in self._preprocess.rows(row[:tokens])
        ]
        return np.stack([np.pad(row, (0, length - len(row)), constant_values=IGNORED) for row in cut])


def _row(preprocess: TextPreprocessor, at: int, text: str) -> NDArray[np.int64]:
    try:
        return preprocess(text)
    except InputError as error:
        raise InputError(f"item {at + 1}, {error}; or --truncation end or window") from error
