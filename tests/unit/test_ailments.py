"""Faults of the process: what can be undone is, when it is ordered or when its time is over.

What ends with the process, such as a deadlock, is shown in the integration tier: here it would end
with the tests.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send

from messenger import stalls
from messenger.ailments import SETTLE_SECONDS, Ailments, LeakMiddleware, never
from messenger.faults import ProcessFault, split
from messenger.health import AsyncLock, Beat, Lock
from messenger.process import make_health
from messenger.settings import Settings

TTL_SECONDS = 0.01
"""A time to live that is over soon."""


def make() -> Ailments:
    """Return the ills of a process that has none yet."""
    pool = make_health(Settings(pod="p")).add_pool("pool", 1)
    return Ailments((Lock("a"), Lock("b")), (AsyncLock("c"), AsyncLock("d")), pool)


def fault(text: str) -> ProcessFault:
    """Return the one fault that a text orders."""
    _, (ordered,) = split(text)
    return ordered


async def work(beat: Beat) -> None:
    """Do the work of a worker: beat once."""
    beat()


class Requests:
    """What stands behind a LeakMiddleware, and counts what reaches it."""

    def __init__(self) -> None:
        self.served = 0

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        """Serve one request."""
        self.served += 1


async def call(middleware: LeakMiddleware) -> None:
    """Make one request that nobody reads the answer of."""

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(_message: object) -> None:
        return

    await middleware({"type": "http"}, receive, send)


@contextlib.asynccontextmanager
async def begun(work: asyncio.Task[None]) -> AsyncIterator[asyncio.Task[None]]:
    """Let a task come as far as it comes, and cancel it in the end until it hears."""
    await asyncio.sleep(0)
    yield work
    while not work.done():
        work.cancel()
        await asyncio.sleep(0)


async def test_a_leak_swallows_requests_until_it_is_undone() -> None:
    """Those that were swallowed stay so; those that come later are served."""
    ailments, requests = make(), Requests()
    middleware = LeakMiddleware(requests, ailments=ailments)
    ailments.begin(fault("leak"))
    async with begun(asyncio.create_task(call(middleware))) as swallowed:
        ailments.end()
        await call(middleware)

        assert not swallowed.done()
    assert requests.served == 1
    assert ailments.active == []


async def test_a_fault_passes_with_its_time_to_live() -> None:
    """It is listed until then, and not after."""
    ailments = make()
    ailments.begin(fault("leak"), ttl_seconds=TTL_SECONDS)
    listed = list(ailments.active)
    await asyncio.sleep(3 * TTL_SECONDS)

    assert listed == ["leak"]
    assert (ailments.active, ailments.is_leaking) == ([], False)


async def test_the_time_of_one_fault_ends_no_other() -> None:
    """Each kind has a time of its own."""
    ailments = make()
    ailments.begin(fault("leak"))
    ailments.begin(fault("worker=crash"), ttl_seconds=TTL_SECONDS)
    await asyncio.sleep(3 * TTL_SECONDS)

    assert (ailments.active, ailments.is_leaking) == (["leak"], True)


async def test_an_order_that_comes_later_replaces_the_time_of_an_earlier_one() -> None:
    """What is ordered without an end has none."""
    ailments = make()
    ailments.begin(fault("leak"), ttl_seconds=TTL_SECONDS)
    ailments.begin(fault("leak"))
    await asyncio.sleep(3 * TTL_SECONDS)

    assert (ailments.active, ailments.is_leaking) == (["leak"], True)


async def test_a_crashing_worker_raises_until_it_is_well() -> None:
    """Its body does the work again as soon as the fault has passed."""
    ailments, beat = make(), Beat()
    run = ailments.afflict(work)
    ailments.begin(fault("worker=crash"))
    with pytest.raises(RuntimeError, match="worker=crash"):
        await run(beat)
    ailments.end()
    await run(beat)

    assert beat.count == 1


async def test_a_hanging_worker_ignores_its_cancellation_until_it_is_well() -> None:
    """Then it does its work, late."""
    ailments, beat = make(), Beat()
    ailments.begin(fault("worker=hang"))
    async with begun(asyncio.ensure_future(ailments.afflict(work)(beat))) as hanging:
        hanging.cancel()
        await asyncio.sleep(0)
        assert (hanging.done(), beat.count) == (False, 0)
        ailments.end()
        await hanging

    assert beat.count == 1


async def test_a_worker_that_hangs_can_be_made_to_crash_instead() -> None:
    """A worker has one fault at a time: the one that was ordered last."""
    ailments = make()
    ailments.begin(fault("worker=hang"))
    async with begun(asyncio.ensure_future(ailments.afflict(work)(Beat()))) as hanging:
        ailments.begin(fault("worker=crash"))
        with pytest.raises(RuntimeError, match="worker=crash"):
            await hanging

    assert ailments.active == ["worker=crash"]


async def test_a_stall_begins_when_its_order_is_answered_and_is_forgotten_when_it_has_passed() -> (
    None
):
    """For as long as it lasts the loop does nothing else."""
    ailments = make()
    ailments.begin(fault("stall=sleep:50ms"))
    ailments.end()
    listed = list(ailments.active)
    began = time.monotonic()
    await asyncio.sleep(SETTLE_SECONDS + 0.001)
    seconds = time.monotonic() - began

    assert listed == ["stall=sleep:50ms"]
    assert seconds >= SETTLE_SECONDS + 0.05
    assert ailments.active == []


@pytest.mark.parametrize("way", stalls.STALLS)
def test_a_stall_takes_at_least_as_long_as_it_says(way: str) -> None:
    """Whether it sleeps, computes or backtracks."""
    began = time.monotonic()
    stalls.STALLS[way](0.05)

    # A processor's speed may change between what is timed and what follows from it.
    assert time.monotonic() - began >= 0.8 * 0.05


def test_no_time_with_the_gil_is_no_time() -> None:
    """The shortest stall is the one that finds out how fast the machine is."""
    stalls.hold_gil(0.0)


async def test_a_gate_that_never_opens_does_not() -> None:
    """The fault `never-ready` is a wait without an end."""
    health = make_health(Settings(pod="p"))
    health.add_gate("never-ready", never, required=True)
    (gate,) = health.warm_up.gates
    async with begun(asyncio.ensure_future(never(gate))) as waiting:
        assert not waiting.done()
