"""Help is quick: no command's help imports a heavy library, and the process takes little more than importing click."""

import subprocess
import sys
import time

import pytest

from edge_pipeline.cli import COMMANDS

HEAVY = ("torch", "onnx", "onnxruntime", "numpy", "scipy", "timm", "torchvision", "matplotlib", "PIL", "rich")

LOADED = """
import sys
sys.argv = ["edge", *sys.argv[1:]]
from edge_pipeline.cli import main
try:
    main()
except SystemExit:
    pass
print("LOADED", *sorted(set(sys.modules) & set({heavy})))
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)], ids=" ".join
)
def test_no_heavy_import(arguments):
    code = LOADED.format(heavy=HEAVY)
    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "LOADED"
    assert len(result.stdout.splitlines()) > 1


def test_help_takes_at_most_three_times_importing_click():
    """Compare medians of runs in turn, so that a busy machine slows both."""

    def once(*arguments: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start

    ratios = sorted(once("-m", "edge_pipeline", "--help") / once("-c", "import click") for _ in range(9))
    assert ratios[4] <= 3.0, f"median ratio {ratios[4]:.2f} of {ratios}"
