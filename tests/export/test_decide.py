"""Every way an export can end."""

from dataclasses import replace

import pytest

from edge_benchmarks.accuracy import ClassVerdict
from edge_benchmarks.verdicts import Accuracy, AccuracyVerdict, Interval, Time, TimeVerdict
from edge_export.config import ExportConfig, Outcome
from edge_export.decide import decide
from edge_export.judgement import Judgement
from edge_runtime.errors import ExitCode

SHARE = Interval(0.98, 0.97, 0.99, 0.95)
PASSES = AccuracyVerdict(Accuracy.PASS, 1500, SHARE, SHARE, 0.001, 0.004, 0.01, 8, 3, 1, None)
FASTER = TimeVerdict(Time.FASTER, Interval(0.5, 0.49, 0.51, 0.95), 100)
UNSURE = replace(PASSES, verdict=Accuracy.INCONCLUSIVE, drop_bound=0.02, items_to_decide=4000)
INT8 = ExportConfig(quantize="int8")


def judged(accuracy: AccuracyVerdict | None, time: TimeVerdict | None, *classes: ClassVerdict) -> Judgement | None:
    return None if accuracy is None else Judgement(accuracy, time, classes)


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
    assert decide(INT8, judged(accuracy, time)).outcome is outcome


def test_the_users_word_changes_doubt_but_never_refusal():
    failed = replace(PASSES, verdict=Accuracy.FAIL)
    assert decide(replace(INT8, provisional=True), judged(UNSURE, FASTER)).outcome is Outcome.PROVISIONAL
    assert decide(replace(INT8, provisional=True), judged(failed, FASTER)).outcome is Outcome.REFUSED
    assert decide(replace(INT8, fallback="fp32"), judged(failed, FASTER)).outcome is Outcome.FALLBACK
    assert decide(replace(INT8, fallback="fp32"), judged(UNSURE, FASTER)).outcome is Outcome.FALLBACK


def test_exit_codes_and_what_to_do():
    assert Outcome.REFUSED.exit_code is ExitCode.REFUSED
    assert Outcome.INCONCLUSIVE.exit_code is ExitCode.INCONCLUSIVE
    assert Outcome.PROVISIONAL.exit_code is ExitCode.OK
    assert "4,000 test items would decide" in decide(INT8, judged(UNSURE, FASTER)).reason


def test_no_candidate_is_a_refusal_that_a_fallback_mends():
    refused = decide(INT8, None, "no int8 candidate gains anything")
    assert refused.outcome is Outcome.REFUSED
    assert refused.reason == "no int8 candidate gains anything"
    assert decide(replace(INT8, fallback="fp32"), None, "none").outcome is Outcome.FALLBACK


def test_a_class_that_loses_too_much_is_a_refusal_and_an_unproven_protected_one_a_doubt():
    lost = ClassVerdict("crack", Accuracy.FAIL, 200, 40, 0, 0.2, 0.25)
    refused = decide(INT8, judged(PASSES, FASTER, lost))
    assert refused.outcome is Outcome.REFUSED
    assert "class crack loses 20.0% of its 200 items" in refused.reason
    unproven = replace(lost, verdict=Accuracy.INCONCLUSIVE, worse=0, drop=0.0, drop_bound=0.07, protected=True)
    unsure = decide(INT8, judged(PASSES, FASTER, unproven))
    assert unsure.outcome is Outcome.INCONCLUSIVE
    assert "protected class crack may lose as much as 7.0%" in unsure.reason
