"""Recent calls: what is counted, and for how long."""

import pytest

from messenger.outcomes import WINDOW_SECONDS, Outcomes
from tests.unit.fakes import Clock


def test_calls_and_failures_are_counted() -> None:
    """Each call counts, each failure twice: as call and as failure."""
    outcomes = Outcomes(Clock())
    outcomes.record(has_failed=True)
    outcomes.record(has_failed=False)

    assert outcomes.recent() == (2, 1)


@pytest.mark.parametrize(
    ("later_seconds", "recent"),
    [
        pytest.param(WINDOW_SECONDS - 1, (1, 1), id="in the same window"),
        pytest.param(WINDOW_SECONDS + 1, (1, 1), id="in the next one"),
        pytest.param(2 * WINDOW_SECONDS + 1, (0, 0), id="no longer after that"),
    ],
)
def test_a_failure_is_remembered_for_one_to_two_windows(
    later_seconds: float, recent: tuple[int, int]
) -> None:
    """It is there long enough to be seen and gone soon enough to be about now."""
    clock = Clock()
    outcomes = Outcomes(clock)
    outcomes.record(has_failed=True)
    clock.seconds = later_seconds

    assert outcomes.recent() == recent
