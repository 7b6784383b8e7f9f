"""The tour, command by command, on real digits, with the documents that `--json` prints; and what users get wrong."""

import json
from pathlib import Path

import pytest

from edge_benchmarks.cli.boundary import run_command
from edge_pipeline.cli import edge
from edge_runtime.errors import ExitCode


@pytest.fixture(scope="session")
def tour(tmp_path_factory) -> Path:
    """A folder with data, a run and a bundle, made by the commands."""
    root = tmp_path_factory.mktemp("tour")
    train = ["train", root / "data", "-o", root / "run", "--model", "test_resnet", "--weights", "none"]
    commands = [
        ["sample", "digits", root / "data"],
        [*train, "--size", "32", "--epochs", "6", "--learning-rate", "0.004"],
        ["export", root / "run", "-o", root / "digits.edge", "--timing-seconds", "1", "--keep-fp32"],
    ]
    for command in commands:
        assert run_command(edge, [str(part) for part in command], prog_name="edge") == ExitCode.OK
    return root


def test_eval(run, tour):
    code, out, _ = run("eval", tour / "digits.edge", tour / "data", "--split", "test", "--json")
    document = json.loads(out)
    assert code == ExitCode.OK
    assert document["n"] == len(list((tour / "data" / "test").rglob("*.png")))
    assert document["interval"][0] < document["top1"] <= document["interval"][1]
    assert document["top1"] > 0.5
    assert 0 < document["macro_f1"] <= 1
    assert [row["label"] for row in document["per_class"]] == [str(digit) for digit in range(10)]
    code, out, _ = run("eval", tour / "digits.edge", tour / "data")
    assert f"top-1 {100 * document['top1']:.2f} %" in out


def test_eval_tells_another_test_split_from_the_one_that_was_judged(run, tour, tmp_path):
    import shutil

    judged = "not the test split that the bundle was judged on"
    other, mixed = tmp_path / "other", tmp_path / "mixed"
    for split in ("train", "val", "test"):
        for digit in range(10):
            for picture in sorted((tour / "data" / split / str(digit)).iterdir())[:5]:
                for copy in (other / split / str(digit), mixed / str(digit)):
                    copy.mkdir(parents=True, exist_ok=True)
                    shutil.copy(picture, copy / f"{split}-{picture.name}")
    assert judged not in run("eval", tour / "digits.edge", tour / "data")[2]
    code, _, err = run("eval", tour / "digits.edge", other)
    assert code == ExitCode.OK and judged in err
    code, out, err = run("eval", tour / "digits.edge", mixed, "--json")
    assert code == ExitCode.INPUT and judged in err and "--seed and --group" in err
    assert json.loads(out)["exit_code"] == ExitCode.INPUT


def test_run_answers_each_input_and_loses_none(run, tour, tmp_path):
    pictures = sorted((tour / "data" / "test" / "3").iterdir())[:2]
    broken = tmp_path / "not an image.png"
    broken.write_text("no")
    code, out, err = run("run", tour / "digits.edge", pictures[0], broken, pictures[1], "--json")
    first, second, third = json.loads(out)
    assert code == ExitCode.INPUT
    assert first["input"] == str(pictures[0])
    assert set(first) >= {"input", "label", "score"}
    assert "error" in second
    assert "label" in third
    assert "not an image.png" in err
    assert "Traceback" not in err


def test_inspect_and_verify(run, tour):
    code, out, _ = run("inspect", tour / "digits.edge", "--json")
    document = json.loads(out)
    assert code == ExitCode.OK
    assert document["manifest"]["content_id"].startswith("sha256:")
    assert document["evidence"]["evidence/export.json"]["report"]["outcome"] == "shipped"
    assert str(tour) not in out
    code, out, _ = run("inspect", tour / "digits.edge")
    assert document["manifest"]["content_id"] in out
    code, out, _ = run("verify", tour / "digits.edge")
    assert code == ExitCode.OK
    assert "all as signed off" in out


def test_verify_says_what_differs_in_one_document(run, tour, monkeypatch):
    from edge_runtime import golden

    differs = golden.SelfTestReport(False, 1, ("cpu-fp32, golden/0.png: logits differ",), 0.1, ("cpu-fp32",))
    monkeypatch.setattr(golden, "selftest", lambda bundle: differs)
    code, out, err = run("verify", tour / "digits.edge", "--json")
    assert code == ExitCode.REFUSED
    assert json.loads(out)["failures"] == list(differs.failures)
    assert err.startswith("error: cpu-fp32, golden/0.png: logits differ") and err.count("\n") == 1


def test_bench(run, tour, tmp_path):
    page = tmp_path / "bench.html"
    arguments = [
        "--duration",
        "1",
        "--cold-starts",
        "1",
        "--threads",
        "1",
        "--data",
        tour / "data",
        "--json",
        "-o",
        page,
    ]
    code, out, _ = run("bench", tour / "digits.edge", *arguments)
    document = json.loads(out)
    # 6 says that the machine did not hold still, which a busy test machine need not.
    assert code in (ExitCode.OK, ExitCode.INVALID)
    latency = document["rows"][0]["latency_ms"]
    assert latency["n"] >= 40
    if latency["effective_n"]["p50"] >= 6:
        assert latency["p50"]["low"] <= latency["p50"]["high"]
    assert page.read_text().startswith("<!doctype html>")
    code, out, _ = run("eval", tour / "digits.edge", tour / "data", "--json")
    alone, beside = json.loads(out), document["variants"][0]["accuracy"]
    assert (beside["top1"], beside["n"], [beside["low"], beside["high"]]) == (
        alone["top1"],
        alone["n"],
        alone["interval"],
    )


def test_bench_says_that_accuracy_is_measured_here(run, tour):
    code, _, err = run("bench", tour / "digits.edge", "--data", tour / "data", "--ssh", "pi@nowhere")
    assert code == ExitCode.USAGE and "not over --ssh" in err


def test_an_export_that_may_not_ship_ends_with_its_code_and_its_report(run, tour):
    out = tour / "tight.edge"
    arguments = ["--quantize", "int8", "--max-drop", "0", "--timing-seconds", "1", "--json"]
    code, stdout, _ = run("export", tour / "run", "-o", out, *arguments)
    report = json.loads(stdout)
    assert code in (ExitCode.REFUSED, ExitCode.INCONCLUSIVE)
    assert report["outcome"] in ("refused", "inconclusive")
    assert not out.exists()
    assert json.loads(Path(f"{out}.report.json").read_text())["reason"] == report["reason"]


def test_fp16_is_unproven_here_and_ships_only_provisionally(run, tour):
    out = tour / "half.edge"
    arguments = ["export", tour / "run", "-o", out, "--quantize", "fp16", "--timing-seconds", "1", "--max-drop", "5"]
    assert run(*arguments)[0] == ExitCode.INCONCLUSIVE
    assert not out.exists()
    code, stdout, _ = run(*arguments, "--provisional")
    assert code == ExitCode.OK
    assert "provisional" in stdout
    with pytest.warns(UserWarning, match="provisional"):
        code, stdout, _ = run("run", out, next((tour / "data" / "test" / "0").iterdir()), "--json")
    assert code == ExitCode.OK


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "missing.edge", "x.png"], ExitCode.INPUT, "missing.edge"),
        (["export", "{tour}/data", "-o", "x.edge"], ExitCode.INPUT, "not a run"),
        (["export", "{tour}/run", "-o", "{tour}/no/x.edge"], ExitCode.INPUT, "does not exist"),
        (["eval", "{tour}/digits.edge", "{tour}/data", "--split", "dev"], ExitCode.INPUT, "no split 'dev'"),
        (["eval", "{tour}/digits.edge", "{tour}"], ExitCode.INPUT, ""),
        (["inspect", "{tour}/data/test/0"], ExitCode.INPUT, ""),
        (["export", "{tour}/run"], ExitCode.USAGE, "--output"),
        (["frobnicate"], ExitCode.USAGE, "No such command"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_what_users_get_wrong_is_one_line(run, tour, monkeypatch, tmp_path, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    found, out, err = run(*(argument.format(tour=tour) for argument in arguments))
    assert found == code
    assert words in err
    assert "Traceback" not in err + out
    if code == ExitCode.INPUT:
        assert err.splitlines()[-1].startswith("error: ")
        assert err.count("error: ") == 1


def test_changed_data_is_noticed(run, tour, tmp_path):
    import shutil

    moved = tmp_path / "data"
    shutil.copytree(tour / "data", moved)
    run_directory = tmp_path / "run"
    shutil.copytree(tour / "run", run_directory)
    document = json.loads((run_directory / "run.json").read_text())
    document["data"]["path"] = str(moved)
    (run_directory / "run.json").write_text(json.dumps(document))
    next((moved / "test" / "4").iterdir()).unlink()
    code, _, err = run("export", run_directory, "-o", tmp_path / "x.edge")
    assert code == ExitCode.INPUT
    assert "changed since training (split test)" in err


def test_a_flipped_byte_is_refused(run, tour, tmp_path):
    content = bytearray((tour / "digits.edge").read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "damaged.edge"
    damaged.write_bytes(content)
    code, _, err = run("inspect", damaged)
    assert code == ExitCode.INPUT
    assert "SHA-256" in err
