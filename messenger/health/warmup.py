"""Warm-up gates: what has to have happened before a pod takes traffic.

The gates run in the background after the port is bound, because a warm-up awaited in the lifespan
hides the port, and with it the probes. A gate that is *required* states a local fact, such as a
self-check. Anything that other replicas share is *best effort* with a budget: one downstream
outage during one roll-out must not end with no pods at all. The budget counts seconds without
progress, so a cache that still receives pages does not expire.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

POLL_SECONDS = 0.05
"""How often a running gate's budget is looked at, in seconds: far below any budget."""

FIRST_BACKOFF_SECONDS = 0.1
"""The first pause after a failed try, in seconds: a sidecar that starts with us needs about
this."""

LONGEST_BACKOFF_SECONDS = 2.0
"""The longest pause between two tries, in seconds: a tenth of the default budget."""

UNWIND_SECONDS = 1.0
"""What a gate that is given up gets to unwind, in seconds; then it is left behind."""


class Outcome(StrEnum):
    """How a gate stands."""

    OPEN = "open"
    PASSED = "passed"
    GAVE_UP = "gave-up"
    """Best effort, budget spent: the pod becomes ready all the same, with a warning."""
    BLOCKED = "blocked"
    """Budget spent, and the pod stays unready: required, or fail-closed by configuration."""


@dataclass(slots=True)
class Gate:
    """One gate and how far it is; `run` reports through `progress`."""

    name: str
    run: Callable[["Gate"], Awaitable[None]]
    required: bool
    outcome: Outcome = Outcome.OPEN
    done: int = 0
    total: int | None = None
    seconds: float = 0.0
    """How long it took, or has taken so far."""
    failures: int = 0
    furthest: int = field(default=0, repr=False)
    moved: bool = field(default=False, repr=False)

    def progress(self, done: int, total: int | None = None) -> None:
        """Report how much is done; more than ever before restarts the budget.

        A retry that begins anew is no progress until it is further than the one before: otherwise a
        downstream that always fails half-way would hold the pod back for ever.
        """
        if done > self.furthest:
            self.moved, self.furthest = True, done
        self.done, self.total = done, total

    @property
    def is_settled(self) -> bool:
        """Whether it no longer holds the pod back."""
        return self.outcome in {Outcome.PASSED, Outcome.GAVE_UP}

    def describe(self) -> str:
        """Return the name with the progress made, such as `cache:contacts 500/1000`."""
        if self.total:
            return f"{self.name} {self.done}/{self.total}"
        return self.name


class WarmUp:
    """Runs every gate at once and says when all have settled.

    Args:
        budget_seconds: How long a gate may go without progress.
        fail_closed: Whether a best-effort gate that spent its budget blocks readiness.
        now: The clock, in seconds; the watchdog's ticks, so that a freeze spends no budget.
        dice: Where the jitter of the back-off comes from; replicas must not retry in step.
        on_failure: Told of each failed try, for the log.
    """

    def __init__(
        self,
        *,
        budget_seconds: float,
        fail_closed: bool,
        now: Callable[[], float],
        dice: random.Random,
        on_failure: Callable[[Gate, Exception], None],
    ) -> None:
        self._budget_seconds = budget_seconds
        self._fail_closed = fail_closed
        self._now = now
        self._dice = dice
        self._on_failure = on_failure
        self.gates: list[Gate] = []

    def add(self, name: str, run: Callable[[Gate], Awaitable[None]], *, required: bool) -> None:
        """Add a gate; to be called before the warm-up starts."""
        self.gates.append(Gate(name, run, required))

    async def run(self) -> None:
        """Run the gates; return when every one has settled, which may be never."""
        async with asyncio.TaskGroup() as group:
            for gate in self.gates:
                group.create_task(self._settle(gate), name=f"warm-up {gate.name}")

    @property
    def open_gates(self) -> list[Gate]:
        """The gates that still hold the pod back, in the order in which they were added."""
        return [gate for gate in self.gates if not gate.is_settled]

    async def _settle(self, gate: Gate) -> None:
        began = moved_at = self._now()
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            attempt = asyncio.ensure_future(gate.run(gate))
            try:
                while not attempt.done():
                    await asyncio.wait({attempt}, timeout=POLL_SECONDS)
                    gate.seconds = self._now() - began
                    moved_at = self._latest_move(gate, moved_at)
                    if not attempt.done() and self._spent(gate, moved_at):
                        return
            finally:
                if not attempt.done():
                    attempt.cancel()
                    # It may raise something else or go on for ever: the pod must not wait for it.
                    await asyncio.wait({attempt}, timeout=UNWIND_SECONDS)
                    _failure(attempt)
            failure = _failure(attempt)
            if failure is None:
                gate.outcome = Outcome.PASSED
                return
            if not isinstance(failure, Exception):
                raise failure
            gate.failures += 1
            self._on_failure(gate, failure)
            if self._spent(gate, moved_at):
                return
            await asyncio.sleep(self._pause(gate, moved_at, backoff * self._dice.uniform(0.5, 1.0)))
            backoff = min(2 * backoff, LONGEST_BACKOFF_SECONDS)

    def _latest_move(self, gate: Gate, moved_at: float) -> float:
        if not gate.moved:
            return moved_at
        gate.moved = False
        return self._now()

    def _pause(self, gate: Gate, moved_at: float, seconds: float) -> float:
        """Return `seconds`, or what is left of the budget: nobody waits for the end of a pause."""
        if gate.outcome is Outcome.BLOCKED:
            return seconds
        left = self._budget_seconds - (self._now() - moved_at)
        return min(seconds, max(left, POLL_SECONDS))

    def _spent(self, gate: Gate, moved_at: float) -> bool:
        """Return whether the gate is given up; one that may not be stays blocked and goes on."""
        if self._now() - moved_at <= self._budget_seconds:
            return False
        if gate.required or self._fail_closed:
            gate.outcome = Outcome.BLOCKED
            return False
        gate.outcome = Outcome.GAVE_UP
        return True


def _failure(attempt: asyncio.Future[None]) -> BaseException | None:
    """Return what an attempt raised, so that nobody complains that it was never asked for."""
    if not attempt.done():
        return None
    return InterruptedError("cancelled") if attempt.cancelled() else attempt.exception()
