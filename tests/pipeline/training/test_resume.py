"""A training that was killed ends like one that was not, to the bit."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from edge_export.run import read_run
from edge_pipeline.data import Dataset
from edge_pipeline.training import TrainConfig, train
from edge_pipeline.training.progress import Silent
from edge_runtime.errors import InputError


class Stop(Exception):  # noqa: N818 - stands for a kill, not for an error
    pass


class StopAfter(Silent):
    """Ends the training the hard way once `count` items were worked on."""

    def __init__(self, count: int) -> None:
        self._left = count

    def advance(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise Stop


@pytest.mark.parametrize(
    "choices",
    [
        {"freeze": "none"},
        {"freeze": "backbone", "optimizer": "sgd"},
        {"freeze": "stages:3", "precision": "bf16"},
    ],
    ids=lambda choices: choices["freeze"],
)
def test_resumed_equals_unbroken(choices: dict[str, Any], dataset: Dataset, tiny: TrainConfig, tmp_path: Path) -> None:
    config = replace(tiny, **choices, epochs=4)
    train(dataset, tmp_path / "whole", config)
    broken = tmp_path / "broken"
    # Without freezing: in the first epoch, the second, the third, and while the test images are read. With it: while
    # the features of train are computed, those of val, in the first epoch, and in the third.
    for count in (10, 150, 130, 230):
        with pytest.raises(Stop):
            train(dataset, broken, config, resume=broken.exists(), progress=StopAfter(count))
    train(dataset, broken, config, resume=True)
    assert read_run(broken).weights_sha256 == read_run(tmp_path / "whole").weights_sha256
    assert read_run(broken).metrics["test"] == read_run(tmp_path / "whole").metrics["test"]


def test_resuming_a_finished_run_leaves_it(dataset: Dataset, tiny: TrainConfig, tmp_path: Path) -> None:
    config = replace(tiny, epochs=1)
    first = train(dataset, tmp_path / "run", config)
    before = (tmp_path / "run" / "run.json").stat().st_mtime_ns
    assert train(dataset, tmp_path / "run", config, resume=True).metrics == first.metrics
    assert (tmp_path / "run" / "run.json").stat().st_mtime_ns == before


def test_resume_refuses_another_configuration(dataset: Dataset, tiny: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        train(dataset, tmp_path / "run", tiny, progress=StopAfter(10))
    with pytest.raises(InputError, match=r"--learning-rate was 0\.005, now 0\.1"):
        train(dataset, tmp_path / "run", replace(tiny, learning_rate=0.1), resume=True)


def test_resume_refuses_a_damaged_checkpoint(dataset: Dataset, tiny: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        train(dataset, tmp_path / "run", tiny, progress=StopAfter(200))
    checkpoint = tmp_path / "run" / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(InputError, match="cannot be resumed from"):
        train(dataset, tmp_path / "run", tiny, resume=True)


_COMMAND = """
import sys
from edge_pipeline.cli import main
main()
"""
_ONE_CHECKPOINT = """
import time
from edge_pipeline.training import loop
write = loop.write_checkpoint
def write_and_wait(*given):
    write(*given)
    time.sleep(600)
loop.write_checkpoint = write_and_wait
"""
"""Before the command: a training that goes no further than its first checkpoint, however late the kill comes."""


def _command(digits: Path, run: Path, config: TrainConfig, *more: str) -> list[str]:
    options = [
        "--model", config.model, "--weights", "none", "--size", str(config.size), "--epochs", str(config.epochs),
        "--batch-size", "16", "--learning-rate", "0.005", "--workers", "0", "--precision", "fp32",
    ]  # fmt: skip
    return [sys.executable, "-c", _COMMAND, "train", str(digits), "-o", str(run), *options, *more]


def _kill_once(command: list[str], run: Path, delay: float | None) -> None:
    """Start the training and kill it: after the first checkpoint, or after `delay` seconds."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if delay is not None:
            time.sleep(delay)
        while delay is None and process.poll() is None and not (run / "checkpoint.safetensors").exists():
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _digest(run: Path) -> str:
    return str(json.loads((run / "run.json").read_text())["weights_sha256"])


def test_a_killed_process_resumes_to_the_same_weights(digits: Path, tiny: TrainConfig, tmp_path: Path) -> None:
    config = replace(tiny, epochs=5)
    broken = tmp_path / "broken"
    python, dash_c, code, *arguments = _command(digits, broken, config)
    _kill_once([python, dash_c, _ONE_CHECKPOINT + code, *arguments], broken, delay=None)
    assert not (broken / "run.json").exists()
    # Nothing but --resume need be said again.
    again = [sys.executable, "-c", _COMMAND, "train", str(digits), "-o", str(broken), "--resume", "--json"]
    result = subprocess.run(again, check=True, capture_output=True, text=True)
    assert json.loads(result.stdout)["metrics"]["epochs"] == 5
    assert "going on after epoch" in result.stderr
    train(digits, tmp_path / "whole", config)
    assert _digest(broken) == _digest(tmp_path / "whole")


def test_two_processes_train_as_one(digits: Path, tiny: TrainConfig, tmp_path: Path) -> None:
    """Only the batch statistics of unfrozen layers may depend on how many processes share a step."""
    command = _command(digits, tmp_path / "two", tiny, "--freeze", "backbone")
    script = tmp_path / "command.py"
    script.write_text(_COMMAND, encoding="utf-8")
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", str(script)]
    subprocess.run([*launch, *command[3:]], check=True, capture_output=True)
    train(digits, tmp_path / "one", replace(tiny, freeze="backbone"))
    one, two = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "two"))
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_twenty_random_kills(digits: Path, tiny: TrainConfig, tmp_path: Path) -> None:
    config = replace(tiny, epochs=40, patience=None)
    options = ("--patience", "1000")
    config = replace(config, patience=1000)
    started = time.monotonic()
    subprocess.run(_command(digits, tmp_path / "whole", config, *options), check=True, capture_output=True)
    seconds = time.monotonic() - started
    moments = random.Random(0)
    for number in range(20):
        broken = tmp_path / str(number)
        _kill_once(_command(digits, broken, config, *options), broken, moments.uniform(0.1, 1.0) * seconds)
        resume = ["--resume"] if broken.exists() and any(broken.iterdir()) else []
        subprocess.run(_command(digits, broken, config, *options, *resume), check=True, capture_output=True)
        assert _digest(broken) == _digest(tmp_path / "whole")


@pytest.mark.skipif(os.name != "posix", reason="SIGINT to another process")
def test_an_interrupt_says_how_to_go_on(digits: Path, tiny: TrainConfig, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = _command(digits, run, replace(tiny, epochs=500), "--patience", "1000")
    # A shell's background job ignores SIGINT, and so would whatever it starts.
    listens = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, preexec_fn=listens, **pipes) as process:  # noqa: PLW1509 - nothing else does it
        try:
            while process.poll() is None and not (run / "checkpoint.safetensors").exists():
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 130
    assert f"edge train {digits} -o {run} --resume" in stderr
    assert "Traceback" not in stderr
