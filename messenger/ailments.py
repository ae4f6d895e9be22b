"""Faults of the process itself, carried out: with the service's own locks, loop, pool and worker.

A prop that merely says "deadlock" would prove nothing. What is done here really happens: the
directory's locks are taken in opposite orders, the loop really stands still, and only the end of
the process undoes a deadlock, an orphaned lock or a starved pool. A stall passes by itself, and a
spoiled worker and a leak with their time to live.
"""

import asyncio
import contextlib
import contextvars
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from messenger.faults import ProcessFault
from messenger.health import AsyncLock, Beat, Gate, Lock, Pool, Worker
from messenger.stalls import STALLS

SETTLE_SECONDS = 0.2
"""How long a party keeps its first lock before it asks for the second: both have theirs by then."""

CURABLE = ("leak", "worker")
"""The kinds that can be undone, by order or when their time is over. A stall passes by itself, and
all others end with the process."""


class Ailments:
    """The ills of one process.

    Args:
        locks: Two thread locks of the service.
        async_locks: Two locks of its tasks.
        pool: Its thread pool.
    """

    def __init__(
        self, locks: tuple[Lock, Lock], async_locks: tuple[AsyncLock, AsyncLock], pool: Pool
    ) -> None:
        self._locks = locks
        self._async_locks = async_locks
        self._pool = pool
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._spoiled = ""
        self._worker_is_well = asyncio.Event()
        self._worker: Worker | None = None
        self.active: list[str] = []
        """What was carried out and has not passed, as it was written."""

        self.is_leaking = False
        """Whether business requests are swallowed and never answered."""

        self._acts: Mapping[str, Callable[[ProcessFault], None]] = {
            "deadlock": self._deadlock,
            "lock-orphan": self._orphan,
            "stall": self._stall,
            "pool": self._starve,
            "worker": self._spoil_worker,
            "leak": self._leak,
            "never-ready": lambda _fault: None,  # a gate of the warm-up, see `never`
        }

    def begin(self, fault: ProcessFault, ttl_seconds: float | None = None) -> None:
        """Carry out a fault; called on the event loop, of which it may be the last act.

        Args:
            fault: What to do.
            ttl_seconds: When to undo it, as far as it can be undone; None leaves it.
        """
        if fault.kind in CURABLE:
            self._cure(fault.kind)  # the order that came last counts
        self._acts[fault.kind](fault)
        self.active.append(fault.text)
        if fault.kind in CURABLE and ttl_seconds is not None:
            loop = asyncio.get_running_loop()
            self._timers[fault.kind] = loop.call_later(ttl_seconds, self._cure, fault.kind)

    def end(self) -> None:
        """Undo what can be undone."""
        for kind in CURABLE:
            self._cure(kind)

    def _cure(self, kind: str) -> None:
        """Undo the faults of a kind that can be."""
        if timer := self._timers.pop(kind, None):
            timer.cancel()
        if kind == "leak":
            self.is_leaking = False
        else:
            self._spoiled = ""
            self._worker_is_well.set()
        self.active = [text for text in self.active if not text.startswith(kind)]

    # Deadlocks.

    def _deadlock(self, fault: ProcessFault) -> None:
        match fault.variant:
            case "threads":
                first, second = self._locks
                _thread("deadlock-1", lambda: _take_both(first, second))
                _thread("deadlock-2", lambda: _take_both(second, first))
            case "tasks":
                alpha, beta = self._async_locks
                self._task("deadlock-1", _await_both(alpha, beta))
                self._task("deadlock-2", _await_both(beta, alpha))
            case _:
                self._deadlock_loop_and_thread()

    def _deadlock_loop_and_thread(self) -> None:
        """Have a thread wait for the loop while it holds a lock that the loop then asks for."""
        lock, _ = self._locks
        loop = asyncio.get_running_loop()

        def hold_and_call() -> None:
            with lock:
                time.sleep(SETTLE_SECONDS)
                asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()

        _thread("deadlock-1", hold_and_call)
        loop.call_later(SETTLE_SECONDS / 2, _take, lock)

    def _task(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        # In a context of its own: a task of the request that ordered it would inherit its deadline,
        # and a deadlock under a deadline breaks up by itself.
        task = asyncio.create_task(work, name=name, context=contextvars.Context())
        self._tasks.add(task)

    def _orphan(self, fault: ProcessFault) -> None:
        """Have a thread end while it holds a lock, and another one wait for it."""
        del fault
        lock, _ = self._locks
        _thread("orphaning", lock.acquire).join()
        _thread("waiting", lambda: _take(lock))

    # Stalls.

    def _stall(self, fault: ProcessFault) -> None:
        def stand_still() -> None:
            STALLS[fault.variant or "sleep"](fault.seconds or 0.0)
            self.active.remove(fault.text)

        # Not at once: whoever ordered it gets an answer first.
        asyncio.get_running_loop().call_later(SETTLE_SECONDS, stand_still)

    # The pool, the worker, the requests.

    def _starve(self, fault: ProcessFault) -> None:
        """Fill the pool with jobs that each wait for another job of the same pool."""
        del fault

        def wait_for_another() -> None:
            time.sleep(SETTLE_SECONDS)
            self._pool.submit(time.sleep, 0.0).result()

        for _ in range(2 * self._pool.workers):
            self._pool.submit(wait_for_another)

    def _spoil_worker(self, fault: ProcessFault) -> None:
        self._spoiled = fault.variant or "crash"
        self._worker_is_well.clear()
        if self._worker is not None:
            self._worker.cancel()

    def _leak(self, fault: ProcessFault) -> None:
        del fault
        self.is_leaking = True

    def afflict(self, run: Callable[[Beat], Awaitable[None]]) -> Callable[[Beat], Awaitable[None]]:
        """Return the body `run` of a worker, which from now on crashes or hangs when told to."""

        async def run_or_fail(beat: Beat) -> None:
            while self._spoiled == "hang":
                with contextlib.suppress(asyncio.CancelledError):
                    await self._worker_is_well.wait()
            if self._spoiled == "crash":
                raise RuntimeError("fault worker=crash")
            await run(beat)

        return run_or_fail

    def take(self, worker: Worker) -> None:
        """Take note of the afflicted worker, whose present run a fault cuts short."""
        self._worker = worker


async def never(gate: Gate) -> None:
    """Open a warm-up gate never: the fault `never-ready`."""
    del gate
    await asyncio.Event().wait()


class LeakMiddleware:
    """Swallows business requests while the process leaks.

    It stands behind the concurrency limit, whose places are used up, and in front of the time
    limit, which would give them back.

    Args:
        app: What else would answer.
        ailments: Whether it leaks.
    """

    def __init__(self, app: ASGIApp, *, ailments: Ailments) -> None:
        self._app = app
        self._ailments = ailments

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or never."""
        if self._ailments.is_leaking:
            await asyncio.Event().wait()
        await self._app(scope, receive, send)


def _thread(name: str, target: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread


def _take(lock: Lock) -> None:
    with lock:
        pass


def _take_both(first: Lock, second: Lock) -> None:
    with first:
        time.sleep(SETTLE_SECONDS)
        with second:
            pass


async def _await_both(first: AsyncLock, second: AsyncLock) -> None:
    async with first:
        await asyncio.sleep(SETTLE_SECONDS)
        async with second:
            pass
