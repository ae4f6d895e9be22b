"""Warm-up gates: what holds a pod back, for how long, and what does not."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from messenger.health.warmup import POLL_SECONDS, Gate, Outcome, WarmUp

from .clock import FakeClock

BUDGET = 20.0


class NoPause(random.Random):
    """Dice that make every pause nothing, or what they are told, and remember what they were asked.

    Args:
        pause: What they say, instead of a number from 0.5 to 1.
    """

    def __init__(self, pause: float = 0.0) -> None:
        super().__init__()
        self.pause = pause
        self.asked: list[tuple[float, float]] = []

    def uniform(self, a: float, b: float) -> float:
        """Return the same each time."""
        self.asked.append((a, b))
        return self.pause


class Trial:
    """A warm-up with what it reported."""

    def __init__(self, clock: FakeClock, *, fail_closed: bool = False, pause: float = 0.0) -> None:
        self.failures: list[str] = []
        self.dice = NoPause(pause)
        self.warm_up = WarmUp(
            budget_seconds=BUDGET,
            fail_closed=fail_closed,
            now=clock,
            dice=self.dice,
            on_failure=lambda gate, exc: self.failures.append(f"{gate.name}: {exc}"),
        )

    def gate(self, run: Callable[[Gate], Awaitable[None]], *, required: bool = False) -> Gate:
        """Add a gate and return it."""
        self.warm_up.add("cache", run, required=required)
        return self.warm_up.gates[-1]

    async def run(self) -> None:
        """Run the warm-up; it must end."""
        async with asyncio.timeout(5):
            await self.warm_up.run()


async def for_ever(_: Gate) -> None:
    """Make no progress."""
    await asyncio.Event().wait()


def stand_still(clock: FakeClock) -> Callable[[Gate], Awaitable[None]]:
    """Return a gate that makes no progress for longer than its budget."""

    async def run(gate: Gate) -> None:
        clock.advance(BUDGET + 1)
        await for_ever(gate)

    return run


async def at_once(_: Gate) -> None:
    """Have nothing to do."""


async def test_a_gate_that_returns_has_passed(clock: FakeClock) -> None:
    """It is settled and no longer open."""
    trial = Trial(clock)
    gate = trial.gate(at_once)
    assert trial.warm_up.open_gates == [gate]
    assert not gate.is_settled
    await trial.run()

    assert gate.outcome is Outcome.PASSED
    assert trial.warm_up.open_gates == []


async def test_a_gate_that_has_just_passed_is_not_given_up(clock: FakeClock) -> None:
    """Even if it took longer than its budget allows: what is done is done."""

    async def late(_: Gate) -> None:
        clock.advance(BUDGET + 1)

    trial = Trial(clock)
    gate = trial.gate(late)
    await trial.run()

    assert gate.outcome is Outcome.PASSED


async def test_gates_run_at_the_same_time(clock: FakeClock) -> None:
    """Two that wait for one another both pass."""
    first, second = asyncio.Event(), asyncio.Event()

    async def one(_: Gate) -> None:
        first.set()
        await second.wait()

    async def two(_: Gate) -> None:
        await first.wait()
        second.set()

    trial = Trial(clock)
    gates = [trial.gate(one), trial.gate(two)]
    await trial.run()

    assert all(gate.outcome is Outcome.PASSED for gate in gates)


async def test_a_best_effort_gate_is_given_up_when_its_budget_is_spent(clock: FakeClock) -> None:
    """One outage during one roll-out must not end with no pods at all."""
    trial = Trial(clock)
    gate = trial.gate(stand_still(clock))
    await trial.run()

    assert gate.outcome is Outcome.GAVE_UP
    assert gate.is_settled
    assert gate.seconds == pytest.approx(BUDGET + 1)


async def test_a_pause_between_tries_does_not_outlast_the_budget(clock: FakeClock) -> None:
    """A pod that has given up has nothing left to wait for."""
    trial = Trial(clock, pause=3600)

    async def fail(_: Gate) -> None:
        clock.advance(BUDGET - 0.01)
        raise OSError("refused")

    gate = trial.gate(fail)
    await trial.run()

    assert gate.outcome is Outcome.GAVE_UP
    assert gate.failures == 2


async def test_a_blocked_gate_is_tried_again_in_its_own_time(clock: FakeClock) -> None:
    """Its budget is spent, and no reason to hurry: it may stay blocked for hours."""
    trial = Trial(clock, fail_closed=True, pause=3600)

    async def fail(_: Gate) -> None:
        clock.advance(BUDGET + 1)
        raise OSError("refused")

    gate = trial.gate(fail)
    warming = asyncio.create_task(trial.warm_up.run())
    await asyncio.sleep(3 * POLL_SECONDS)
    warming.cancel()
    await asyncio.wait({warming})

    assert gate.outcome is Outcome.BLOCKED
    assert gate.failures == 1


async def test_the_budget_counts_only_time_without_progress(clock: FakeClock) -> None:
    """A cache that receives a page every 15 s may take ten minutes."""

    async def load(gate: Gate) -> None:
        for page in range(40):
            clock.advance(15)
            gate.progress(page + 1, 40)
            # One look at the budget.
            await asyncio.sleep(0.06 if page < 4 else 0)

    trial = Trial(clock)
    gate = trial.gate(load)
    await trial.run()

    assert gate.outcome is Outcome.PASSED
    assert gate.seconds == pytest.approx(600)
    assert (gate.done, gate.total) == (40, 40)


async def test_saying_the_same_again_is_no_progress(clock: FakeClock) -> None:
    """The control: reports alone do not prolong the budget."""

    async def pretend(gate: Gate) -> None:
        while True:
            clock.advance(15)
            gate.progress(1, 40)
            await asyncio.sleep(0.06)

    trial = Trial(clock)
    gate = trial.gate(pretend)
    await trial.run()

    assert gate.outcome is Outcome.GAVE_UP


async def test_a_downstream_that_always_fails_half_way_does_not_hold_the_pod_back(
    clock: FakeClock,
) -> None:
    """A retry that begins anew is progress only once it is further than the one before."""

    async def load(gate: Gate) -> None:
        for page in range(3):
            clock.advance(5)
            gate.progress(page + 1, 10)
            await asyncio.sleep(0)
        raise OSError("reset")

    trial = Trial(clock)
    gate = trial.gate(load)
    await trial.run()

    assert gate.outcome is Outcome.GAVE_UP


@pytest.mark.parametrize(
    ("required", "fail_closed"), [(True, False), (False, True)], ids=["required", "fail-closed"]
)
async def test_a_gate_that_may_not_be_given_up_blocks_and_goes_on(
    clock: FakeClock,
    required: bool,  # noqa: FBT001 - a parameter
    fail_closed: bool,  # noqa: FBT001 - a parameter
) -> None:
    """The pod stays unready beyond the budget, and becomes ready as soon as the gate passes."""
    blocked = asyncio.Event()

    async def load(_: Gate) -> None:
        clock.advance(BUDGET + 1)
        await blocked.wait()

    trial = Trial(clock, fail_closed=fail_closed)
    gate = trial.gate(load, required=required)
    running = asyncio.create_task(trial.run())
    async with asyncio.timeout(5):
        while str(gate.outcome) != "blocked":  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    assert not gate.is_settled
    assert trial.warm_up.open_gates == [gate]
    blocked.set()
    await running

    assert gate.outcome is Outcome.PASSED


async def test_a_failed_try_is_repeated_after_a_pause_with_jitter(clock: FakeClock) -> None:
    """Between half and the whole of a pause that doubles: replicas must not retry in step."""
    tries = iter(range(4))

    async def load(_: Gate) -> None:
        if next(tries) < 3:
            raise OSError("not yet")

    trial = Trial(clock)
    gate = trial.gate(load)
    await trial.run()

    assert gate.outcome is Outcome.PASSED
    assert gate.failures == 3
    assert trial.failures == ["cache: not yet"] * 3
    assert trial.dice.asked == [(0.5, 1.0)] * 3


async def test_a_gate_that_only_fails_is_given_up_when_its_budget_is_spent(
    clock: FakeClock,
) -> None:
    """However quickly it fails."""

    async def load(_: Gate) -> None:
        clock.advance(1)
        raise OSError("refused")

    trial = Trial(clock)
    gate = trial.gate(load)
    await trial.run()

    assert gate.outcome is Outcome.GAVE_UP
    assert gate.failures == 21


async def test_a_frozen_clock_spends_no_budget(clock: FakeClock) -> None:
    """The watchdog's ticks count, and a frozen process has none."""
    trial = Trial(clock)
    gate = trial.gate(for_ever)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await trial.warm_up.run()

    assert gate.outcome is Outcome.OPEN


async def test_a_run_that_swallows_its_cancellation_is_left_behind(clock: FakeClock) -> None:
    """The pod must not wait for what it has given up."""
    go = asyncio.Event()

    async def stubborn(_: Gate) -> None:
        clock.advance(BUDGET + 1)
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue

    trial = Trial(clock)
    gate = trial.gate(stubborn)
    await trial.run()

    assert gate.outcome is Outcome.GAVE_UP
    go.set()
    await asyncio.sleep(0)


async def test_a_run_that_raises_when_it_is_cancelled_spoils_nothing(clock: FakeClock) -> None:
    """Nor does anybody complain later of an exception that was never asked for."""

    async def sour(_: Gate) -> None:
        clock.advance(BUDGET + 1)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise OSError("in the clean-up") from None

    trial = Trial(clock)
    gate = trial.gate(sour)
    other = trial.gate(at_once)
    await trial.run()

    assert gate.outcome is Outcome.GAVE_UP
    assert other.outcome is Outcome.PASSED


async def test_a_run_that_is_cancelled_by_something_else_has_failed(clock: FakeClock) -> None:
    """It has not passed, so it is tried again."""
    tries = iter(range(2))

    async def load(_: Gate) -> None:
        if next(tries) == 0:
            raise asyncio.CancelledError

    trial = Trial(clock)
    gate = trial.gate(load, required=True)
    await trial.run()

    assert gate.outcome is Outcome.PASSED
    assert trial.failures == ["cache: cancelled"]


async def test_what_is_no_ordinary_exception_is_not_retried(clock: FakeClock) -> None:
    """The end of the program passes through."""

    async def stop(_: Gate) -> None:
        raise GeneratorExit

    trial = Trial(clock)
    trial.gate(stop)
    with pytest.raises(BaseExceptionGroup) as caught:
        await trial.run()

    assert caught.group_contains(GeneratorExit)


async def test_cancelling_the_warm_up_cancels_the_runs(clock: FakeClock) -> None:
    """A drain while warming leaves nothing running."""
    before = asyncio.all_tasks()
    trial = Trial(clock)
    trial.gate(for_ever)
    running = asyncio.create_task(trial.run())
    await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait({running})

    assert asyncio.all_tasks() == before


def test_a_gate_is_described_with_its_progress() -> None:
    """As far as it is known."""
    gate = Gate("cache:accounts", at_once, required=False)
    assert gate.describe() == "cache:accounts"
    gate.progress(500, 1000)
    assert gate.describe() == "cache:accounts 500/1000"
    gate.progress(600)
    assert gate.describe() == "cache:accounts"
