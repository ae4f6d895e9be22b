"""The watchdog: what one look does, and that nothing takes it down."""

import errno
import logging
import queue
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from messenger.health import Limits
from messenger.health.delivery import Delivery
from messenger.health.giltimer import GIL_SECONDS
from messenger.health.journal import Journal
from messenger.health.probes import Identity
from messenger.health.progress import Progress
from messenger.health.termination import TerminationLog
from messenger.health.ticks import TICK_SECONDS, TickClock
from messenger.health.verdict import Evidence, Level, Verdict
from messenger.health.watchdog import RESTORES, Detector, Watchdog

from .clock import FakeClock, noon
from .parties import until


class Finding:
    """A detector that finds what it is told to."""

    def __init__(self, *found: Evidence | Exception, is_urgent: bool = False) -> None:
        self.found = found
        self.is_urgent = is_urgent
        self.looked: list[float] = []

    def look(self, now: float) -> Iterator[Evidence]:
        """Yield it."""
        self.looked.append(now)
        for item in self.found:
            if isinstance(item, Exception):
                raise item
            yield item


class Timer:
    """A timer that counts."""

    def __init__(self) -> None:
        self.armed = 0
        self.disarmed = 0

    def rearm(self) -> None:
        """Count."""
        self.armed += 1

    def disarm(self) -> None:
        """Count."""
        self.disarmed += 1


class NoTimer(Timer):
    """A timer that the kernel does not give."""

    def rearm(self) -> None:
        """Raise as `KernelTimer` does."""
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


class Kennel:
    """A watchdog and all that it works with."""

    def __init__(self, path: Path, detectors: Iterable[Detector], timer: Timer | None) -> None:
        self.clock = FakeClock()
        self.ticks = TickClock(self.clock)
        self.progress = Progress(self.clock)
        self.verdict = Verdict()
        self.journal = Journal()
        self.looks = 0
        self.watchdog = Watchdog(
            ticks=self.ticks,
            progress=self.progress,
            limits=Limits(),
            verdict=self.verdict,
            delivery=Delivery(
                Identity("app", "1", "pod"),
                verdict=self.verdict,
                journal=self.journal,
                termination_log=TerminationLog(path),
                action=lambda: "now",
                wall_clock=noon,
            ),
            detectors=detectors,
            gil_timer=timer,  # type: ignore[arg-type]
            after_look=self._after_look,
            journal=self.journal,
        )

    def _after_look(self) -> None:
        self.looks += 1

    def look(self, seconds: float = TICK_SECONDS) -> float:
        """Let a tick go by and look."""
        self.clock.advance(seconds)
        return self.watchdog.look()

    def events(self) -> list[tuple[int, str, dict[str, Any]]]:
        """Return what was written to the journal."""
        lines: queue.Queue[Any] = self.journal._lines  # noqa: SLF001 - what would be logged
        return [lines.get_nowait() for _ in range(lines.qsize())]


PROOF = Evidence("locks:waitcycle", "deadlock-tasks", Level.BROKEN, "DEADLOCK", "why", latched=True)


def test_a_look_advances_ticks_and_stall(tmp_path: Path) -> None:
    """By what went by, and says when it is done."""
    kennel = Kennel(tmp_path / "none", [], None)
    kennel.look()
    kennel.look()

    assert kennel.ticks.now == pytest.approx(0.1)
    assert kennel.progress.stall_seconds == pytest.approx(0.1)
    assert kennel.looks == 2


@pytest.mark.parametrize(
    "pauses",
    [
        pytest.param([0.05] * 9, id="ticks"),
        pytest.param([0.1] * 5, id="calm"),
        pytest.param([0.0999] * 5, id="calm, a little early"),
        pytest.param([0.1, 0.05, 0.05, 0.1, 0.1, 0.1], id="both"),
    ],
)
def test_what_is_urgent_is_asked_on_each_look_and_all_else_each_fifth_of_a_second(
    pauses: list[float], tmp_path: Path
) -> None:
    """However long the pauses are; in between what was found last holds."""
    urgent, other = Finding(is_urgent=True), Finding(PROOF)
    kennel = Kennel(tmp_path / "none", [urgent, other], None)
    held = []
    for pause in pauses:
        kennel.look(pause)
        held.append(kennel.verdict.evidence)

    assert len(urgent.looked) == len(pauses)
    first, second, third = other.looked
    assert first == pytest.approx(pauses[0])
    assert second - first == pytest.approx(0.2, abs=0.001)
    assert third - second == pytest.approx(0.2, abs=0.001)
    assert set(held) == {(PROOF,)}


def test_it_looks_half_as_often_while_the_loop_beats_and_nothing_is_found(tmp_path: Path) -> None:
    """A heartbeat that is missed, or evidence however slight, and each tick is one look again."""
    notice = Evidence("pool:cpu", "slow", Level.NOTICE, "SLOW", "why")
    finding = Finding()
    kennel = Kennel(tmp_path / "none", [finding], None)
    late = kennel.look()
    kennel.progress.beat()
    calm = kennel.look()
    late_again = kennel.look(calm)
    finding.found = (notice,)
    kennel.progress.beat()
    kennel.look()
    kennel.progress.beat()
    found = kennel.look()

    assert (late, calm, late_again, found) == (0.05, 0.1, 0.05, 0.05)


def test_what_is_found_becomes_the_verdict_and_is_told(tmp_path: Path) -> None:
    """In the same look."""
    path = tmp_path / "termination-log"
    path.touch()
    kennel = Kennel(path, [Finding(PROOF)], None)
    kennel.look()

    assert kennel.verdict.is_broken
    assert path.read_text().endswith("why\n")
    assert [event for _, event, _ in kennel.events()] == ["liveness broken"]


def test_a_detector_that_raises_is_reported_once_and_hides_nothing(tmp_path: Path) -> None:
    """Neither what it had found before nor what the others find."""
    broken = Finding(Evidence("a:b", "early", Level.SUSPECT, "H", "E"), ZeroDivisionError("bug"))
    kennel = Kennel(tmp_path / "none", [broken, Finding(PROOF)], None)
    for _ in range(9):
        kennel.look()

    assert [item.cause for item in kennel.verdict.evidence] == ["deadlock-tasks", "early"]
    crashes = [event for event in kennel.events() if event[1] == "detector crashed"]
    ((level, _, facts),) = crashes
    assert level == logging.ERROR
    assert facts == {"detector": "Finding", "error": "ZeroDivisionError('bug')"}
    assert kennel.looks == 9
    assert len(broken.looked) == 3


def test_the_gil_timer_is_put_off_each_fifth_of_a_second(tmp_path: Path) -> None:
    """And called off at the end."""
    timer = Timer()
    kennel = Kennel(tmp_path / "none", [], timer)
    for _ in range(9):
        kennel.look()
    armed = timer.armed
    kennel.watchdog.start()
    kennel.watchdog.stop()

    assert armed == 3
    assert timer.disarmed == 1


def test_the_gil_timer_is_put_off_at_once_by_a_look_that_comes_late(tmp_path: Path) -> None:
    """Whoever was frozen has five seconds until the stacks are written."""
    timer = Timer()
    kennel = Kennel(tmp_path / "none", [], timer)
    kennel.look()
    kennel.look()
    before = timer.armed
    kennel.watchdog.looked_at -= GIL_SECONDS
    kennel.look()

    assert (before, timer.armed) == (1, 2)


def test_the_gil_timer_is_armed_before_the_first_look(tmp_path: Path) -> None:
    """The GIL may be held from the first moment on, and then there is no look at all."""
    timer = Timer()
    kennel = Kennel(tmp_path / "none", [], timer)
    kennel.watchdog.start()
    armed = timer.armed
    kennel.watchdog.stop()

    assert armed >= 1


def test_without_a_timer_from_the_kernel_all_the_rest_goes_on(tmp_path: Path) -> None:
    """It is said once, and the watchdog looks without it."""
    kennel = Kennel(tmp_path / "none", [], NoTimer())
    kennel.watchdog.start()
    until(lambda: kennel.looks >= 2, "two looks")
    kennel.watchdog.stop()

    ((level, event, facts),) = kennel.events()
    assert (level, event) == (logging.WARNING, "no timer for a held GIL")
    assert "temporarily unavailable" in facts["error"]


def test_a_dump_of_something_that_passed_is_taken_back(tmp_path: Path) -> None:
    """After a look that came so late that the timer has fired, the message is restored."""
    path = tmp_path / "termination-log"
    path.write_text("Stack\n")
    kennel = Kennel(path, [], Timer())
    kennel.look()
    assert path.read_text() == "Stack\n"
    kennel.watchdog.looked_at -= GIL_SECONDS
    kennel.look()

    assert path.read_text() == ""


def test_a_dump_that_comes_late_is_taken_back_too(tmp_path: Path) -> None:
    """The main thread may write when the watchdog has looked already, but not for ever."""
    path = tmp_path / "termination-log"
    path.touch()
    kennel = Kennel(path, [], Timer())
    kennel.watchdog.looked_at -= GIL_SECONDS
    seen = []
    for _ in range(RESTORES + 1):
        kennel.look()
        seen.append(path.read_text())
        path.write_text("Stack\n")

    assert seen == [*[""] * RESTORES, "Stack\n"]


def test_the_thread_looks_until_it_is_stopped(tmp_path: Path) -> None:
    """Under a name of its own."""
    kennel = Kennel(tmp_path / "none", [], None)
    kennel.watchdog.start()
    assert "health-watchdog" in {thread.name for thread in threading.enumerate()}
    until(lambda: kennel.looks >= 2, "two looks")
    kennel.watchdog.stop()
    looks = kennel.looks

    assert "health-watchdog" not in {thread.name for thread in threading.enumerate()}
    assert kennel.looks == looks
