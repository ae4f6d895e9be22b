"""The timer that speaks when no Python thread can."""

import faulthandler
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from messenger.health.giltimer import GIL_SECONDS, REARM_TICKS, STANDARD_ERROR, GilTimer
from messenger.health.limits import Limits
from messenger.health.termination import TerminationLog

from .parties import until

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="threads of C code are counted by the kernel"
)


def threads() -> int:
    """Return how many threads the process has, those of C code included."""
    return len(list(Path("/proc/self/task").iterdir()))


@pytest.fixture
def alone() -> Iterator[int]:
    """Call off the timer of pytest, and return how many threads there are without any."""
    faulthandler.cancel_dump_traceback_later()
    # The kernel lists a thread that has ended for a moment longer, those of other tests too.
    counts = [threads()]
    while counts[-20:].count(counts[-1]) < 20:
        time.sleep(0.002)
        counts.append(threads())
    yield counts[-1]
    faulthandler.cancel_dump_traceback_later()


def test_the_timer_runs_between_arming_and_disarming(alone: int) -> None:
    """It is a thread of C code, which needs no GIL."""
    with tempfile.TemporaryFile() as file:
        timer = GilTimer(file.fileno())
        timer.rearm()
        armed = threads()
        timer.disarm()

    assert armed == alone + 1
    until(lambda: threads() == alone, "no timer")


def test_it_is_armed_again_twice_a_second(alone: int) -> None:
    """Not on every tick, since each arming starts a thread."""
    with tempfile.TemporaryFile() as file:
        timer = GilTimer(file.fileno())
        seen = []
        for _ in range(2 * REARM_TICKS + 1):
            timer.rearm()
            seen.append(threads() - alone)
            timer.disarm()
            until(lambda: threads() == alone, "no timer")

    assert [tick for tick, armed in enumerate(seen) if armed] == [0, REARM_TICKS, 2 * REARM_TICKS]


def test_it_fires_later_than_any_verdict_and_before_the_kubelet() -> None:
    """The kubelet's third failed probe comes after 20 s at the earliest."""
    broken = Limits().stall_broken_seconds
    assert broken is not None

    assert broken < GIL_SECONDS < 20


def test_it_writes_to_the_termination_log_or_to_standard_error(tmp_path: Path) -> None:
    """Whichever there is."""
    path = tmp_path / "termination-log"
    assert GilTimer.onto(TerminationLog(path))._descriptor == STANDARD_ERROR  # noqa: SLF001
    path.touch()
    descriptor = GilTimer.onto(TerminationLog(path))._descriptor  # noqa: SLF001
    os.write(descriptor, b"stack\n")
    os.close(descriptor)

    assert path.read_text() == "stack\n"
