"""One model in many threads and processes: the same answers to the bit, or a typed error."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import edge_runtime
from edge_runtime.errors import BundleError, EdgeWarning, IntegrityError, MachineError

THREADS = 8
RUNS = 1000
"""Of each thread."""

with_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.mark.parametrize("variant", ["cpu-int8", "cpu-fp32"])
def test_eight_threads_answer_as_one(variant: str, archive: Path, make_picture: Any) -> None:
    model = edge_runtime.load(archive, variant=variant, threads=2)
    frames = [np.asarray(make_picture(seed, (40 + seed, 31))) for seed in range(16)]
    serial = [model.predict(frame, color="rgb").probabilities.tobytes() for frame in frames]
    start = threading.Barrier(THREADS)

    def work(thread: int) -> list[int]:
        start.wait()
        places = [(thread + run) % len(frames) for run in range(RUNS)]
        return [at for at in places if model.predict(frames[at], color="rgb").probabilities.tobytes() != serial[at]]

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(work, range(THREADS))) == [[]] * THREADS


def test_sessions_are_made_one_at_a_time(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, inside, most = onnxruntime.InferenceSession, [], []

    def slow(*arguments: Any, **options: Any) -> Any:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.01)  # lets every other thread in
        session = real(*arguments, **options)
        inside.pop()
        return session

    monkeypatch.setattr(onnxruntime, "InferenceSession", slow)
    with ThreadPoolExecutor(THREADS) as pool:
        models = list(pool.map(lambda _: edge_runtime.load(archive, threads=1), range(THREADS)))
    assert len({model.content_id for model in models}) == 1 and max(most) == 1


@pytest.mark.parametrize("kind", ["archive", "directory", "bytes"])
def test_pickles_pinned(
    kind: str, archive: Path, directory: Path, make_picture: Any, make_draft: Any, lay_out: Any
) -> None:
    source: Any = {"archive": archive, "directory": directory, "bytes": archive.read_bytes()}[kind]
    model = edge_runtime.load(source, variant="cpu-fp32", threads=1)
    data = pickle.dumps(model)
    copy = pickle.loads(data)  # noqa: S301 - its own
    image = make_picture(5)
    assert copy.variant == model.variant
    assert np.array_equal(copy.predict(image).probabilities, model.predict(image).probabilities)
    if kind == "directory":
        lay_out(directory, make_draft(extra={"version": "2.0.0"}).seal())
        with pytest.raises(IntegrityError, match="this is another bundle"):
            pickle.loads(data)  # noqa: S301 - its own


def test_spawned_processes_take_a_model_along(archive: Path, make_picture: Any) -> None:
    model = edge_runtime.load(archive, threads=1)
    images = [make_picture(seed) for seed in range(6)]
    expected = [model.predict(image).probabilities.tobytes() for image in images]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        answers = list(pool.map(model.predict, images))
    assert [answer.probabilities.tobytes() for answer in answers] == expected
    assert {answer.content_id for answer in answers} == {model.content_id}


def test_joblib_takes_a_model_along(archive: Path, make_picture: Any) -> None:
    joblib = pytest.importorskip("joblib", reason="joblib comes with scikit-learn, which the toolchain needs")
    model = edge_runtime.load(archive, threads=1)
    images = [make_picture(seed) for seed in range(6)]
    answers = joblib.Parallel(n_jobs=2)(joblib.delayed(model.predict)(image) for image in images)
    assert [a.probabilities.tobytes() for a in answers] == [model.predict(i).probabilities.tobytes() for i in images]


@with_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_forked_child_answers_the_same(archive: Path, make_picture: Any) -> None:
    model = edge_runtime.load(archive, threads=2)
    image = make_picture(6)
    expected = model.predict(image).probabilities.tolist()
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(model.predict(image).probabilities.tolist()))
    child.start()
    try:
        assert receiver.poll(30), "the child did not answer"
        assert receiver.recv() == expected
    finally:
        child.kill()
        child.join()


def _as_after_fork(model: Any) -> None:
    """Leave the model as a child finds it."""
    model._pid = -1


def test_what_a_fork_cannot_carry_is_a_typed_error(archive: Path, tmp_path: Path, make_picture: Any) -> None:
    cuda = edge_runtime.load(archive)
    cuda._request = cuda._request._replace(device="cuda")
    _as_after_fork(cuda)
    with pytest.raises(MachineError, match="does not survive fork; load it in the child"):
        cuda.predict(make_picture(0))

    path = tmp_path / "served.edge"
    path.write_bytes(archive.read_bytes())
    model = edge_runtime.load(path)
    _as_after_fork(model)
    path.unlink()
    with pytest.raises(BundleError, match=r"served\.edge"):
        model.predict(make_picture(0))
    path.write_bytes(bytes(len(archive.read_bytes())))
    with pytest.raises(IntegrityError, match="copy it again"):
        model.predict(make_picture(0))
    path.write_bytes(archive.read_bytes())
    assert model.predict(make_picture(0)).label == edge_runtime.load(archive).predict(make_picture(0)).label


def test_a_provisional_model_warns_once_wherever_it_goes(make_draft: Any) -> None:
    with pytest.warns(EdgeWarning, match="provisional"):
        model = edge_runtime.load(make_draft(extra={"provisional": True}).archive())
    pickle.loads(pickle.dumps(model))  # noqa: S301 - its own
