"""Scenarios: what each of them times, and that it says what it could not measure."""

import json
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_benchmarks.bench.run import bench
from edge_benchmarks.bench.scenarios import SCENARIOS, scenario
from edge_benchmarks.bench.scenarios.busy_neighbor import busy_neighbors
from edge_benchmarks.bench.scenarios.server import arrivals, serve
from edge_benchmarks.cli.bench import command
from edge_benchmarks.inputs import synthetic_photo
from edge_benchmarks.measurements import read_measurement
from edge_benchmarks.report import render
from edge_runtime.errors import InputError, SelfTestError


@pytest.fixture(scope="module")
def everything(bundle: Path):
    """A benchmark of one variant in all scenarios."""
    return bench(
        bundle, variants=["cpu-int8"], scenarios=list(SCENARIOS), seconds=0.3, gaps=[0.0, 0.02], qps=40.0, callers=2,
        cold_starts=0, threads=1,
    )  # fmt: skip


def test_every_scenario_has_a_row_that_names_what_it_was_asked_for(everything):
    assert [(row.scenario, row.what) for row in everything.rows] == [
        ("single-stream", "end-to-end"),
        ("single-stream", "model"),
        ("offline/batch=8", "model"),
        ("server/qps=40", "end-to-end"),
        ("idle-gap/0s", "end-to-end"),
        ("idle-gap/0.02s", "end-to-end"),
        ("busy-neighbor", "end-to-end"),
    ]


def test_every_row_has_percentiles_or_a_rate_or_says_why_not(everything):
    document = json.loads(json.dumps(everything.to_dict()))
    for row in document["rows"]:
        if row["rate"] and not row["rate"]["reached"]:
            continue
        found = row["latency_ms"] if row["scenario"] != "offline/batch=8" else {"p50": row["throughput"]}
        for name in ("p50", "p90", "p99"):
            one = found.get(name)
            assert one is None or one["low"] <= one["value"] <= one["high"]
    for form in ("terminal", "markdown", "html"):
        text = render(document, form)
        for said in ("Server, calls at random, from input to answer", "batches of 8", "0.02 s idle", "40 calls/s"):
            assert said in " ".join(text.split()), form
    assert all(read_measurement(one, "it") for one in document["measurements"])


def test_the_command_knows_every_scenario_and_each_can_be_imported():
    (option,) = [one for one in command.params if one.name == "scenarios"]
    assert list(option.type.choices) == [*SCENARIOS, "all"]
    assert all(callable(scenario(name)) for name in SCENARIOS)


def test_calls_come_at_random_and_the_same_for_a_seed():
    due = arrivals(50.0, 200.0, seed=3)
    gaps = np.diff(due)
    assert gaps.mean() == pytest.approx(1 / 50, rel=0.05)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)  # exponential
    assert np.array_equal(due, arrivals(50.0, 200.0, seed=3))
    assert len(arrivals(0.1, 1.0, seed=0)) == 8


def test_a_slow_answer_delays_the_calls_behind_it_and_they_say_so():
    # Every call takes nothing but the third, which takes 0.4 s: three more come meanwhile and must wait for it.
    due = np.array([0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.9, 1.0])
    served = serve(lambda index: time.sleep(0.4 if index == 2 else 0.0), due, callers=1)
    late = served.latency_ns / 1e9
    assert (late[2:6] > [0.39, 0.34, 0.29, 0.24]).all()
    assert late[6:].max() < late[2:6].min() + 0.4
    assert served.rate.reached


def test_several_callers_answer_at_once():
    busy, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(4, timeout=60)  # fewer callers would wait in vain, however slow the machine is

    def answer(index: int) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        together.wait()
        with lock:
            busy -= 1

    serve(answer, np.full(8, 0.001), callers=4)
    assert most == 4


def test_more_calls_than_can_be_answered_have_no_latency(bundle, monkeypatch):
    monkeypatch.setattr("edge_benchmarks.bench.scenarios.server.CALLERS_START", 0.2)
    report = bench(
        bundle, variants=["cpu-fp32"], scenarios=["server"], seconds=0.1, qps=1e5, callers=1, cold_starts=0, threads=1
    )
    (row,) = report.rows
    assert row.latency is None and not row.rate.reached and row.rate.answered < row.rate.offered / 2
    assert row.n < 5000, "it waits for the queue no longer than it must"
    document = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert {one["scenario"] for one in document["measurements"]} == {"static"}
    for form in ("terminal", "markdown", "html"):
        assert "the queue grew" in " ".join(render(document, form).split())


def test_an_error_of_a_caller_is_the_servers_error():
    def answer(index: int) -> None:
        if index == 4:
            raise InputError("this one")

    with pytest.raises(InputError, match="this one"):
        serve(answer, np.linspace(0.001, 0.01, 8), callers=2)


def test_neighbors_are_busy_as_long_as_they_should_be():
    with busy_neighbors(1):
        (neighbor,) = [one for one in psutil.Process().children() if "-c" in one.cmdline()]
        before = sum(neighbor.cpu_times()[:2])
        deadline = time.monotonic() + 30
        while sum(neighbor.cpu_times()[:2]) < before + 0.2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert not psutil.pid_exists(neighbor.pid)


def test_arms_of_several_threads_run_in_processes_of_their_own(bundle, tmp_path):
    photo = synthetic_photo().on_disk(tmp_path)
    report = bench(
        bundle, inputs=[photo], scenarios=["single-stream", "offline"], seconds=0.1, batches=[2], cold_starts=0,
        threads=2,
    )  # fmt: skip
    whole, model, offline = report.phases
    assert (whole.what, model.what, offline.items) == ("end-to-end", "model", 2)
    for phase in report.phases:
        turns, calls = phase.timings.rounds, phase.timings.calls_per_turn
        assert turns >= 20
        assert all(len(samples) == turns * calls for samples in phase.timings.samples_ns.values())
    for arm, stages in whole.stages.items():
        assert list(stages) == ["read", "decode", "preprocess", "infer", "postprocess"]
        assert (np.sum(list(stages.values()), axis=0) == whole.timings.samples_ns[arm]).all()
    assert {one.what for one in report.comparisons} == {"end-to-end", "model"}
    alone = bench(bundle, variants=["cpu-int8"], scenarios=["offline"], seconds=0.05, cold_starts=0, threads=2)
    assert alone.phases[0].timings.calls_per_turn == 1, "one arm disturbs nobody"


def test_several_numbers_of_threads_are_measured_beside_each_other(bundle):
    report = bench(
        bundle, variants=["cpu-int8"], scenarios=["offline"], seconds=0.05, batches=[2], cold_starts=0, threads=[1, 2]
    )
    assert [(one.facts.arm, one.facts.threads) for one in report.results] == [("cpu-int8@1", 1), ("cpu-int8@2", 2)]
    assert [(one.candidate, one.baseline) for one in report.comparisons] == [("cpu-int8@2", "cpu-int8@1")]
    keys = [one.key for one in report.measurements]
    assert len(set(keys)) == len(keys) and "insects/cpu-int8@2/offline/batch=2/throughput" in keys
    assert report.settings["threads"] == [1, 2]


def test_accuracy_is_measured_on_the_data_that_are_given(bundle):
    photos = [synthetic_photo(seed).data for seed in range(4)]
    asked = []

    def data(model):
        asked.append(model.content_id)
        answers = model.predict(photos)
        right = [model.labels.index(one.label) for one in answers]
        # Three right labels and a wrong one, whatever this network says.
        return zip(photos, [*right[:3], (right[3] + 1) % 3], strict=True)

    report = bench(
        bundle, variants=["cpu-fp32"], scenarios=["offline"], seconds=0.05, cold_starts=0, threads=1, data=data
    )
    summary = report.results[0].facts.accuracy
    assert (summary.top1.estimate, summary.n, len(asked)) == (0.75, 4, 1)
    (told,) = [one for one in report.measurements if one.metric == "accuracy"]
    assert (told.scenario, told.value, told.n) == ("static", 0.75, 4)
    assert told.low == summary.top1.low < 0.75 < told.high
    assert "75.00%" in render(report.to_dict(), "html")


@pytest.fixture
def plain_file(tmp_path: Path):
    """Writes an ONNX file of one operator."""

    def write(operator: str, **attributes) -> Path:
        given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
        answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
        weight = numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")
        names = ["x", "w"] if operator == "MatMul" else ["x"]
        graph = helper.make_graph(
            [helper.make_node(operator, names, ["y"], **attributes)], "plain", [given], [answer], [weight]
        )
        path = tmp_path / f"{operator}.onnx"
        opset = helper.make_opsetid("", 17)
        path.write_bytes(helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString())
        return path

    return write


def test_a_plain_onnx_file_has_rows_of_the_model_alone(plain_file):
    report = bench(plain_file("MatMul"), seconds=0.1, cold_starts=1, threads=1)
    assert {row.what for row in report.rows} == {"model"}
    (result,) = report.results
    assert (result.facts.check, result.facts.arm) == ("unoptimized graph", "MatMul.onnx")
    (start,) = result.cold_starts
    assert start.verify_ns is None and min(start.import_ns, start.session_ns, start.first_run_ns) > 0
    assert "verify" not in result.to_dict()["cold_start_ms"] and start.total_ns > start.session_ns + start.import_ns
    assert all(render(report.to_dict(), form) for form in ("terminal", "html"))
    for form in ("terminal", "markdown", "html"):
        assert "unoptimized" in render(report.to_dict(), form)


def test_a_plain_onnx_file_whose_answers_cannot_be_checked_has_no_row(plain_file):
    with pytest.raises(SelfTestError, match="two runs on one input differ"):
        bench(plain_file("RandomUniformLike"), seconds=0.1)
    with pytest.raises(SelfTestError, match="finite"):
        bench(plain_file("Log"), seconds=0.1)
