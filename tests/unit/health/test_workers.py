"""Background work: begun again when it ends, stopped when the process leaves."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from messenger.health.journal import Journal
from messenger.health.warmup import Gate
from messenger.health.workers import Beat, Worker, Workers

from .clock import FakeClock


class NoPause(random.Random):
    """Dice that make every pause nothing, and count the pauses."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses = 0

    def uniform(self, a: float, b: float) -> float:
        """Return 0."""
        del a, b
        self.pauses += 1
        return 0.0


def supervised(clock: FakeClock) -> Workers:
    """Return workers that are begun again without a pause."""
    return Workers(now=clock, journal=Journal(), dice=NoPause())


@asynccontextmanager
async def started(workers: Workers) -> AsyncIterator[None]:
    """Run the workers."""
    workers.start()
    try:
        yield
    finally:
        workers.tell_to_stop()
        await workers.stop()


async def until(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)


async def work(beat: Beat) -> None:
    """Work as long as the process lives."""
    while True:
        beat()
        await asyncio.sleep(0.001)


async def test_a_worker_that_works_is_left_alone(clock: FakeClock) -> None:
    """It runs as a task under its own name, and dies of nothing."""
    workers = supervised(clock)
    worker = workers.add("refresh", work, 30)
    async with started(workers):
        await until(lambda: worker.beat.count > 3)

        assert worker.task is not None
        assert worker.task.get_name() == "refresh"
        assert worker.restarts_total == 0
        assert not worker.deaths


async def test_a_worker_that_raises_is_begun_again(clock: FakeClock) -> None:
    """Its death is recorded with its time and its cause."""
    workers = supervised(clock)
    runs = 0

    async def run(beat: Beat) -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise LookupError("a secret")
        await work(beat)

    worker = workers.add("refresh", run, 30)
    async with started(workers):
        await until(lambda: worker.beat.count)

        assert worker.restarts_total == 2
        assert list(worker.deaths) == [clock.now] * 2
        assert worker.last_cause == "raised LookupError"


async def test_a_worker_that_cannot_even_begin_has_died(clock: FakeClock) -> None:
    """Its function may be an ordinary one that raises before it returns what is to be awaited."""
    workers = supervised(clock)
    runs = 0

    def run(beat: Beat) -> Awaitable[None]:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise LookupError("no such thing")
        return work(beat)

    worker = workers.add("refresh", run, 30)
    async with started(workers):
        await until(lambda: worker.beat.count)

        assert worker.restarts_total == 2
        assert worker.last_cause == "raised LookupError"


async def test_a_worker_that_returns_is_begun_again(clock: FakeClock) -> None:
    """Its work was to go on for as long as the process lives."""
    workers = supervised(clock)

    async def run(beat: Beat) -> None:
        beat()

    worker = workers.add("refresh", run, 30)
    async with started(workers):
        await until(lambda: worker.restarts_total >= 3)

        assert worker.last_cause == "returned"


async def test_a_worker_that_is_cancelled_for_its_silence_is_begun_again(clock: FakeClock) -> None:
    """From the watchdog's thread, by way of the loop."""
    workers = supervised(clock)
    runs = 0

    async def run(beat: Beat) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            await asyncio.Event().wait()
        await work(beat)

    worker = workers.add("refresh", run, 30)
    async with started(workers):
        await until(lambda: runs)
        worker.cancelled_at, worker.silent_seconds = clock.now, 31.0
        await asyncio.to_thread(workers.cancel, worker)
        await until(lambda: worker.beat.count)

        assert worker.last_cause == "cancelled after a hang"
        assert worker.cancelled_at is None
        assert worker.silent_seconds == 0


class ShortPauses(random.Random):
    """Dice that make every pause a twentieth of what it would be at most."""

    def uniform(self, a: float, b: float) -> float:
        """Return a twentieth."""
        del a, b
        return 0.05


async def test_the_pause_doubles_and_begins_anew_after_real_work(clock: FakeClock) -> None:
    """A crash loop is slow; a worker that had really worked is back at once."""
    workers = Workers(now=clock, journal=Journal(), dice=ShortPauses())
    began: list[float] = []

    async def run(beat: Beat) -> None:
        began.append(asyncio.get_running_loop().time())
        if len(began) == 5:
            for _ in range(20):
                beat()
        raise OSError

    worker = workers.add("refresh", run, 30)
    async with started(workers):
        await until(lambda: worker.restarts_total >= 6)
    pauses = [after - before for before, after in pairwise(began)]

    # In real time, which can only be longer: 0.2 s, 0.4 s and so on, by twenty.
    for pause, least in zip(pauses, (0.01, 0.02, 0.04, 0.08), strict=False):
        assert pause >= least * 0.9
    assert pauses[4] < sum(pauses[:4])


async def test_a_draining_worker_is_not_begun_again(clock: FakeClock) -> None:
    """It may return as soon as it sees that it should stop."""
    workers = supervised(clock)

    async def run(beat: Beat) -> None:
        while not beat.should_stop:
            beat()
            await asyncio.sleep(0.001)

    worker = workers.add("refresh", run, 30)
    async with started(workers):
        await until(lambda: worker.beat.count)
        workers.tell_to_stop()
        await until(lambda: worker.task is not None and worker.task.done())
        await asyncio.sleep(0.01)

        assert worker.restarts_total == 0


async def test_a_worker_that_died_just_before_the_drain_is_not_begun_again(
    clock: FakeClock,
) -> None:
    """The pause is the moment in which it is decided."""
    workers = Workers(now=clock, journal=Journal(), dice=ShortPauses())
    runs = 0

    async def run(_: Beat) -> None:
        nonlocal runs
        runs += 1

    worker = workers.add("refresh", run, 30)
    async with started(workers):
        await until(lambda: worker.restarts_total == 1)
        workers.tell_to_stop()
        await asyncio.sleep(0.05)

        assert runs == 1


async def test_stopping_cancels_who_works_and_leaves_behind_who_does_not_listen(
    clock: FakeClock,
) -> None:
    """Half a second at most."""
    workers, go = supervised(clock), asyncio.Event()

    async def stubborn(_: Beat) -> None:
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue

    good, bad = workers.add("good", work, 30), workers.add("bad", stubborn, 30)
    async with started(workers):
        await until(lambda: good.beat.count)
    assert good.task is not None
    assert bad.task is not None

    assert good.task.cancelled()
    assert not bad.task.done()
    go.set()
    await bad.task


async def test_stopping_before_the_start_is_nothing(clock: FakeClock) -> None:
    """Nobody is there to be cancelled; nor can anybody be."""
    workers = supervised(clock)
    worker = workers.add("refresh", work, 30)
    workers.cancel(worker)
    worker.cancel()
    await workers.stop()

    assert worker.task is None


async def test_cancelling_on_a_loop_that_is_closed_is_nothing(clock: FakeClock) -> None:
    """The watchdog may be a tick behind."""
    workers = supervised(clock)
    worker = workers.add("refresh", work, 30)

    def live() -> None:
        async def main() -> None:
            async with started(workers):
                await until(lambda: worker.beat.count)

        asyncio.run(main())

    await asyncio.to_thread(live)
    workers.cancel(worker)

    assert worker.task is not None
    assert worker.task.cancelled()


async def test_the_gate_opens_when_every_worker_has_beaten_once(clock: FakeClock) -> None:
    """Not before the last of them."""
    workers, go = supervised(clock), asyncio.Event()

    async def later(beat: Beat) -> None:
        await go.wait()
        await work(beat)

    workers.add("early", work, 30)
    workers.add("late", later, 30)
    gate = Gate("workers", workers.first_beats, required=True)
    async with started(workers):
        opening = asyncio.create_task(workers.first_beats(gate))
        await asyncio.sleep(0.03)
        assert not opening.done()
        go.set()
        async with asyncio.timeout(5):
            await opening


def test_a_wait_for_another_service_is_marked() -> None:
    """As long as it lasts, whatever comes of it; its ends are signs of life."""
    beat = Worker("refresh", work, 30).beat

    def fetch() -> None:
        with beat.waiting():
            assert beat.waits == 1
            assert beat.count == 1
            raise OSError("reset")

    with pytest.raises(OSError, match="reset"):
        fetch()

    assert beat.waits == 0
    assert beat.count == 2
