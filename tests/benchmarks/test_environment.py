"""The description of this machine: complete, JSON-ready, and without anything that names it or its user."""

import getpass
import json
import os
import re
import socket
import subprocess
import sys
import time

from edge_benchmarks import environment


def test_it_has_three_kinds_and_survives_json():
    found = environment.capture()
    assert list(found) == ["identity", "conditions", "versions"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["identity"]["cores_logical"] >= 1
    assert {"python", "numpy", "onnxruntime"} <= set(found["versions"])


def test_it_names_neither_host_nor_user_nor_path():
    text = json.dumps(environment.capture())
    assert not re.search(rf'"{re.escape(socket.gethostname())}"', text)
    assert not re.search(rf'"{re.escape(getpass.getuser())}"', text)
    assert not re.search(r'"/\w', text)


def test_work_of_others_is_told_from_ones_own():
    watch = environment.CpuWatch()
    own_only = _others(watch, lambda: sum(range(20_000_000)))
    watch = environment.CpuWatch()
    # A child that is not waited for is somebody else's work.
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        with_another = _others(watch, lambda: time.sleep(1.0))
        busy.kill()
    assert with_another > 0.4
    assert own_only < os.cpu_count()


def _others(watch, work) -> float:
    work()
    return watch.conditions()["others_cpus"]
