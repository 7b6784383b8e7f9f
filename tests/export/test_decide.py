"""Every way an export can end."""

from dataclasses import replace

import pytest

from edge_benchmarks.verdicts import Accuracy, AccuracyVerdict, Interval, Time, TimeVerdict
from edge_export.config import ExportConfig, Outcome
from edge_export.decide import decide
from edge_runtime.errors import ExitCode

SHARE = Interval(0.98, 0.97, 0.99, 0.95)
PASSES = AccuracyVerdict(Accuracy.PASS, 1500, SHARE, SHARE, 0.001, 0.004, 0.01, 8, 3, 1, None)
FASTER = TimeVerdict(Time.FASTER, Interval(0.5, 0.49, 0.51, 0.95), 100)
UNSURE = replace(PASSES, verdict=Accuracy.INCONCLUSIVE, drop_bound=0.02, items_to_decide=4000)
INT8 = ExportConfig(quantize="int8")


@pytest.mark.parametrize(
    ("accuracy", "time", "outcome"),
    [
        (None, None, Outcome.SHIPPED),
        (PASSES, FASTER, Outcome.SHIPPED),
        (replace(PASSES, verdict=Accuracy.FAIL), FASTER, Outcome.REFUSED),
        (PASSES, replace(FASTER, verdict=Time.SLOWER), Outcome.REFUSED),
        (PASSES, replace(FASTER, verdict=Time.SAME), Outcome.REFUSED),
        (UNSURE, FASTER, Outcome.INCONCLUSIVE),
        (UNSURE, replace(FASTER, verdict=Time.SLOWER), Outcome.REFUSED),
        (PASSES, replace(FASTER, verdict=Time.INCONCLUSIVE), Outcome.INCONCLUSIVE),
        (PASSES, replace(FASTER, verdict=Time.INVALID), Outcome.INCONCLUSIVE),
        (PASSES, None, Outcome.INCONCLUSIVE),
    ],
)
def test_each_pair_of_verdicts(accuracy, time, outcome):
    assert decide(INT8, accuracy, time).outcome is outcome


def test_the_users_word_changes_doubt_but_never_refusal():
    failed = replace(PASSES, verdict=Accuracy.FAIL)
    assert decide(replace(INT8, provisional=True), UNSURE, FASTER).outcome is Outcome.PROVISIONAL
    assert decide(replace(INT8, provisional=True), failed, FASTER).outcome is Outcome.REFUSED
    assert decide(replace(INT8, fallback="fp32"), failed, FASTER).outcome is Outcome.FALLBACK
    assert decide(replace(INT8, fallback="fp32"), UNSURE, FASTER).outcome is Outcome.FALLBACK


def test_exit_codes_and_what_to_do():
    assert Outcome.REFUSED.exit_code is ExitCode.REFUSED
    assert Outcome.INCONCLUSIVE.exit_code is ExitCode.INCONCLUSIVE
    assert Outcome.PROVISIONAL.exit_code is ExitCode.OK
    assert "4,000 test items would decide" in decide(INT8, UNSURE, FASTER).reason


def test_no_candidate_is_a_refusal_that_a_fallback_mends():
    refused = decide(INT8, None, None, "no int8 candidate gains anything")
    assert refused.outcome is Outcome.REFUSED
    assert refused.reason == "no int8 candidate gains anything"
    assert decide(replace(INT8, fallback="fp32"), None, None, "none").outcome is Outcome.FALLBACK
