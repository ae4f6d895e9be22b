"""A thread pool that can tell a deadlock from slow work.

A pool whose workers all wait for locks or for results of the same pool will never finish anything;
a pool whose workers wait for the network is merely slow, and no reason to restart anybody. Both
look the same from outside: a backlog and no completions. The innermost frames of the workers tell
them apart.
"""

import asyncio
import concurrent.futures
import linecache
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import FrameType
from typing import Any, ParamSpec, TypeVar

from .frames import current_frames
from .limits import Limits
from .report import stack_lines
from .verdict import Evidence, Level
from .waits import context_of_thread

P = ParamSpec("P")
T = TypeVar("T")


class Pool:
    """A `ThreadPoolExecutor` that counts and knows which thread runs what.

    Args:
        name: What it is called in checks and metrics; its threads are called so too.
        workers: How many threads it may have.
    """

    def __init__(self, name: str, workers: int) -> None:
        self.name = name
        self.workers = workers
        self.submitted = 0
        self.completed = 0
        self._executor = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._running: dict[concurrent.futures.Future[Any], threading.Thread | None] = {}
        self._threads: set[threading.Thread] = set()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the pool and return what it returns, or raise what it raises.

        It sees the caller's context variables, such as the current trace, but no deadline.
        """
        job: Callable[[], T] = partial(context_of_thread().run, function, *args, **kwargs)
        return await asyncio.wrap_future(self.submit(job))

    def submit(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> concurrent.futures.Future[T]:
        """Queue `function` and return the future of its result."""
        started: list[threading.Thread] = []
        cell: list[concurrent.futures.Future[T]] = []

        def job() -> T:
            thread = threading.current_thread()
            self._threads.add(thread)
            started.append(thread)
            if cell:
                self._running[cell[0]] = thread
            return function(*args, **kwargs)

        future = self._executor.submit(job)
        self.submitted += 1
        cell.append(future)
        # In this order one of the two, this thread or the pool's, always sees what the other did.
        self._running.setdefault(future, None)
        if started:
            self._running[future] = started[0]
        future.add_done_callback(self._finished)
        return future

    def _finished(self, future: concurrent.futures.Future[Any]) -> None:
        self.completed += 1
        self._running.pop(future, None)

    def deliverers(self, future: concurrent.futures.Future[Any]) -> tuple[threading.Thread, ...]:
        """Return the threads of which one must deliver `future`; empty if it is not from here."""
        try:
            thread = self._running[future]
        except KeyError:
            return ()
        if thread is not None:
            return (thread,)
        return tuple(self._threads) if len(self._threads) >= self.workers else ()

    @property
    def backlog(self) -> int:
        """How many jobs wait for a free thread."""
        return max(0, self.submitted - self.completed - self.workers)

    @property
    def threads(self) -> tuple[threading.Thread, ...]:
        """The threads that have run something."""
        return tuple(self._threads)

    def close(self) -> None:
        """Drop what is queued; threads that are busy are not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)


_IO_FUNCTIONS = frozenset(
    {"recv", "recv_into", "accept", "connect", "readinto", "read", "select", "poll", "getaddrinfo"}
)
"""Names whose call on the innermost line means that the thread waits for the outside world."""


def pursuit(frame: FrameType) -> str:
    """Return what a thread is about: `lock`, `future`, `io` or `run`."""
    current: FrameType | None = frame
    while current is not None and _is_waiting_code(current):
        if current.f_code.co_name == "result":
            return "future"
        current = current.f_back
    if current is not frame:
        return "lock"
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    if frame.f_code.co_name in _IO_FUNCTIONS or any(f".{name}(" in line for name in _IO_FUNCTIONS):
        return "io"
    enters = line.strip().startswith("with ") and "(" not in line  # not `with open(...)`
    return "lock" if ".acquire(" in line or enters else "run"


def _is_waiting_code(frame: FrameType) -> bool:
    filename = frame.f_code.co_filename
    return filename.endswith(("/threading.py", "/concurrent/futures/_base.py", "/locks.py"))


class PoolDetector:
    """Finds a pool that has a backlog and completes nothing.

    Args:
        pool: The pool.
        limits: When to suspect it and when it is broken.
    """

    def __init__(self, pool: Pool, limits: Limits) -> None:
        self._pool = pool
        self._limits = limits
        self._completed = -1  # so that the first look begins to count
        self._since = 0.0

    def look(self, now: float) -> Iterator[Evidence]:
        """Yield evidence if nothing was completed for too long at tick time `now`."""
        completed, backlog = self._pool.completed, self._pool.backlog
        if completed != self._completed or not backlog:
            self._completed, self._since = completed, now
            return
        stuck = now - self._since
        if stuck < self._limits.pool_suspect_seconds:
            return
        frames = current_frames()
        busy = [thread for thread in self._pool.threads if thread.ident in frames]
        pursuits = [pursuit(frames[thread.ident or 0]) for thread in busy]
        hopeless = bool(pursuits) and set(pursuits) <= {"lock", "future"}
        level = Level.SUSPECT if hopeless else Level.NOTICE
        if hopeless and stuck >= self._limits.pool_broken_seconds:
            level = Level.BROKEN
        counts = ", ".join(f"{pursuits.count(kind)} in {kind}" for kind in sorted(set(pursuits)))
        yield Evidence(
            check=f"pool:{self._pool.name}",
            cause="pool-starved" if hopeless else "pool-saturated",
            level=level,
            headline=f"POOL {self._pool.name} without a completion for {stuck:.0f}s",
            explanation=f"pool {self._pool.name}: {backlog} jobs wait behind {len(busy)} threads"
            f" ({counts})",
            stacks=stack_lines(busy, lambda thread: frames.get(thread.ident or 0)),
        )


class PoolsDetector:
    """Looks after every pool, also after one that is added while the process runs.

    Args:
        pools: The pools; may grow.
        limits: When to suspect one and when it is broken.
    """

    is_urgent = False

    def __init__(self, pools: Sequence[Pool], limits: Limits) -> None:
        self._pools = pools
        self._limits = limits
        self._detectors: list[PoolDetector] = []

    def look(self, now: float) -> Iterator[Evidence]:
        """Yield evidence against any of the pools at tick time `now`."""
        for pool in self._pools[len(self._detectors) :]:
            self._detectors.append(PoolDetector(pool, self._limits))
        for detector in self._detectors:
            yield from detector.look(now)
