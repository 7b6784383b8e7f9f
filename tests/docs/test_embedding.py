"""The embedding guide: its blocks run, and the files that it shows work as programs."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import edge_runtime

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
SHOWN = re.compile(r"<!-- (examples/\S+): written by docs/build.py -->.*?<!-- end of \1 -->", re.DOTALL)
NOT_IN_THE_GUIDE = {"demo.sh", "budgets.toml", "github-workflow.yml"}
"""The last two are what docs/ci.md is about."""


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python where every warning is an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )


def test_blocks_run_in_order(guide):
    own = re.findall(r"^```python\n(.*?)^```", SHOWN.sub("", GUIDE), re.MULTILINE | re.DOTALL)
    assert len(own) >= 9
    result = run("-c", "\n".join(own), cwd=guide)
    assert result.returncode == 0, result.stderr
    assert "refused: 12 bytes beginning" in result.stdout
    assert result.stdout.count("True\n") == 2, "the second bundle answers, and after rollback the first one"
    assert "kept the old one" not in result.stdout


def test_commands_of_edge_run(guide):
    commands = re.findall(r"^(edge .*)$", GUIDE, re.MULTILINE)
    assert commands
    for command in commands:
        result = run("-m", "edge_pipeline", *shlex.split(command)[1:], cwd=guide)
        assert result.returncode == 0, result.stderr
    assert (guide / "plain" / "cpu-fp32.onnx").is_file()


def test_every_example_is_shown():
    """That the text is the file's own is what `docs/build.py --check` holds."""
    files = {path.name for path in (ROOT / "examples").iterdir() if path.is_file()}
    assert {Path(path).name for path in SHOWN.findall(GUIDE)} == files - NOT_IN_THE_GUIDE


def test_programs_that_the_guide_calls_exist():
    for line in re.findall(r"`(python \S+\.py[^`]*)`", GUIDE):
        assert (ROOT / "examples" / shlex.split(line)[1]).is_file(), line


def test_processes_answer_a_folder(guide):
    result = run("processes.py", "model.edge", "photos", cwd=guide)
    assert result.returncode == 0, result.stderr
    answers = dict(line.split("\t") for line in result.stdout.splitlines())
    model = edge_runtime.load(guide / "model.edge")
    for name in ("a.png", "größe.jpg"):
        assert answers[str(Path("photos", name))] == model.predict(guide / "photos" / name).label
    assert "broken.png" in answers[str(Path("photos", "broken.png"))], "a bad file is named and does not end the others"


def test_desktop_app_finds_its_bundle_from_anywhere(guide, tmp_path):
    result = run(str(guide / "desktop.py"), str(guide / "photo.jpg"), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert edge_runtime.load(guide / "model.edge").predict(guide / "photo.jpg").label in result.stdout
    result = run(str(guide / "desktop.py"), str(guide / "photos" / "broken.png"), cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ") and "Traceback" not in result.stderr


class _Slow:
    """Takes its time, and remembers the frames that it saw."""

    def __init__(self, model, wait):
        self.model, self.wait, self.seen = model, wait, []

    def predict(self, frame, *, color):
        assert self.wait.wait(10)
        self.seen.append(int(frame[0, 0, 0]))
        return self.model.predict(frame, color=color)


def test_camera_takes_the_newest_frame_and_drops_the_rest(example):

    camera = example("camera")
    all_read = threading.Event()

    def frames():
        for value in range(10):
            yield np.full((48, 64, 3), value, dtype=np.uint8)
        all_read.set()

    source = camera.Newest(frames())
    slow = _Slow(edge_runtime.load("model.edge", threads=1), all_read)
    answers = list(camera.watch(slow, source))
    assert slow.seen[-1] == 9, "the newest frame is answered"
    assert source.read == 10 == len(answers) + source.dropped
    assert len(answers) <= 2, "of ten frames that came during one inference only the last is answered"


def test_camera_frames_are_blue_first(example):
    camera = example("camera")
    model = edge_runtime.load("model.edge", threads=1)
    frame = next(camera.fake_frames(1, frames_per_second=1000))
    (answer,) = camera.watch(model, camera.Newest([frame]))
    assert np.array_equal(answer.probabilities, model.predict(frame[..., ::-1].copy(), color="rgb").probabilities)


def test_camera_that_fails_is_an_error_and_not_a_wait(example):
    camera = example("camera")

    def frames():
        yield np.zeros((48, 64, 3), dtype=np.uint8)
        raise ValueError("unplugged")

    answers = camera.watch(edge_runtime.load("model.edge", threads=1), camera.Newest(frames()))
    with pytest.raises(ValueError, match="unplugged"):
        list(answers)


def test_unit_is_valid_and_hardened(guide):
    path = guide / "edge-classifier.service"
    unit = configparser.RawConfigParser(strict=True)
    unit.optionxform = str
    unit.read_string(path.read_text(encoding="utf-8"))
    service = unit["Service"]
    assert service["ProtectSystem"] == "strict"
    assert service["PrivateNetwork"] == "yes"
    assert service["MemoryMax"]
    assert "service:app" in service["ExecStart"]
    if shutil.which("systemd-analyze"):
        path.write_text(path.read_text(encoding="utf-8").replace("/opt/classifier/bin/python", sys.executable))
        result = subprocess.run(
            ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False, timeout=60
        )
        assert result.returncode == 0 and path.name not in result.stderr, result.stderr


def test_dockerfile_runs_the_service_without_root():
    lines = (ROOT / "examples" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    steps = [line.split(" ", 1) for line in lines if line and line[0] not in "# "]
    last = dict(steps)
    assert int(last["USER"].split(":")[0]) > 0
    assert '"service:app"' in last["CMD"]
    images = [value.split()[0] for key, value in steps if key == "FROM"]
    assert set(images) == {"python:3.12-slim"}, "built and run by the same Python"
