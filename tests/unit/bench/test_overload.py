"""A missed target is the subject's fault only where the load came when it was due."""

import pytest

from tests.bench.flood import Flood
from tests.bench.overload import CONTROL_LATE_SECONDS, LATE_SECONDS, Side, judged
from tests.bench.probing import Probing
from tests.bench.row import Row


def side(share: float, late_seconds: float) -> Side:
    """Return a side that accepted such a share, under load that was so late."""
    done = Flood(sent=2, accepted=[0.1], refused=[0.1], late=[late_seconds, late_seconds])
    return Side(shares=[share], by_cpu=[share], all=done, probes=[Probing((200,), (1.0,))])


def accepted(*, subject: float, late_seconds: float) -> Row:
    """Return the row of what was accepted, beside a control that accepted little in good time."""
    found = {"control": side(0.1, 0.0), "subject": side(subject, late_seconds)}
    return judged("three times", found)[0]


@pytest.mark.parametrize(
    ("share", "is_met"),
    [pytest.param(0.9, True, id="enough"), pytest.param(0.5, False, id="too little")],
)
def test_load_in_time_judges_what_was_accepted(share: float, *, is_met: bool) -> None:
    """The row says how late it was sent, at the 99th percentile and at most."""
    row = accepted(subject=share, late_seconds=LATE_SECONDS)

    assert row.is_met is is_met
    assert row.subject.endswith("; 0.10 s, at most 0.10 s")
    assert "not judged" not in row.target


@pytest.mark.parametrize("share", [0.9, 0.5], ids=["enough", "too little"])
def test_load_that_was_late_judges_nothing_and_says_so(share: float) -> None:
    """Neither is the subject to blame, nor was it shown to hold."""
    row = accepted(subject=share, late_seconds=2 * LATE_SECONDS)

    assert row.is_met is None
    assert "not judged: the load itself was late, p99 0.20 s" in row.target


@pytest.mark.parametrize(
    ("late_seconds", "is_met"),
    [
        pytest.param(CONTROL_LATE_SECONDS, True, id="as late as it may be"),
        pytest.param(2 * CONTROL_LATE_SECONDS, None, id="later"),
    ],
)
def test_late_load_of_the_control_is_no_excuse_for_what_the_subject_does_alone(
    late_seconds: float, *, is_met: bool | None
) -> None:
    """Only the share that is compared with the control's is not judged."""
    found = {"control": side(0.1, late_seconds), "subject": side(0.9, 0.0)}

    assert [row.is_met for row in judged("three times", found)] == [is_met, True, True]


def test_late_load_of_the_subject_judges_none_of_its_rows() -> None:
    """Refusals and probes met the same flood."""
    found = {"control": side(0.1, 0.0), "subject": side(0.9, 2 * LATE_SECONDS)}

    assert [row.is_met for row in judged("three times", found)] == [None] * 3
