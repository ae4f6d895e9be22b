"""What the checks read: the state in memory."""

import pytest

from messenger.health import Lock
from messenger.health.checks import Check, Finding, Status
from messenger.health.deadlocks import DeadlockDetector
from messenger.health.lifecycle import Lifecycle
from messenger.health.limits import Limits
from messenger.health.progress import Progress
from messenger.health.readings import (
    LONG_WAIT_SECONDS,
    MOST_WAITS,
    WATCHDOG_SILENT_SECONDS,
    Readings,
)
from messenger.health.ticks import TickClock
from messenger.health.verdict import Evidence, Level, Verdict
from messenger.health.warmup import Outcome, WarmUp
from messenger.health.workers import Workers

from .clock import FakeClock
from .parties import thread, until_waiting
from .test_warmup import NoPause


class Desk:
    """Readings of a process that does nothing, and their parts."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.looked_at: float | None = None
        self.verdict = Verdict()
        self.warm_up = WarmUp(
            budget_seconds=20,
            fail_closed=False,
            now=self.clock,
            dice=NoPause(),
            on_failure=lambda _gate, _exc: None,
        )
        self.ticks = TickClock(self.clock)
        self.deadlocks = DeadlockDetector(Limits(), lambda _: ())
        self.readings = Readings(
            limits=Limits(),
            lifecycle=Lifecycle(),
            progress=Progress(self.clock),
            verdict=self.verdict,
            warm_up=self.warm_up,
            pools=[],
            workers=Workers(now=self.clock, journal=None, dice=NoPause()),  # type: ignore[arg-type]
            deadlocks=self.deadlocks,
            ticks=self.ticks,
            looked_at=lambda: self.looked_at,
            clock=self.clock,
        )

    def read(self, name: str) -> Finding:
        """Read one check."""
        return self._check(name).read()

    def age(self, name: str) -> float:
        """Return the age of what a check reads, in seconds."""
        return self._check(name).age_seconds()

    def _check(self, name: str) -> Check:
        (check,) = [check for check in self.readings.checks() if check.name == name]
        return check


def test_a_watchdog_that_has_not_begun_is_not_silent() -> None:
    """It begins when the port is bound."""
    assert Desk().read("watchdog:looks") == Finding()


def test_a_watchdog_that_is_silent_for_a_minute_fails_the_start_up_probe() -> None:
    """Longer than any freeze that is worth surviving."""
    desk = Desk()
    desk.looked_at = desk.clock.now
    desk.clock.advance(WATCHDOG_SILENT_SECONDS)
    assert desk.read("watchdog:looks").status is Status.PASS
    desk.clock.advance(0.5)

    assert desk.read("watchdog:looks") == Finding(Status.FAIL, "watchdog-silent", 60.5, "s")


def test_what_the_watchdog_saw_is_as_old_as_its_last_look() -> None:
    """Before the first one it is of now, as is what needs no look."""
    desk = Desk()
    assert desk.age("locks:waitcycle") == 0
    desk.looked_at = desk.clock.now
    desk.clock.advance(3)

    assert desk.age("locks:waitcycle") == 3
    assert desk.age("eventloop:lag") == 3
    assert desk.age("lifecycle") == 0


def test_the_worst_evidence_of_a_check_is_what_it_shows() -> None:
    """A suspect beside a proof is not what matters."""
    desk = Desk()
    found = [
        Evidence("locks:waitcycle", cause, level, "H", "E")
        for cause, level in [
            ("timed-waitcycle", Level.NOTICE),
            ("deadlock-tasks", Level.BROKEN),
            ("lock-orphaned", Level.SUSPECT),
        ]
    ]
    desk.verdict.weigh(found, 1)

    assert desk.read("locks:waitcycle") == Finding(Status.FAIL, "deadlock-tasks")
    assert desk.read("requests:leaked") == Finding()


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.OPEN, Status.WARN),
        (Outcome.PASSED, Status.PASS),
        (Outcome.GAVE_UP, Status.WARN),
        (Outcome.BLOCKED, Status.WARN),
    ],
    ids=str,
)
def test_a_gate_is_shown_with_what_it_took(outcome: Outcome, status: Status) -> None:
    """In milliseconds; it never fails by itself: the state of the process does."""
    desk = Desk()
    desk.warm_up.add("cache", lambda _: _never(), required=True)
    (gate,) = desk.warm_up.gates
    gate.outcome, gate.seconds = outcome, 0.412

    output = "" if outcome is Outcome.PASSED else str(outcome)
    assert desk.read("warmup:cache") == Finding(status, output, 412, "ms")


async def _never() -> None:
    raise AssertionError


def test_names_of_checks_are_unique() -> None:
    """A second one of the same name would hide the first."""
    names = [check.name for check in Desk().readings.checks()]

    assert len(names) == len(set(names))


def test_the_waits_are_in_what_the_token_opens() -> None:
    """Who waits for which lock, who holds it, for how long, and whether it ends by itself."""
    desk, lock = Desk(), Lock("cache")
    lock.acquire()
    waiter = thread(lambda: lock.acquire(timeout=60), "waiter")
    until_waiting(1)
    list(desk.deadlocks.look(0))
    desk.ticks.now = 1.5
    debug = desk.readings.debug()
    lock.release()
    waiter.join(5)
    lock.release()

    assert debug["waits"] == [
        {"waiter": "waiter", "lock": "cache", "owner": "MainThread", "seconds": 1.5, "timed": True}
    ]
    assert debug["evidence"] == []


def test_only_long_waits_are_shown_to_everybody() -> None:
    """By names alone; what is young may be in order, and a picture has room for twenty."""
    desk, lock = Desk(), Lock("cache")

    def take() -> None:
        if lock.acquire(timeout=60):
            lock.release()

    lock.acquire()
    waiters = [thread(take, "old")]
    until_waiting(1)
    list(desk.deadlocks.look(0))
    waiters += [thread(take, "young")]
    until_waiting(2)
    desk.ticks.now = LONG_WAIT_SECONDS
    seen = desk.readings.long_waits()
    waiters += [thread(take) for _ in range(20)]
    until_waiting(22)
    list(desk.deadlocks.look(0))
    list(desk.deadlocks.look(1))
    desk.ticks.now = 3.0
    many = desk.readings.long_waits()
    lock.release()
    for waiter in waiters:
        waiter.join(5)

    assert seen == [
        {"waiter": "old", "lock": "cache", "owner": "MainThread", "seconds": 1.0, "timed": True}
    ]
    assert len(many) == MOST_WAITS
    assert many[0]["waiter"] == "old"


def test_a_lock_that_is_just_being_handed_over_has_no_owner() -> None:
    """Between a release and the next taking nobody holds it, and that is no error."""
    desk, lock = Desk(), Lock("cache")
    lock.acquire()
    waiter = thread(lambda: lock.acquire(timeout=60), "waiter")
    until_waiting(1)
    lock._frame = None  # noqa: SLF001 - as in the middle of a release
    debug = desk.readings.debug()
    lock.release()
    waiter.join(5)
    lock.release()

    waits = debug["waits"]
    assert isinstance(waits, list)
    assert waits[0]["owner"] is None
