"""Evidence joins a bundle of the same content, or is refused; what nobody had timed is settled by a device that has."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from edge_export.bundle_writer import seal, write_bundle
from edge_export.packing import add_evidence
from edge_runtime.bundle import read_bundle
from edge_runtime.errors import ExitCode, InputError, RefusedError, SchemaError
from edge_runtime.evidence import Evidence, Machine, Ratio, Timing

PI = Machine("aarch64-dotprod", "0x41/0xd0b", "1.22.1")
EXPORTED = {"outcome": "provisional", "target": "arm64", "accuracy": {"verdict": "pass"}, "classes": [], "time": None}


@pytest.fixture
def bundle(make_bundle, tmp_path: Path):
    """Makes a provisional bundle of `cpu-int8` and `cpu-fp32` whose export reported `report`."""

    def make(**report) -> Path:
        source = read_bundle(make_bundle(tmp_path / "source.edge"))
        manifest = source.manifest
        (fp32,) = manifest.variants
        files = {entry.path: source.read(entry.path) for entry in manifest.files}
        exported = Evidence("export", Machine("x86_64-avx2", "a desk", "1.32.0"), None, (), EXPORTED | report)
        files["evidence/export.json"] = json.dumps(asdict(exported)).encode()
        grown = replace(
            manifest,
            variants=(replace(fp32, name="cpu-int8", onnxruntime_min="1.32.0"), fp32),
            evidence=("evidence/export.json",),
            provisional=True,
        )
        path = tmp_path / "made.edge"
        write_bundle(path, seal(grown, files)[1])
        return path

    return make


@pytest.fixture
def prove(tmp_path: Path):
    """Writes what a device would: `prove(bundle, high=...)`, with any field of the evidence changed."""

    def make(bundle: Path, *, low: float = 0.4, high: float = 0.6, **changes) -> Path:
        content = read_bundle(bundle).manifest.content_id
        timings = (
            Timing("cpu-int8", 10.0, 4, "cpu-fp32", Ratio((low + high) / 2, low, high)),
            Timing("cpu-fp32", 20.0, 4),
        )
        evidence = replace(Evidence("prove", PI, True, timings, {"content_id": content}), **changes)
        path = tmp_path / "pi.json"
        path.write_text(json.dumps(asdict(evidence)))
        return path

    return make


def test_evidence_joins_and_the_content_stays(bundle, prove):
    before = bundle()
    found = prove(before)
    packed = add_evidence(before, [found])
    after = read_bundle(before).manifest
    assert packed.out == before and packed.manifest == after
    assert after.content_id == read_bundle(before).manifest.content_id
    assert after.evidence == ("evidence/export.json", *packed.added)
    assert read_bundle(before).read(packed.added[0]) == found.read_bytes()
    int8, fp32 = after.variants
    assert int8.verified_on == fp32.verified_on == ("aarch64-dotprod",) and int8.onnxruntime_min == "1.22.1"
    with pytest.raises(InputError, match="in the bundle already"):
        add_evidence(before, [found])


@pytest.mark.parametrize(
    ("report", "proof", "settled"),
    [
        ({}, {}, True),
        ({}, {"low": 0.9, "high": 1.1}, False),
        ({}, {"low": 1.2, "high": 1.3}, False),
        ({"accuracy": {"verdict": "inconclusive"}}, {}, False),
        ({"classes": [{"verdict": "pass"}, {"verdict": "inconclusive"}]}, {}, False),
        ({"target": "x86-vnni"}, {}, False),
    ],
    ids=["proven", "undecided", "slower", "accuracy was open too", "a class was open too", "another kind of CPU"],
)
def test_what_is_provisional_for_want_of_timing_alone_is_settled_by_it(bundle, prove, report, proof, settled):
    path = bundle(**report)
    packed = add_evidence(path, [prove(path, **proof)])
    assert packed.settled is settled
    assert packed.manifest.provisional is not settled


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"selftest": False}, RefusedError, "golden vectors failed"),
        ({"selftest": None}, RefusedError, "golden vectors failed"),
        ({"timings": ()}, RefusedError, "no valid timing"),
        ({"timings": (Timing("npu", 1.0, 1),)}, RefusedError, "timed npu, which the bundle does not have"),
        ({"report": {"content_id": "sha256:" + "0" * 64}}, RefusedError, "prove this bundle"),
        ({"report": None}, SchemaError, "no proof of a bundle"),
        ({"kind": "export"}, SchemaError, "no proof of a bundle"),
        ({"schema": 2}, SchemaError, "this runtime reads 1"),
    ],
)
def test_other_evidence_is_refused_and_nothing_is_written(bundle, prove, changes, error, says):
    path = bundle()
    before = path.read_bytes()
    with pytest.raises(error, match=says):
        add_evidence(path, [prove(path, **changes)])
    assert path.read_bytes() == before


def test_a_file_that_is_no_json_or_is_not_there(bundle, tmp_path):
    (tmp_path / "cut.json").write_text('{"kind": "pro')
    for name, error in (("cut.json", SchemaError), ("none.json", InputError)):
        with pytest.raises(error, match=name):
            add_evidence(bundle(), [tmp_path / name])


def test_a_directory_needs_another_name(bundle, prove, tmp_path):
    path = bundle()
    opened = read_bundle(path)
    folder = tmp_path / "unpacked"
    write_bundle(folder, seal(opened.manifest, {one.path: opened.read(one.path) for one in opened.manifest.files})[1])
    with pytest.raises(InputError, match="give -o OUT"):
        add_evidence(folder, [prove(path)])
    assert add_evidence(folder, [prove(path)], tmp_path / "new").settled


def test_the_command(bundle, prove, tmp_path, capsys):
    from edge_benchmarks.cli.boundary import run_command
    from edge_pipeline.cli import edge

    path = bundle()
    assert run_command(edge, ["pack", str(path), "--evidence", str(prove(path)), "-o", str(tmp_path / "b.edge")]) == 0
    assert "no longer provisional" in capsys.readouterr().out
    assert run_command(edge, ["inspect", str(tmp_path / "b.edge")]) == 0
    told = capsys.readouterr().out
    assert "prove on 0x41/0xd0b" in told and "export on a desk" in told
    refused = prove(path, selftest=False)
    assert run_command(edge, ["pack", str(path), "--evidence", str(refused)]) == ExitCode.REFUSED
