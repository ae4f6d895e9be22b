"""What one look at who waits for whom costs, with 10 to 10,000 tasks that wait."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator

from messenger.health import AsyncLock
from messenger.health.deadlocks import DeadlockDetector
from messenger.health.limits import Limits

from .plot import Plot
from .row import Length, Row, Spread, spread

TASKS = (10, 100, 1_000, 10_000)

SCANS = 15
"""How many looks the figures come from."""

LIMITS = Limits()

MOST_MILLISECONDS = 100.0
"""What a look may take with 10,000 waits. Four a second are then two fifths of a core, and a loop
that shares the interpreter with them goes on; one wait costs it as much as a small request."""

UNBOUND = "a ring"
"""Reported alone: it is a deadlock, and each look writes down thousands of stacks."""

Shape = Callable[[int], Iterator[Coroutine[None, None, None]]]
"""Makes so many tasks that wait."""


def rows(length: Length) -> list[Row]:
    """Measure tasks that wait for nothing we see, for one lock, and each for the next."""
    numbers = [n for n in TASKS if n <= length.of(quick=1_000, usual=10_000)]
    shapes = {"no lock": _sleepers, "a queue": _queue, "a chain": _chain, "a ring": _ring}
    found = {
        name: [(n, asyncio.run(_milliseconds(shape, n))) for n in numbers]
        for name, shape in shapes.items()
    }
    control = found.pop("no lock")
    plot = Plot(
        "waits",
        "One look at who waits for whom",
        "tasks",
        "ms",
        {name: [(n, each.middle) for n, each in line] for name, line in found.items()},
    )
    return [
        Row(
            f"a look at who waits for whom, ms, {numbers[0]} to {numbers[-1]:,} tasks in {name}",
            _told(control),
            _told(line),
            "reported" if name == UNBOUND else f"at most {MOST_MILLISECONDS:g}: {line[-1][1]}",
            None if name == UNBOUND else line[-1][1].middle <= MOST_MILLISECONDS,
            plot if name == "a queue" else None,
        )
        for name, line in found.items()
    ]


async def _milliseconds(shape: Shape, number: int) -> Spread:
    """Return what a look at tasks of this shape takes, once their waits are old enough."""
    tasks = [asyncio.create_task(body) for body in shape(number)]
    for _ in range(5):
        await asyncio.sleep(0)  # until all wait
    detector = DeadlockDetector(LIMITS, lambda _: ())
    detector.loop_thread = threading.current_thread()
    list(detector.look(0.0))
    took = []
    for scan in range(SCANS):
        began = time.thread_time_ns()
        list(detector.look(LIMITS.cycle_age_seconds * 2 + scan))
        took.append((time.thread_time_ns() - began) / 1e6)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return spread(took)


def _sleepers(number: int) -> Iterator[Coroutine[None, None, None]]:
    """Wait for nothing that is looked at."""
    return (asyncio.sleep(3600) for _ in range(number))


def _queue(number: int) -> Iterator[Coroutine[None, None, None]]:
    """All wait for the lock of one."""
    lock = AsyncLock("bench")
    yield _hold(lock, None)
    for _ in range(number):
        yield _hold(lock, None)


def _chain(number: int) -> Iterator[Coroutine[None, None, None]]:
    """Each waits for the lock of the next one, and the last one for nothing."""
    locks = [AsyncLock(f"bench-{n}") for n in range(number + 1)]
    return (_hold(lock, after) for lock, after in zip(locks, [*locks[1:], None], strict=True))


def _ring(number: int) -> Iterator[Coroutine[None, None, None]]:
    """Each waits for the lock of the next one, and the last one for that of the first."""
    locks = [AsyncLock(f"bench-{n}") for n in range(number)]
    return (_hold(lock, after) for lock, after in zip(locks, locks[1:] + locks[:1], strict=True))


async def _hold(lock: AsyncLock, after: AsyncLock | None) -> None:
    """Take a lock, and then wait for another one, or for a long time."""
    async with lock:
        await asyncio.sleep(0)
        if after is None:
            await asyncio.sleep(3600)
            return
        async with after:
            pass


def _told(line: list[tuple[int, Spread]]) -> str:
    return ", ".join(f"{n}: {each.middle:.3g}" for n, each in line)
