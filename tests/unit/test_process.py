"""What the settings make of the health of the process."""

import gc
from pathlib import Path

from messenger.process import YOUNG_OBJECTS, make_health, spare_collector
from messenger.settings import Settings


def test_every_limit_is_the_one_that_was_set() -> None:
    """No setting is read and then forgotten."""
    settings = Settings(
        pod="p",
        stall_suspect_seconds=2,
        stall_unready_seconds=4,
        stall_broken_seconds=None,
        exit_after_broken_seconds=7,
        downstream_deadline_seconds=5,
        concurrency_limit=9,
        warmup_budget_seconds=11,
        warmup_fail="closed",
        drain_min_seconds=12,
        drain_max_seconds=13,
        drain_cancel_seconds=14,
        drain_ready=200,
        termination_log=Path("/nowhere"),
    )
    limits = make_health(settings).limits

    assert (limits.stall_suspect_seconds, limits.stall_unready_seconds) == (2, 4)
    assert (limits.stall_broken_seconds, limits.exit_after_broken_seconds) == (None, 7)
    assert (limits.request_deadline_seconds, limits.concurrency_limit) == (15, 9)
    assert (limits.warmup_budget_seconds, limits.warmup_fail_closed) == (11, True)
    assert (limits.drain_min_seconds, limits.drain_max_seconds) == (12, 13)
    assert (limits.drain_cancel_seconds, limits.drain_ready_status) == (14, 200)


def test_only_the_young_generation_is_looked_at_less_often() -> None:
    """What has become old is collected by the interpreter's own rule."""
    before = gc.get_threshold()
    try:
        spare_collector()
        after = gc.get_threshold()
    finally:
        gc.set_threshold(*before)

    assert after == (YOUNG_OBJECTS, *before[1:])
    assert after[0] > before[0]
