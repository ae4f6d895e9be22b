"""What the checks read: the state in memory, put into findings; no I/O, no locks, no waiting."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from operator import itemgetter
from typing import Any

from .checks import (
    ALIVE_AND_READY,
    PASSING,
    READY_ONLY,
    Check,
    Finding,
    Probe,
    Sampled,
    Status,
)
from .deadlocks import DeadlockDetector
from .graph import name_of
from .lifecycle import Lifecycle, State
from .limits import Limits
from .pool import Pool
from .progress import Progress
from .report import all_stacks
from .ticks import TickClock
from .verdict import Evidence, Verdict
from .warmup import Gate, Outcome, WarmUp
from .workers import Workers

WATCHDOG_SILENT_SECONDS = 60.0
"""From which silence of the watchdog on the start-up probe fails: longer than any freeze worth
surviving, since a process that was frozen has done nothing wrong."""

OURS = ("pool:", "warmup:", "worker:")
"""How the checks begin that are there for each pool, gate and worker, also for later ones."""

LONG_WAIT_SECONDS = 1.0
"""From which age on a wait is shown to everybody: half of what makes the detector look at it, and
far more than a lock in order takes."""

MOST_WAITS = 20
"""How many waits are shown to everybody: a picture of more than that says nothing."""

OK = 200


class Readings:
    """Every check of a process, in the order in which their reasons count.

    Args:
        limits: From when on a stall turns readiness red.
        lifecycle: Where the process is in its life.
        progress: Lag and stall.
        verdict: The weighed evidence.
        warm_up: The gates.
        pools: The pools.
        workers: The workers.
        deadlocks: Knows the age of each wait.
        ticks: The watchdog's clock.
        looked_at: When the watchdog last looked, on the monotonic clock; None before it began.
        clock: The monotonic clock.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        lifecycle: Lifecycle,
        progress: Progress,
        verdict: Verdict,
        warm_up: WarmUp,
        pools: list[Pool],
        workers: Workers,
        deadlocks: DeadlockDetector,
        ticks: TickClock,
        looked_at: Callable[[], float | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._lifecycle = lifecycle
        self._progress = progress
        self._verdict = verdict
        self._warm_up = warm_up
        self._pools = pools
        self._workers = workers
        self._deadlocks = deadlocks
        self._ticks = ticks
        self._looked_at = looked_at
        self._clock = clock
        self.sampled: list[Sampled] = []
        """The application's own checks."""

    def add(self, sampled: Sampled) -> None:
        """Add a check of the application.

        Raises:
            ValueError: Its name is taken: one of the two would hide the other.
        """
        taken = {check.name for check in self.checks()}
        if sampled.name in taken or sampled.name.startswith(OURS):
            raise ValueError(f"there is a check of this name, or may be one: {sampled.name}")
        self.sampled.append(sampled)

    def checks(self) -> Iterator[Check]:
        """Yield every check; what is broken for good comes first."""
        for name in self._verdict_checks():
            read = partial(self._weighed, name)
            yield Check(name, read, ALIVE_AND_READY, "system", self._silent_seconds)
        yield Check("eventloop:progress", self._stall, READY_ONLY, "system", self._silent_seconds)
        yield Check("lifecycle", self._stage, READY_ONLY, "system")
        yield Check("watchdog:looks", self._watchdog, frozenset({Probe.STARTED}), "system")
        # It never fails, so it turns nothing red: a late loop is worth a warning on both probes.
        yield Check("eventloop:lag", self._lag, ALIVE_AND_READY, "system", self._silent_seconds)
        for gate in self._warm_up.gates:
            yield Check(f"warmup:{gate.name}", partial(_gate, gate))
        for sampled in self.sampled:
            yield Check(sampled.name, sampled.finding, age_seconds=sampled.age_seconds)

    def _verdict_checks(self) -> Iterator[str]:
        yield "eventloop:stall"
        yield "locks:waitcycle"
        yield from (f"pool:{pool.name}" for pool in self._pools)
        yield from (f"worker:{worker.name}" for worker in self._workers.all)
        yield "requests:leaked"

    def _weighed(self, name: str) -> Finding:
        found = [item for item in self._verdict.evidence if item.check == name]
        if not found:
            return PASSING
        worst: Evidence = max(found, key=lambda item: item.level)
        return Finding(Status.FAIL if worst.is_broken else Status.WARN, worst.cause)

    def _stall(self) -> Finding:
        stalled = round(self._progress.stall_seconds, 2)
        if stalled >= self._limits.stall_unready_seconds:
            return Finding(Status.FAIL, "event-loop-stalled", stalled, "s")
        return Finding(Status.PASS, "", stalled, "s")

    def _stage(self) -> Finding:
        state = self._lifecycle.state
        if state is State.SERVING:
            return PASSING
        if state is State.DRAINING and self._limits.drain_ready_status == OK:
            return Finding(Status.WARN, "draining")
        return Finding(Status.FAIL, state.lower())

    def _silent_seconds(self) -> float:
        """Return how long ago the watchdog looked; nothing before it began."""
        looked_at = self._looked_at()
        return 0.0 if looked_at is None else self._clock() - looked_at

    def _watchdog(self) -> Finding:
        silent = self._silent_seconds()
        if silent > WATCHDOG_SILENT_SECONDS:
            return Finding(Status.FAIL, "watchdog-silent", round(silent, 1), "s")
        return PASSING

    def _lag(self) -> Finding:
        lag = round(self._progress.lag_seconds, 2)
        late = lag >= self._limits.stall_suspect_seconds
        return Finding(Status.WARN if late else Status.PASS, "late" if late else "", lag, "s")

    def notes(self) -> list[str]:
        """Return the gates that the pod still waits for."""
        if self._lifecycle.state is not State.WARMING:
            return []
        return [f"waiting for {gate.describe()}" for gate in self._warm_up.open_gates]

    def debug(self) -> dict[str, object]:
        """Return what only the holder of the debug token may see: evidence, waits and stacks."""
        return {
            "evidence": [
                {"cause": item.cause, "explanation": item.explanation, "stacks": item.stacks}
                for item in self._verdict.evidence
            ],
            "waits": self._waits(),
            "stacks": all_stacks(),
        }

    def long_waits(self) -> list[dict[str, object]]:
        """Return the longest waits for locks by the names that the code gave, and nothing else."""
        waits = self._waits(LONG_WAIT_SECONDS)
        return sorted(waits, key=itemgetter("seconds"), reverse=True)[:MOST_WAITS]

    def _waits(self, least_seconds: float = 0.0) -> list[dict[str, Any]]:
        return [
            {
                "waiter": name_of(wait.waiter),
                "lock": wait.lock.name,
                "owner": None if (owner := wait.lock.owner) is None else name_of(owner),
                "seconds": round(age, 2),
                "timed": wait.timed,
            }
            for wait, age in self._deadlocks.ages(self._ticks.now).items()
            if age >= least_seconds
        ]


def _gate(gate: Gate) -> Finding:
    passed = gate.outcome is Outcome.PASSED
    milliseconds = round(gate.seconds * 1000)
    if passed:
        return Finding(Status.PASS, "", milliseconds, "ms")
    return Finding(Status.WARN, gate.outcome, milliseconds, "ms")
