"""Work beside other work: its result, its error, and no thread to be had."""

import threading

import pytest

from edge_runtime._threads import Beside


def test_it_runs_in_another_thread_and_tells_what_became_of_it():
    with Beside(threading.get_ident) as other:
        pass
    assert other.result() != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        Beside(lambda: 1 // 0).result()


def test_where_no_thread_can_be_had_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch):
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert Beside(threading.get_ident).result() == threading.get_ident()
