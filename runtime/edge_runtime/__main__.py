"""`python -m edge_runtime BUNDLE INPUT...`: print each input's label and score."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from edge_runtime import __version__
from edge_runtime.errors import EdgeError, ExitCode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m edge_runtime", description="Answer images or texts with an edge bundle."
    )
    parser.add_argument("bundle", help="a bundle: directory or .edge file")
    parser.add_argument("inputs", nargs="+", metavar="input", help="an image file, or a text")
    parser.add_argument("--json", action="store_true", help="print one JSON list instead of lines")
    parser.add_argument("--device", choices=("cpu", "cuda", "auto"), default="cpu", help="where to run (default: cpu)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: all that this process may use)")
    parser.add_argument("--variant", help="variant by name (default: the first one for the device)")
    parser.add_argument("--sha256", help="digest of the manifest that the bundle must have")
    parser.add_argument("--version", action="version", version=f"edge-runtime {__version__}")
    return parser


def _run(arguments: argparse.Namespace) -> None:
    from edge_runtime.loading import load

    model = load(
        arguments.bundle,
        device=arguments.device,
        threads=arguments.threads,
        variant=arguments.variant,
        sha256=arguments.sha256,
    )
    answers = zip(arguments.inputs, model.predict(arguments.inputs), strict=True)
    if arguments.json:
        document = [{"input": path, **answer.to_dict()} for path, answer in answers]
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return
    for path, answer in answers:
        numbers = () if answer.embedding is None else answer.embedding[:8].tolist()
        told = " ".join(f"{number:.4f}" for number in numbers) or f"{answer.label}\t{answer.score:.6f}"
        sys.stdout.write(f"{path}\t{told}\n")


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    sys.stderr.write(f"warning: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line, answer, and return the exit code."""
    arguments = _parser().parse_args(argv)
    warnings.showwarning = _show_warning
    try:
        _run(arguments)
    except EdgeError as error:
        sys.stderr.write(f"error: {error}\n")
        return int(error.exit_code)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    return int(ExitCode.OK)


if __name__ == "__main__":
    sys.exit(main())
