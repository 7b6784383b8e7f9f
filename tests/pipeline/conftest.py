"""Commands, run as a user runs them."""

import pytest

from edge_benchmarks.cli.boundary import run_command
from edge_pipeline.cli import edge


@pytest.fixture
def run(capsys):
    """Run `edge` in this process; gives exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run_command(edge, [str(argument) for argument in arguments], prog_name="edge")
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
