"""What an application builds: the parts together, with a real watchdog for a moment."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from messenger.health import AsyncLock, Beat, Finding, Gate, Health, Limits, Lock, Status
from messenger.health.detectors import DETECTORS
from messenger.health.inflight import InFlight
from messenger.health.lifecycle import State
from messenger.health.probes import Question

from .clock import FakeClock
from .parties import thread, until_in
from .test_routes import other

QUICK = Limits(
    stall_suspect_seconds=0.1,
    stall_broken_seconds=0.3,
    cycle_age_seconds=0.2,
    cycle_confirm_seconds=0.2,
    pool_suspect_seconds=0.1,
    pool_broken_seconds=0.3,
    worker_cancel_seconds=0.2,
)
"""Limits under which a verdict takes no longer than a test may."""


@asynccontextmanager
async def running(
    detectors: frozenset[str] = DETECTORS,
    prepare: Callable[[Health], object] = lambda _: None,
    termination_log: Path | None = None,
) -> AsyncIterator[Health]:
    """Run a health with a watchdog and a heartbeat, as a server would."""
    health = Health(
        limits=QUICK, termination_log=termination_log, gil_timer=False, detectors=detectors
    )
    prepare(health)
    flight = InFlight(
        other,
        lifecycle=health.lifecycle,
        progress=health.progress,
        now=lambda: health.ticks.now,
    )
    health.start(flight, lambda: None)
    health.lifecycle.move(State.WARMING, "test")

    async def beat_on() -> None:
        while True:
            health.progress.beat()
            await asyncio.sleep(0.02)

    heart = asyncio.create_task(beat_on())
    yield health
    heart.cancel()
    health.tell_draining()
    await health.workers.stop()
    health.stop()


async def broken_within(health: Health, seconds: float) -> str | None:
    """Return the cause that breaks it, or None if nothing does for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if health.verdict.is_broken:
            return health.verdict.evidence[0].cause
        await asyncio.sleep(0.01)
    return None


async def written_within(read: Callable[[], str], seconds: float) -> str:
    """Return what is written to a file, which the watchdog does after it has reached a verdict."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if text := read():
            return text
        await asyncio.sleep(0.01)
    return ""


async def deadlock() -> list[asyncio.Task[None]]:
    """Start two tasks that wait for one another."""
    first, second = AsyncLock("first"), AsyncLock("second")

    async def take(one: AsyncLock, two: AsyncLock) -> None:
        async with one:
            await asyncio.sleep(0)
            async with two:
                pass

    return [asyncio.create_task(take(first, second)), asyncio.create_task(take(second, first))]


async def end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_a_deadlock_is_found_written_down_and_answered(tmp_path: Path) -> None:
    """From the locks to the probe and the termination message."""
    path = tmp_path / "termination-log"
    path.touch()
    async with running(termination_log=path) as health:
        tasks = await deadlock()
        cause = await broken_within(health, 5)
        answer = health.probes.answer(Question("GET", "/health/alive"))
        message = await written_within(path.read_text, 5)
        await end(tasks)

    assert cause == "deadlock-tasks"
    assert answer.code == 503
    assert message, "nothing was written"
    assert message.splitlines()[-1].startswith("cycle: ")


async def test_without_the_detector_of_deadlocks_none_is_found() -> None:
    """The control: it is this detector that finds them."""
    async with running(DETECTORS - {"deadlocks"}) as health:
        tasks = await deadlock()
        cause = await broken_within(health, 1)
        await end(tasks)

    assert cause is None


@pytest.mark.parametrize("detectors", [DETECTORS, DETECTORS - {"stall"}], ids=["with", "without"])
async def test_a_stall_is_found_by_its_detector_only(detectors: frozenset[str]) -> None:
    """A loop that is blocked; it recovers as soon as it moves."""
    async with running(detectors) as health:
        deadline = time.monotonic() + (5 if "stall" in detectors else 0.6)
        while not health.verdict.is_broken and time.monotonic() < deadline:
            time.sleep(0.01)  # noqa: ASYNC251 - blocking the loop is the point
        found = health.verdict.is_broken
        await asyncio.sleep(0)
        for _ in range(500):
            if not health.verdict.is_broken:
                break
            await asyncio.sleep(0.01)

        assert found is ("stall" in detectors)
        assert not health.verdict.is_broken


@pytest.mark.parametrize("detectors", [DETECTORS, DETECTORS - {"pools"}], ids=["with", "without"])
async def test_a_starved_pool_is_found_by_its_detector_only(detectors: frozenset[str]) -> None:
    """One thread, stuck in a lock, and a job behind it."""
    lock = Lock()
    lock.acquire(timeout=1)
    async with running(detectors, lambda health: health.add_pool("render", 1)) as health:
        (pool,) = health.pools

        def job() -> None:
            with lock:
                pass

        futures = [pool.submit(job), pool.submit(time.sleep, 0)]
        cause = await broken_within(health, 5 if "pools" in detectors else 0.8)
        lock.release()
        for future in futures:
            await asyncio.wrap_future(future)

    assert cause == ("pool-starved" if "pools" in detectors else None)


async def test_a_pool_that_is_added_to_a_running_process_is_watched() -> None:
    """It may be made when it is first needed."""
    lock = Lock()
    lock.acquire(timeout=1)
    async with running() as health:
        pool = health.add_pool("render", 1)

        def job() -> None:
            with lock:
                pass

        futures = [pool.submit(job), pool.submit(job)]
        cause = await broken_within(health, 5)
        lock.release()
        for future in futures:
            await asyncio.wrap_future(future)

    assert cause == "pool-starved"


@pytest.mark.parametrize("detectors", [DETECTORS, DETECTORS - {"workers"}], ids=["with", "without"])
async def test_a_hanging_worker_is_found_by_its_detector_only(detectors: frozenset[str]) -> None:
    """One that does not honour its cancellation."""
    go = asyncio.Event()

    async def hang(_: Beat) -> None:
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue

    def prepare(health: Health) -> None:
        health.add_worker("refresh", hang, deadline_seconds=0.1)

    async with running(detectors, prepare) as health:
        cause = await broken_within(health, 5 if "workers" in detectors else 0.8)
        go.set()

    assert cause == ("worker-hung" if "workers" in detectors else None)


async def test_a_thread_that_waits_for_a_job_of_a_pool_is_followed() -> None:
    """The deadlock detector asks the pools that were added."""
    lock = Lock("shared")
    async with running(prepare=lambda health: health.add_pool("render", 1)) as health:
        (pool,) = health.pools

        def job() -> None:
            lock.acquire()
            lock.release()

        def parent() -> None:
            with lock:
                pool.submit(job).result()

        stuck = thread(parent, "parent")
        await asyncio.to_thread(until_in, stuck, "result")
        cause = await broken_within(health, 5)
        lock.release()
        await asyncio.to_thread(stuck.join, 5)

    assert cause == "deadlock-threads"


async def test_a_process_is_ready_when_every_gate_has_settled() -> None:
    """The first beats of its workers are one of them."""
    go = asyncio.Event()

    async def load(gate: Gate) -> None:
        gate.progress(1, 2)
        await go.wait()

    async def work(beat: Beat) -> None:
        while True:
            beat()
            await asyncio.sleep(0.01)

    def prepare(health: Health) -> None:
        health.add_gate("cache", load)
        health.add_worker("refresh", work)

    async with running(prepare=prepare) as health:
        warming = asyncio.create_task(health.warm())
        await asyncio.sleep(0.05)
        assert health.readings.notes()[0] == "waiting for cache 1/2"
        go.set()
        await warming

        assert health.lifecycle.state is State.SERVING
        assert [gate.name for gate in health.warm_up.gates] == ["cache", "workers"]


def test_a_detector_that_does_not_exist_is_refused() -> None:
    """A slip of the pen would leave out what was meant to look."""
    with pytest.raises(ValueError, match=r"no such detectors: pool; there are deadlocks, leaks, "):
        Health(termination_log=None, detectors={"pool", "stall"})


async def test_streams_and_workers_hear_of_the_drain() -> None:
    """Whoever waits for it, and whoever looks."""
    async with running() as health:
        waiting = asyncio.create_task(health.until_draining())
        await asyncio.sleep(0)
        assert not waiting.done()
        health.tell_draining()
        async with asyncio.timeout(5):
            await waiting


async def test_flushes_are_kept_for_the_end() -> None:
    """They are run by the server."""
    done: list[str] = []

    async def flush() -> None:
        done.append("flushed")

    health = Health(termination_log=None)
    health.on_flush(flush)
    await health.flushes.run(1)

    assert done == ["flushed"]


def test_a_check_of_the_application_is_sampled_and_its_crash_is_logged() -> None:
    """With the clock of the ticks."""
    health = Health(termination_log=None, clock=FakeClock())

    def crash() -> Finding:
        raise LookupError

    health.add_check("downstream:presence", lambda: Finding(Status.WARN, "recent-calls-failing"))
    health.add_check("downstream:accounts", crash)
    health.sample()
    found = {check.name: check.read() for check in health.readings.checks()}

    assert found["downstream:presence"].output == "recent-calls-failing"
    assert found["downstream:accounts"].output == "check-crashed"


@pytest.mark.parametrize(
    "name",
    ["locks:waitcycle", "lifecycle", "downstream:presence", "pool:later", "worker:a", "warmup:b"],
)
def test_a_check_of_the_application_does_not_hide_another(name: str) -> None:
    """A harmless one in the place of the deadlocks would keep a dead process alive."""
    health = Health(termination_log=None)
    health.add_check("downstream:presence", Finding)

    with pytest.raises(ValueError, match=name):
        health.add_check(name, Finding)


def test_a_health_that_never_began_can_be_told_to_drain_and_to_stop() -> None:
    """A process may end before it listens."""
    health = Health(termination_log=None)
    health.tell_draining()
    health.stop()

    assert health.lifecycle.state is State.BOOTING


async def test_the_gil_timer_is_used_unless_it_is_left_out() -> None:
    """It is the process's only one, so a test must call it off."""
    health = Health(termination_log=None, limits=QUICK)
    flight = InFlight(other, lifecycle=health.lifecycle, progress=health.progress, now=lambda: 0.0)
    health.start(flight, lambda: None)
    await asyncio.sleep(0.06)
    health.stop()

    assert health.ticks.now > 0
