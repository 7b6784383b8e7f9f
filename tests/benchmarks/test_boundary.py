"""Every way a command can end, and the line and exit code that the user sees."""

import json
import os
import subprocess
import sys

import click
import pytest

from edge_benchmarks.cli.boundary import run_command
from edge_runtime.errors import (
    EdgeError,
    ExitCode,
    InputError,
    RefusedError,
)


def command_that(raises: BaseException | type[BaseException]) -> click.Command:
    @click.command("do")
    @click.option("--count", type=int)
    @click.option("--json", is_flag=True)
    @click.argument("files", nargs=-1)
    def do(**_: object) -> None:
        raise raises

    return do


ERRORS = pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("photo.jpg: not an image\nat all"), ExitCode.INPUT),
        (RefusedError("slower"), ExitCode.REFUSED),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (PermissionError(13, "Permission denied", "out.edge"), ExitCode.INPUT),
        (MemoryError(), ExitCode.INPUT),
        (ModuleNotFoundError("No module named 'rich'", name="rich"), ExitCode.INPUT),
    ],
)


@ERRORS
def test_an_error_is_one_line_and_its_code(error, code, capsys):
    assert run_command(command_that(error), [], "edge") == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip().startswith("error: ")
    assert captured.err.strip().count("\n") == 0
    if isinstance(error, EdgeError):
        assert str(error).split("\n")[0] in captured.err


@ERRORS
def test_with_json_an_error_is_one_document_too(error, code, capsys):
    assert run_command(command_that(error), ["--json"], "edge") == code
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document == {"error": captured.err.strip().removeprefix("error: "), "exit_code": code}


def test_with_json_a_usage_error_is_a_document(capsys):
    command = command_that(RefusedError)
    assert run_command(command, ["--json", "--count", "many"], "edge do") == ExitCode.USAGE
    captured = capsys.readouterr()
    assert json.loads(captured.out)["exit_code"] == ExitCode.USAGE
    assert "'many'" in json.loads(captured.out)["error"]
    assert run_command(command, ["--count", "many", "--", "--json"], "edge do") == ExitCode.USAGE
    assert capsys.readouterr().out == ""


def test_with_json_nothing_follows_a_document_that_was_printed(capsys):
    command = click.Command("refuse", callback=lambda json: click.echo("{}") or ExitCode.REFUSED)
    command.params.append(click.Option(["--json"], is_flag=True))
    assert run_command(command, ["--json"], "edge") == ExitCode.REFUSED
    assert capsys.readouterr().out == "{}\n"


@pytest.mark.parametrize(("arguments", "expected"), [([], b"M\\xfcll\n"), (["--json"], "M\u00fcll\n".encode())])
def test_a_label_that_the_terminal_cannot_show_is_escaped(arguments, expected):
    program = (
        "import sys, click\nfrom edge_benchmarks.cli.boundary import run_command\n"
        "c = click.Command('say', callback=lambda json: print('M\\u00fcll'))\n"
        "c.params.append(click.Option(['--json'], is_flag=True))\n"
        "sys.exit(run_command(c, prog_name='edge'))"
    )
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    process = subprocess.run(
        [sys.executable, "-c", program, *arguments], check=False, capture_output=True, env=environment
    )
    assert (process.returncode, process.stderr) == (0, b"")
    assert process.stdout.replace(b"\r", b"") == expected


def test_a_usage_error_is_2_and_shows_the_usage(capsys):
    assert run_command(command_that(RefusedError), ["--count", "many"], "edge do") == ExitCode.USAGE
    assert "Usage: edge do" in capsys.readouterr().err


def test_a_bug_writes_its_traceback_to_a_log_whose_path_is_printed(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run_command(command_that(ZeroDivisionError("division")), [], "edge do") == ExitCode.BUG
    (log,) = tmp_path.iterdir()
    line = capsys.readouterr().err
    assert str(log) in line and line.strip().count("\n") == 0
    assert "Traceback" in log.read_text()


def test_a_command_may_return_its_code():
    @click.command()
    @click.pass_context
    def refused(context: click.Context) -> None:
        context.exit(ExitCode.REFUSED)

    assert run_command(refused, [], "edge") == ExitCode.REFUSED
    assert run_command(click.Command("quiet", callback=lambda: None), [], "edge") == 0
    assert run_command(click.Command("help", callback=lambda: None), ["--help"], "edge") == 0


def test_a_reader_that_leaves_early_is_no_error():
    program = (
        "import sys, click\nfrom edge_benchmarks.cli.boundary import run_command\n"
        "c = click.Command('many', callback=lambda: [click.echo('line') for _ in range(100_000)] and None)\n"
        "sys.exit(run_command(c, [], 'edge'))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_the_boundary_imports_no_numpy():
    check = "import sys, edge_benchmarks.cli.boundary; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
