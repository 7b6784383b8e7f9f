"""Whole exports, from the sample data to a judged bundle, by the commands that a user types."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

EDGE = [sys.executable, "-m", "edge_pipeline"]


def run(*arguments: object, cache: Path | None = None) -> dict[str, Any]:
    """Run `edge ...` and return its seconds, peak resident memory and, with --json, its document.

    Args:
        arguments: Words of the command.
        cache: Directory of what it remembers, instead of the user's own.
    """
    command = [*EDGE, *map(str, arguments)]
    click.echo(f"$ edge {' '.join(map(str, arguments))}", err=True)
    start = time.monotonic()
    environment = os.environ | ({"EDGE_CACHE_DIR": str(cache)} if cache else {})
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    figures: dict[str, Any] = {
        "exit_code": process.returncode,
        "seconds": round(time.monotonic() - start, 1),
        "peak_rss_mb": round(usage.ru_maxrss / 1024),
    }
    if "--json" in arguments and output:
        figures["document"] = json.loads(output)
    return figures


def mnist(folder: Path) -> dict[str, Any]:
    """Take the way of `make demo`."""
    data, trained, bundle = folder / "data", folder / "run", folder / "mnist.edge"
    stages = {
        "sample": run("sample", "mnist", data),
        "train": run("train", data, "-o", trained, "--preset", "quick"),
        "export": run("export", trained, "--quantize", "int8", "-o", bundle, "--json"),
        "eval": run("eval", bundle, data, "--split", "test", "--json"),
    }
    return {"title": "EfficientNet-Lite0, MNIST (224 px)", "stages": stages}


def fashion(folder: Path) -> dict[str, Any]:
    """Fine-tune the head on all of Fashion-MNIST, official test split."""
    data, trained, bundle = folder / "data", folder / "run", folder / "fashion.edge"
    train = ["--freeze", "backbone", "--epochs", "10", "--batch-size", "256"]
    stages = {
        "sample": run("sample", "fashion", data),
        "train": run("train", data, "-o", trained, *train),
        "export": run("export", trained, "--quantize", "int8", "-o", bundle, "--json"),
        "eval": run("eval", bundle, data, "--split", "test", "--json"),
    }
    return {"title": "EfficientNet-Lite0, frozen backbone, Fashion-MNIST (224 px)", "stages": stages}


EXPORTS: dict[str, Callable[[Path], dict[str, Any]]] = {"mnist": mnist, "fashion": fashion}


def measure_export(name: str) -> dict[str, Any]:
    """Take one whole way in a folder of its own and return what it printed."""
    folder = Path(tempfile.mkdtemp(prefix=f"edge-{name}-"))
    try:
        return EXPORTS[name](folder)
    finally:
        shutil.rmtree(folder)
