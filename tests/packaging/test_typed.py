"""The runtime's types as a host sees them: the installed wheel, checked strictly by mypy and by pyright."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = '''\
"""A host that uses what the runtime exports."""

from pathlib import Path

import numpy as np

import edge_runtime
from edge_runtime import EdgeError, InputError, Model, ModelSlot, Monitor, Prediction, SelfTestReport


def main(path: Path, frame: "np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]") -> int:
    model: Model = edge_runtime.load(path, device="auto", threads=1, sha256="0" * 64)
    reveal_type(model.predict(path))
    reveal_type(model.predict(b"bytes"))
    reveal_type(model.predict(frame, color="bgr"))
    reveal_type(model.predict([path, b"bytes"]))
    reveal_type(model.predict((frame, frame), color="rgb"))
    reveal_type(model.predict(frame).top(3))
    reveal_type(model.predict(frame).score)
    report: SelfTestReport = edge_runtime.selftest(model)
    report.raise_for_failures()
    monitor = Monitor()
    slot = ModelSlot(path, threads="shared", latency_budget_ms=50.0, on_prediction=monitor.add)
    try:
        reveal_type(slot.replace(path, sha256="0" * 64))
        reveal_type(slot.predict(path))
        reveal_type(slot.predict([path]))
    except InputError as error:
        reveal_type(error.exit_code)
    except EdgeError:
        slot.rollback()
    answers: list[Prediction] = slot.model.predict([frame])
    return len(answers) + len(monitor.snapshot())
'''
REVEALED = [
    "Prediction",
    "Prediction",
    "Prediction",
    "list[Prediction]",
    "list[Prediction]",
    "list[tuple[str, float]]",
    "float",
    "bool",
    "Prediction",
    "list[Prediction]",
    "ExitCode",
]
WRONG = [
    ("edge_runtime.load('a', device='tpu')", "device"),
    ("edge_runtime.load('a', threads='2')", "threads"),
    ("edge_runtime.load('a').predict(3)", "predict"),
    ("edge_runtime.load('a').predict(['a']).label", "label"),
    ("edge_runtime.ModelSlot('a', on_prediction=3)", "on_prediction"),
]
"""Lines that a type checker must refuse, and what it must speak of."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside the checkout with a client, and with lines that are wrong."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "client.py").write_text(CLIENT)
    (folder / "wrong.py").write_text("import edge_runtime\n" + "".join(f"{line}\n" for line, _ in WRONG))
    return folder


def short(name: str) -> str:
    """Return a type without the modules of its names, as both checkers' texts differ in them."""
    return re.sub(r"\b[a-z_]+(\.[a-z_]+)*\.(?=\w)", "", name)


def mypy(host: Path, python: Path, file: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "--cache-dir", "cache"]
    result = subprocess.run([*command, file], cwd=host, capture_output=True, text=True, check=False, timeout=240)
    return result.returncode, result.stdout + result.stderr


def pyright(host: Path, python: Path, file: str) -> list[dict]:
    (host / "pyrightconfig.json").write_text(json.dumps({"include": [file], "typeCheckingMode": "strict"}))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", str(python)]
    result = subprocess.run(command, cwd=host, capture_output=True, text=True, check=False, timeout=240)
    return json.loads(result.stdout)["generalDiagnostics"]


def test_mypy(host, bare_python):
    code, output = mypy(host, bare_python, "client.py")
    assert code == 0, output
    assert [short(name) for name in re.findall(r'Revealed type is "(.*)"', output)] == REVEALED
    code, output = mypy(host, bare_python, "wrong.py")
    refused = set(re.findall(r"wrong.py:(\d+): error", output))
    assert refused == {str(at + 2) for at in range(len(WRONG))}, output


def test_pyright(host, bare_python):
    found = pyright(host, bare_python, "client.py")
    assert [item["message"] for item in found if item["severity"] != "information"] == []
    types = [re.search(r'is "(.*)"$', item["message"]) for item in found]
    assert [short(match[1]) for match in types if match] == REVEALED
    found = pyright(host, bare_python, "wrong.py")
    errors = [(item["range"]["start"]["line"], item["message"]) for item in found if item["severity"] == "error"]
    for at, (line, word) in enumerate(WRONG):
        assert any(row == at + 1 and word in message for row, message in errors), (line, errors)
