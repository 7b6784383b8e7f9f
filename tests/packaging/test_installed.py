"""The examples where a stranger runs them: in fresh environments, with packages from the registry."""

import json
import re
import shlex
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edge_runtime

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@pytest.fixture
def app(make_bundle, tmp_path: Path) -> Path:
    """A folder with a bundle, a photo, a folder of photos and the examples."""
    folder = tmp_path / "app"
    shutil.copytree(EXAMPLES, folder)
    make_bundle(folder / "model.edge")
    pixels = np.random.default_rng(7).integers(0, 256, (4, 90, 120, 3), dtype=np.uint8)
    Image.fromarray(pixels[0]).save(folder / "photo.jpg")
    (folder / "photos").mkdir()
    for at in (1, 2, 3):
        Image.fromarray(pixels[at]).save(folder / "photos" / f"{at}.png")
    (folder / "photos" / "broken.jpg").write_bytes(b"nothing")
    return folder


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program that knows nothing of this checkout."""
    variables = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment}
    result = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False, timeout=600)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def test_pyinstaller_finds_the_hook_and_the_program_answers(fresh_environment, app, tmp_path):
    programs = fresh_environment("edge-runtime[cpu,image]", "pyinstaller")
    (line,) = re.findall(r"^(pyinstaller .*)$", guide_text(), re.MULTILINE)
    command = shlex.split(line)
    home = tmp_path / "home"
    built = run(programs / command[0], *command[1:], cwd=app, HOME=str(home), PATH=f"{programs}:/usr/bin:/bin")
    assert "hook-edge_runtime.py" in built.stderr
    elsewhere = tmp_path / "moved"
    shutil.move(app / "dist" / "desktop", elsewhere)
    shutil.copy(app / "model.edge", elsewhere)
    output = run(elsewhere / "desktop", app / "photo.jpg", cwd=tmp_path).stdout
    assert edge_runtime.load(app / "model.edge").predict(app / "photo.jpg").label in output


@contextmanager
def serving(programs: Path, app: Path) -> Iterator[str]:
    """Run the Dockerfile's command with what its `pip install` lines gave, in a folder that cannot be written."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    dockerfile = (app / "Dockerfile").read_text(encoding="utf-8")
    (command,) = re.findall(r"^CMD (.*)$", dockerfile, re.MULTILINE)
    (variables,) = re.findall(r"^ENV (.*)$", dockerfile, re.MULTILINE)
    environment = dict(item.split("=", 1) for item in variables.split()) | {"EDGE_BUNDLES": str(app)}
    _, *arguments = json.loads(command)
    app.chmod(0o555)
    process = subprocess.Popen(
        [programs / "python", *arguments, "--port", str(port)],
        cwd=app,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
        app.chmod(0o755)


def ask(address: str, body: bytes | None = None) -> dict:
    with urllib.request.urlopen(urllib.request.Request(address, data=body), timeout=10) as response:
        return json.load(response)


def test_container_installs_and_serves(fresh_environment, app):
    dockerfile = (app / "Dockerfile").read_text(encoding="utf-8")
    (line,) = re.findall(r"^RUN /app/bin/pip install (.*)$", dockerfile, re.MULTILINE)
    programs = fresh_environment(*(word for word in shlex.split(line) if not word.startswith("--")))
    copied = re.findall(r"^COPY (?!--)(.*) /app/$", dockerfile, re.MULTILINE)
    assert all((app / name).is_file() for name in copied[0].split())
    with serving(programs, app) as address:
        for _ in range(100):
            try:
                health = ask(f"{address}/healthz")
                break
            except urllib.error.URLError:
                time.sleep(0.2)
        model = edge_runtime.load(app / "model.edge")
        assert health["content_id"] == model.content_id
        answer = ask(f"{address}/predict", (app / "photo.jpg").read_bytes())
        assert answer["label"] == model.predict(app / "photo.jpg").label


CONFINED = """
set -e
mount --make-rprivate /
mount -t tmpfs none /run
mkdir /run/edge-classifier
for place in $(awk '{print $2}' /proc/mounts | grep -v -E '^/(proc|sys|dev|run)'); do
    mount -o remount,bind,ro "$place" 2>/dev/null || true
done
if touch written 2>/dev/null; then echo "this place can be written" >&2; exit 9; fi
setpriv --bounding-set=-all --no-new-privs "$@" &
served=$!
"$1" -c "$ASK"
kill $served
"""
"""What the unit's protections come to: no network, nothing writable but the folder of the socket, no capabilities."""
ASK = """
import http.client, socket, time
connection = http.client.HTTPConnection("localhost")
for _ in range(100):
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.connect("/run/edge-classifier/http.sock")
        break
    except OSError:
        time.sleep(0.2)
connection.request("POST", "/predict", open("photo.jpg", "rb").read())
print(connection.getresponse().read().decode())
"""


def test_the_unit_serves_without_network_and_without_a_place_to_write(fresh_environment, app):
    programs = fresh_environment("edge-runtime[cpu,image]", "fastapi", "uvicorn")
    if subprocess.run(["unshare", "-n", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not make namespaces")
    (line,) = re.findall(r"^ExecStart=(.*)$", (app / "edge-classifier.service").read_text(), re.MULTILINE)
    _, *arguments = shlex.split(line)
    confined = ["unshare", "-n", "-m", "sh", "-c", CONFINED, "sh", programs / "python", *arguments]
    output = run(*confined, cwd=app, EDGE_BUNDLES=str(app), ASK=ASK, PATH="/usr/sbin:/usr/bin:/sbin:/bin").stdout
    answer = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    assert answer["label"] == edge_runtime.load(app / "model.edge").predict(app / "photo.jpg").label


def test_ray_answers_a_folder(fresh_environment, app, tmp_path):
    programs = fresh_environment("edge-runtime[cpu,image]", "ray[data]")
    line = next(line for line in re.findall(r"`(python\s+ray_folder\.py [^`]*)`", guide_text()) if "--" not in line)
    home = tmp_path / "home"
    home.mkdir()
    offline = {"RAY_USAGE_STATS_ENABLED": "0", "HOME": str(home), "RAY_TMPDIR": "/tmp"}
    run(programs / "python", *shlex.split(line)[1:], cwd=app, **offline)
    code = (
        "import json, pyarrow.parquet as parquet;"
        "rows = parquet.read_table('answers').to_pylist();"
        "print(json.dumps({row['path'].rsplit('/', 1)[1]: [row['label'], row['error']] for row in rows}))"
    )
    rows = json.loads(run(programs / "python", "-c", code, cwd=app).stdout)
    model = edge_runtime.load(app / "model.edge")
    assert sorted(rows) == ["1.png", "2.png", "3.png", "broken.jpg"]
    for name in ("1.png", "2.png", "3.png"):
        assert rows[name] == [model.predict(app / "photos" / name).label, ""]
    assert rows["broken.jpg"][0] == ""
    assert "not an image" in rows["broken.jpg"][1]


def guide_text() -> str:
    return (EXAMPLES.parent / "docs" / "embedding.md").read_text(encoding="utf-8")
