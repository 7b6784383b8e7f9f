"""The one place where an exception becomes a line on stderr and an exit code, for `edge` and `edge-bench` alike."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from functools import partial
from itertools import takewhile

import click

from edge_runtime.errors import EdgeError, ExitCode

_REPORT_EXTRA = ("jinja2", "matplotlib", "rich", "scipy", "tomli")
"""Packages that an installation on a device may lack."""


def run_command(  # noqa: PLR0911 - one return for each way to end, in the order in which they must be tried
    command: click.Command, argv: Sequence[str] | None = None, prog_name: str | None = None
) -> int:
    """Run `command` and return the exit code of the process; nothing but `BaseException`s of others' making escapes.

    A command that ends normally gives 0, or the code that it returned or passed to `ctx.exit`. Results belong on
    stdout; what this function says goes to stderr, one line for anything that a user can mend. With `--json` among the
    arguments that line also goes to stdout as `{"error": ..., "exit_code": ...}`, so that stdout always holds one JSON
    document: a command that has printed its own returns its code and raises nothing.

    Args:
        command: The whole program.
        argv: Arguments without the program's name; `sys.argv[1:]` when None.
        prog_name: The name in usage lines.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in takewhile(lambda argument: argument != "--", arguments)
    _write_any_character(as_json)
    report = partial(_report, as_json=as_json)
    stdout = sys.stdout
    try:
        result = command.main(args=arguments, prog_name=prog_name, standalone_mode=False)
        sys.stdout.flush()
        return int(result) if isinstance(result, int) else ExitCode.OK
    except EdgeError as error:
        return report(str(error), error.exit_code)
    except click.ClickException as error:
        error.show()
        return _say_as_json(error.format_message(), error.exit_code) if as_json else error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return report("interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        return _reader_left()
    except SystemExit as stop:
        # click answers a broken pipe by muffling stdout and calling sys.exit(1) itself.
        return _reader_left() if sys.stdout is not stdout else _code_of(stop, as_json=as_json)
    except ModuleNotFoundError as error:
        if error.name not in _REPORT_EXTRA:
            return _report_bug(error, prog_name or command.name or "edge", arguments, as_json=as_json)
        return report(f"{error.name} is not installed; pip install 'edge-benchmarks[report]'", ExitCode.INPUT)
    except OSError as error:
        # A full disk, a missing permission, a name that does not exist: of the machine, so never a traceback.
        where = f": {error.filename}" if error.filename else ""
        return report(f"{error.strerror or error}{where}", ExitCode.INPUT)
    except MemoryError:
        return report("out of memory; close other programs, or give smaller inputs or batches", ExitCode.INPUT)
    except Exception as error:  # noqa: BLE001 - the boundary: whatever is left is a defect of ours
        return _report_bug(error, prog_name or command.name or "edge", arguments, as_json=as_json)


def _write_any_character(as_json: bool) -> None:
    """Let labels and paths that the terminal's encoding lacks come out escaped; JSON is UTF-8 whatever the locale."""
    for stream in (sys.stdout, sys.stderr):
        # Whoever hosts this may have put a stream of another kind here.
        if isinstance(stream, io.TextIOWrapper):
            encoding = "utf-8" if as_json and stream is sys.stdout else None
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _report(message: str, code: ExitCode, *, as_json: bool) -> int:
    click.echo(f"error: {_one_line(message)}", err=True)
    return _say_as_json(message, code) if as_json else code


def _say_as_json(message: str, code: int) -> int:
    import json

    try:
        click.echo(json.dumps({"error": _one_line(message), "exit_code": int(code)}, ensure_ascii=False))
    except OSError:
        _mute_stdout()  # it may be what the error is about: a full disk, a reader that left
    return code


def _report_bug(error: Exception, program: str, arguments: list[str], *, as_json: bool) -> int:
    path = _write_log(program, arguments)
    message = f"bug in edge: {type(error).__name__}: {error}; please report it with {path}"
    return _report(message, ExitCode.BUG, as_json=as_json)


def _one_line(message: str) -> str:
    return " ".join(message.split())


def _reader_left() -> ExitCode:
    # `edge inspect x | head -1` closes the pipe early.
    _mute_stdout()
    return ExitCode.OK


def _mute_stdout() -> None:
    """Send what is still buffered nowhere: Python would complain again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _code_of(stop: SystemExit, *, as_json: bool) -> int:
    if stop.code is None:
        return ExitCode.OK
    return stop.code if isinstance(stop.code, int) else _report(str(stop.code), ExitCode.INPUT, as_json=as_json)


def _write_log(program: str, arguments: list[str]) -> str:
    """Write the current traceback to a fresh file only this user can read, and return its path."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix=f"{program.split(maxsplit=1)[0]}-bug-", suffix=".log", delete=False
        ) as log:
            log.write(f"{program} {arguments!r}\nPython {sys.version}\n\n{traceback.format_exc()}")
            return log.name
    except OSError:
        traceback.print_exc()
        return "the traceback above"
