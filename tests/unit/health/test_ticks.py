"""Time in ticks: a frozen process has not aged."""

import pytest

from messenger.health.ticks import TickClock

from .clock import FakeClock


def test_a_tick_is_worth_the_time_that_went_by(clock: FakeClock) -> None:
    """As long as the watchdog is woken in time, ticks and seconds agree."""
    ticks = TickClock(clock)
    for _ in range(20):
        clock.advance(0.05)
        ticks.advance()

    assert ticks.now == pytest.approx(1.0)


def test_a_freeze_counts_two_ticks(clock: FakeClock) -> None:
    """After 20 seconds of SIGSTOP the process is a tenth of a second older."""
    ticks = TickClock(clock)
    clock.advance(20)

    assert ticks.advance() == pytest.approx(0.1)
    assert ticks.now == pytest.approx(0.1)


def test_the_time_of_a_freeze_is_not_made_up_for_later(clock: FakeClock) -> None:
    """The tick after a freeze is an ordinary one."""
    ticks = TickClock(clock)
    clock.advance(20)
    ticks.advance()
    clock.advance(0.05)

    assert ticks.advance() == pytest.approx(0.05)


def test_a_late_wake_up_under_load_is_believed(clock: FakeClock) -> None:
    """Up to two ticks' length counts in full."""
    ticks = TickClock(clock)
    clock.advance(0.09)

    assert ticks.advance() == pytest.approx(0.09)
