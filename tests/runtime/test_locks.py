"""Locks in a forked child."""

from __future__ import annotations

import multiprocessing
import os
import threading

import numpy as np
import pytest

from edge_runtime import Monitor, Prediction
from edge_runtime._threads import ProcessLock


def test_one_thread_at_a_time() -> None:
    lock, inside, most = ProcessLock(), 0, 0

    def enter() -> None:
        nonlocal inside, most
        for _ in range(200):
            with lock:
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_forked_child_waits_for_no_thread_of_its_parent() -> None:
    monitor, held, done = Monitor(), threading.Event(), threading.Event()
    answer = Prediction("cat", 0.9, False, np.array([0.9, 0.1]), ("cat", "dog"), "a", ("cat",))

    def hold() -> None:
        with monitor._lock:
            held.set()
            done.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def count() -> None:
        monitor.add(answer)
        sender.send(monitor.snapshot()["a"].predictions)

    child = context.Process(target=count)
    child.start()
    try:
        assert receiver.poll(30), "the child waits for a thread that it does not have"
        assert receiver.recv() == 1
    finally:
        done.set()
        holder.join()
        child.kill()
        child.join()
