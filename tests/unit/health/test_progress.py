"""Lag and stall: a busy loop is late, a dead one stands still."""

import pytest

from messenger.health.progress import LAG_BUCKETS, Progress

from .clock import FakeClock

TICK = 0.05
SUSPECT = 1.0


def watch(progress: Progress, seconds: float) -> None:
    """Look at `progress` for `seconds` in ticks."""
    for _ in range(round(seconds / TICK)):
        progress.observe(TICK, SUSPECT)


def test_a_loop_that_completes_requests_is_late_but_does_not_stall(clock: FakeClock) -> None:
    """Without a heartbeat lag grows; completions alone keep the stall at nothing."""
    progress = Progress(clock)
    for _ in range(100):
        progress.complete()
        watch(progress, 0.1)

    assert progress.lag_seconds == pytest.approx(10.0)
    assert progress.stall_seconds <= 0.1
    assert progress.stalled_total == 0


def test_a_loop_that_neither_beats_nor_completes_stalls(clock: FakeClock) -> None:
    """Both grow by the watchdog's own ticks, with no clock involved."""
    progress = Progress(clock)
    watch(progress, 12)

    assert progress.lag_seconds == pytest.approx(12.0)
    assert progress.stall_seconds == pytest.approx(12.0)


def test_a_heartbeat_ends_lag_and_stall(clock: FakeClock) -> None:
    """One is enough."""
    progress = Progress(clock)
    watch(progress, 5)
    progress.beat()
    progress.observe(TICK, SUSPECT)

    assert progress.lag_seconds == 0
    assert progress.stall_seconds == 0


def test_stalled_seconds_add_up_over_several_stalls(clock: FakeClock) -> None:
    """What is beyond the suspect limit is counted and stays counted."""
    progress = Progress(clock)
    for _ in range(3):
        watch(progress, 3)
        progress.beat()
        watch(progress, TICK)

    assert progress.stalled_total == pytest.approx(3 * (3 - SUSPECT), abs=0.2)


@pytest.mark.parametrize(
    ("late", "bucket"),
    [(0.0, 0), (0.005, 0), (0.006, 1), (0.3, 6), (10.0, 10), (11.0, 11)],
    ids=str,
)
def test_a_heartbeat_is_counted_by_how_late_it_came(
    clock: FakeClock, late: float, bucket: int
) -> None:
    """Late means beyond the tenth of a second that a heartbeat takes."""
    progress = Progress(clock)
    # A hair less: 0.1 and its sums are not exact.
    clock.advance(0.1 + late - 1e-9)
    progress.beat()

    assert progress.late_counts[bucket] == 1
    assert sum(progress.late_counts) == 1
    assert progress.late_sum == pytest.approx(late, abs=1e-6)
    assert len(progress.late_counts) == len(LAG_BUCKETS) + 1


def test_an_early_heartbeat_is_not_late(clock: FakeClock) -> None:
    """Nothing negative gets into the sum."""
    progress = Progress(clock)
    clock.advance(0.05)
    progress.beat()

    assert progress.late_sum == 0
