"""Faults of the process itself, carried out: with the service's own locks, loop, pool and worker.

A prop that merely says "deadlock" would prove nothing. What is done here really happens: the
directory's locks are taken in opposite orders, the loop really stands still, and only the end of
the process undoes it. What can pass by itself is a stall, a crashing worker and a leak.
"""

import asyncio
import contextvars
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from messenger.faults import ProcessFault
from messenger.health import AsyncLock, Beat, Gate, Lock, Pool, Worker
from messenger.stalls import STALLS

SETTLE_SECONDS = 0.2
"""How long a party keeps its first lock before it asks for the second: both have theirs by then."""


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
        self._spoiled = ""
        self._worker: Worker | None = None
        self.active: list[str] = []
        """What was carried out and is not known to have passed, as it was written."""

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
        self._acts[fault.kind](fault)
        self.active.append(fault.text)
        if ttl_seconds is not None:
            asyncio.get_running_loop().call_later(ttl_seconds, self.end)

    def end(self) -> None:
        """Undo what can be undone: a crashing worker and a leak."""
        self._spoiled = ""
        self.is_leaking = False
        self.active = [text for text in self.active if not text.startswith(("worker", "leak"))]

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

    def _task(self, name: str, work: Awaitable[None]) -> None:
        # In a context of its own: a task of the request that ordered it would inherit its deadline,
        # and a deadlock under a deadline breaks up by itself.
        task: asyncio.Task[None] = contextvars.Context().run(_create_task, work, name)
        self._tasks.add(task)

    def _orphan(self, fault: ProcessFault) -> None:
        """Have a thread end while it holds a lock, and another one wait for it."""
        del fault
        lock, _ = self._locks
        _thread("orphaning", lock.acquire).join()
        _thread("waiting", lambda: _take(lock))

    # Stalls.

    def _stall(self, fault: ProcessFault) -> None:
        stall = STALLS[fault.variant or "sleep"]
        # Not at once: whoever ordered it gets an answer first.
        asyncio.get_running_loop().call_later(SETTLE_SECONDS, stall, fault.seconds or 0.0)

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
        if self._worker is not None:
            self._worker.cancel()

    def _leak(self, fault: ProcessFault) -> None:
        del fault
        self.is_leaking = True

    def afflict(self, run: Callable[[Beat], Awaitable[None]]) -> Callable[[Beat], Awaitable[None]]:
        """Return the body `run` of a worker, which from now on crashes or hangs when told to."""

        async def run_or_fail(beat: Beat) -> None:
            if self._spoiled == "crash":
                raise RuntimeError("fault worker=crash")
            while self._spoiled == "hang":
                await _ignore_cancellation()
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
    """Swallows business requests while the process leaks; the outermost of their layers.

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


def _create_task(work: Any, name: str) -> asyncio.Task[None]:  # noqa: ANN401 - any coroutine
    return asyncio.get_running_loop().create_task(work, name=name)


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


async def _ignore_cancellation() -> None:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        return
