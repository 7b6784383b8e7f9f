"""What one sees of the package, what it imports, what it writes, and its command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import edge_runtime
from edge_runtime.__main__ import main

SLOW = (
    "importlib.metadata",
    "pathlib",
    "email",
    "socket",
    "tempfile",
    "shutil",
    "zipfile",
    "concurrent.futures",
    "asyncio",
)
"""Standard modules that take milliseconds to import."""
HEAVY = ("numpy", "onnxruntime", "PIL", "torch", "onnx", "scipy")


def _python(code: str, *arguments: str, **environment: str) -> str:
    """Run code in a process of its own; return what it printed, and let nothing on stderr pass."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


def test_all_is_what_one_sees() -> None:
    assert dir(edge_runtime) == sorted(edge_runtime.__all__)
    for name in edge_runtime.__all__:
        assert getattr(edge_runtime, name) is not None
    defined = {name for name in vars(edge_runtime) if not name.startswith("_") and name.islower()}
    modules = {name for name in defined if f"edge_runtime.{name}" in sys.modules}
    assert defined - modules - set(edge_runtime.__all__) <= {"annotations", "importlib", "os", "sys"}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        edge_runtime.nothing  # noqa: B018


@pytest.mark.parametrize(
    "module", ["edge_runtime", "edge_runtime.errors", "edge_runtime.manifest", "edge_runtime.bundle"]
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    assert _python(code).strip() == "[]"


def test_the_first_label_waits_for_nothing_slow(archive: Path, tmp_path: Path, make_picture: Any) -> None:
    photo = tmp_path / "a.jpg"
    make_picture(0).save(photo)
    own = [f"edge_runtime.{name}" for name in ("evidence", "golden", "slot", "monitoring")]
    seen = f"print(*[name for name in {[*SLOW, *own, 'PIL.PngImagePlugin']} if name in sys.modules])"
    base = _python(f"import sys, numpy, onnxruntime, PIL.JpegImagePlugin; {seen}").split()
    answer = "import sys, edge_runtime; edge_runtime.load(sys.argv[1], variant='cpu-fp32').predict(sys.argv[2])"
    assert _python(f"{answer}; {seen}", str(archive), str(photo)).split() == base


def test_no_module_has_the_name_of_a_function() -> None:
    """Importing `edge_runtime.x` binds `x` in the package, in place of whatever had that name."""
    modules = {path.stem for path in Path(edge_runtime.__file__).parent.iterdir()}
    assert modules.isdisjoint(edge_runtime.__all__)


def test_command_line(archive: Path, tmp_path: Path, make_picture: Any, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(tmp_path / name) for name in ("a.png", "b c.png")]
    for seed, path in enumerate(paths):
        make_picture(seed).save(path)
    answers = edge_runtime.load(archive).predict(paths)

    assert main([str(archive), *paths]) == 0
    out, err = capsys.readouterr()
    lines = [line.split("\t") for line in out.splitlines()]
    assert [(path, label) for path, label, _ in lines] == [(p, a.label) for p, a in zip(paths, answers, strict=True)]
    assert [float(score) for *_, score in lines] == pytest.approx([answer.score for answer in answers], abs=1e-6)
    assert err == ""

    assert main([str(archive), *paths, "--json", "--threads", "1"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [item["input"] for item in document] == paths
    assert [item["label"] for item in document] == [answer.label for answer in answers]


def test_command_line_errors_are_one_line(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(archive), str(tmp_path / "none.png")]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1 and "none.png" in err
    assert main([str(tmp_path / "none.edge"), "x.png"]) == 1
    assert "no such bundle" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2


def test_runs_as_a_module(archive: Path, tmp_path: Path, make_picture: Any) -> None:
    make_picture(0).save(tmp_path / "a.png")
    done = subprocess.run(
        [sys.executable, "-m", "edge_runtime", str(archive), str(tmp_path / "a.png")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and done.stderr == ""
    assert len(done.stdout.split("\t")) == 3
