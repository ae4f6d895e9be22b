"""Supervised background work: restarted when it dies, cancelled when it hangs, given up in the end.

A worker says that it lives by calling its beat. It is restarted with back-off when it raises or
returns; when that happens too often, or when it hangs and does not honour its cancellation, the
process is broken: a fresh one has a better chance. A wait for another service is no hang: it goes
inside `with beat.waiting():`. What goes wrong while fetching or decoding another service's data is
the worker's own to catch: it is no death.
"""

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterator

from .journal import Journal
from .warmup import Gate

FIRST_BACKOFF_SECONDS = 0.2
"""The pause before the first restart, in seconds; doubled each time."""

LONGEST_BACKOFF_SECONDS = 5.0
"""The longest pause, in seconds: six deaths still fall into the window of 60 s."""


class Beat:
    """How a worker says that it lives; call it, and put waits for others inside `waiting`."""

    __slots__ = ("count", "should_stop", "waits")

    def __init__(self) -> None:
        self.count = 0
        self.waits = 0
        self.should_stop = False
        """Set when the process drains: take no new work."""

    def __call__(self) -> None:
        """Say that the worker lives."""
        self.count += 1

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Mark a wait for another service: its slowness is not the worker's."""
        self.count += 1
        self.waits += 1
        try:
            yield
        finally:
            self.waits -= 1
            self.count += 1


class Worker:
    """One piece of background work and its record."""

    def __init__(
        self, name: str, run: Callable[[Beat], Awaitable[None]], deadline_seconds: float
    ) -> None:
        self.name = name
        self.run = run
        self.deadline_seconds = deadline_seconds
        self.beat = Beat()
        self.task: asyncio.Task[None] | None = None
        self.deaths: deque[float] = deque()
        self.last_cause = ""
        self.silent_seconds = 0.0
        """Ticks since its last beat; kept by the watchdog."""
        self.cancelled_at: float | None = None
        self.restarts_total = 0

    async def live(self) -> None:
        """Run once; that it cannot even begin is a death like any other."""
        await self.run(self.beat)

    def cancel(self) -> None:
        """Cancel a run that hangs; called on the event loop."""
        if self.task is not None:
            self.task.cancel("silent for too long")


class Workers:
    """Supervises all workers of a process.

    Args:
        now: The watchdog's tick time, in seconds.
        journal: Where deaths are written.
        dice: Where the jitter of the back-off comes from.
    """

    def __init__(self, *, now: Callable[[], float], journal: Journal, dice: random.Random) -> None:
        self._now = now
        self._journal = journal
        self._dice = dice
        self._supervisors: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self.all: list[Worker] = []

    def add(
        self, name: str, run: Callable[[Beat], Awaitable[None]], deadline_seconds: float
    ) -> Worker:
        """Add a worker; to be called before the start."""
        worker = Worker(name, run, deadline_seconds)
        self.all.append(worker)
        return worker

    def start(self) -> None:
        """Start every worker on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._supervisors = [
            asyncio.create_task(self._supervise(worker), name=f"supervise {worker.name}")
            for worker in self.all
        ]

    def cancel(self, worker: Worker) -> None:
        """Cancel a worker that hangs; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(worker.cancel)

    def tell_to_stop(self) -> None:
        """Tell every worker to take no new work."""
        for worker in self.all:
            worker.beat.should_stop = True

    async def stop(self) -> None:
        """Cancel the workers; one that does not honour it is left behind."""
        for supervisor in self._supervisors:
            supervisor.cancel()
        await asyncio.sleep(0)
        runs = [worker.task for worker in self.all if worker.task and not worker.task.done()]
        for run in runs:
            run.cancel()
        if runs or self._supervisors:
            await asyncio.wait([*runs, *self._supervisors], timeout=0.5)

    async def first_beats(self, gate: Gate) -> None:
        """Return when every worker has beaten once: a gate of the warm-up."""
        del gate
        while any(not worker.beat.count for worker in self.all):  # noqa: ASYNC110 - a beat must cost nothing
            await asyncio.sleep(0.01)  # far below what a probe could notice

    async def _supervise(self, worker: Worker) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        while not worker.beat.should_stop:
            beats = worker.beat.count
            worker.task = asyncio.create_task(worker.live(), name=worker.name)
            await asyncio.wait({worker.task})
            if worker.beat.should_stop:
                return
            self._record_death(worker, worker.task)
            if worker.beat.count > beats + 10:
                backoff = FIRST_BACKOFF_SECONDS  # it had really worked: begin anew
            await asyncio.sleep(backoff * self._dice.uniform(0.5, 1.0))
            backoff = min(2 * backoff, LONGEST_BACKOFF_SECONDS)

    def _record_death(self, worker: Worker, run: asyncio.Task[None]) -> None:
        if run.cancelled():
            worker.last_cause = "cancelled after a hang"
        elif (failure := run.exception()) is not None:
            worker.last_cause = f"raised {type(failure).__name__}"
            self._journal.write(
                logging.ERROR, "worker died", worker=worker.name, error=repr(failure)
            )
        else:
            worker.last_cause = "returned"
        worker.deaths.append(self._now())
        worker.restarts_total += 1
        worker.silent_seconds = 0.0
        worker.cancelled_at = None
        self._journal.write(
            logging.WARNING, "worker restarts", worker=worker.name, cause=worker.last_cause
        )
