"""Deadlocks in which threads and tasks wait for one another, on both kinds of loop."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvloop

from messenger.health import AsyncLock, Lock
from messenger.health.pool import Pool

from .parties import Looker, kinds, line, thread, until, until_in, until_waiting


class LoopThread:
    """An event loop in a thread of its own, which a test can block.

    Args:
        loop: The loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._tasks: list[asyncio.Task[Any]] = []
        self.thread = threading.Thread(target=loop.run_forever, name="loop", daemon=True)
        self.thread.start()

    def call(self, function: Callable[[], object]) -> None:
        """Call a function on the loop, possibly for ever."""
        self.loop.call_soon_threadsafe(function)

    def start(self, body: Coroutine[Any, Any, object], name: str) -> None:
        """Start a task."""
        self.call(lambda: self._tasks.append(self.loop.create_task(body, name=name)))

    def run(self, body: Coroutine[Any, Any, object], timeout: float | None = None) -> None:
        """Run a coroutine on the loop from another thread and wait for it."""
        asyncio.run_coroutine_threadsafe(body, self.loop).result(timeout)  # calls the loop

    def close(self) -> None:
        """Cancel everything and end."""
        asyncio.run_coroutine_threadsafe(self._cancel(), self.loop).result(5)
        self.call(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    async def _cancel(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Iterator[LoopThread]:
    """Run an event loop in a thread."""
    running = LoopThread(request.param())
    yield running
    running.close()


@contextmanager
def blocking(loop: LoopThread, lock: Lock) -> Iterator[None]:
    """Block the loop with a lock, until the end."""

    def block() -> None:
        lock.acquire()  # blocks the loop
        lock.release()

    loop.call(block)
    until_waiting(1)
    try:
        yield
    finally:
        lock.release()


def holding(
    lock: Lock, loop: LoopThread, body: Coroutine[Any, Any, object], go: threading.Event
) -> threading.Thread:
    """Start a thread that holds a lock and, when told to go, calls the loop."""

    def call() -> None:
        with lock:  # caller holds
            go.wait(5)
            loop.run(body)

    caller = thread(call, "caller")
    until(lock.locked, "the lock")
    return caller


def test_a_thread_that_calls_a_loop_that_waits_for_its_lock_is_dead(loop: LoopThread) -> None:
    """The loop has not even seen the call: there is no task yet."""
    lock, go = Lock("cache"), threading.Event()
    caller = holding(lock, loop, asyncio.sleep(0), go)
    with blocking(loop, lock):
        go.set()
        until_in(caller, "result")
        proof = Looker(loop.thread).proof()
    caller.join(5)

    assert proof.cause == "deadlock-mixed"
    assert f"loop -> waits cache @{line('blocks the loop', __file__)}" in proof.explanation
    assert f"caller -[holds cache @{line('caller holds', __file__)}]->" in proof.explanation
    assert f"needs loop @{line('calls the loop', __file__)}" in proof.explanation


@pytest.mark.parametrize("limit", [None, 60], ids=["no-limit", "asyncio.timeout"])
def test_a_thread_that_awaits_a_task_of_a_loop_that_waits_for_its_lock_is_dead(
    loop: LoopThread, limit: float | None
) -> None:
    """The task has begun and cannot go on; nor can a time-out come on a blocked loop."""
    lock, go, begun = Lock("cache"), threading.Event(), threading.Event()

    async def body() -> None:
        async with asyncio.timeout(limit):
            begun.set()
            await asyncio.Event().wait()

    caller = holding(lock, loop, body(), go)
    go.set()
    begun.wait(5)
    with blocking(loop, lock):
        until_in(caller, "result")
        proof = Looker(loop.thread).proof()

    assert proof.cause == "deadlock-mixed"
    assert "caller" in proof.explanation
    assert "needs loop" in proof.explanation


def test_a_task_that_waits_for_a_lock_behind_a_blocked_loop_is_explained_rightly(
    loop: LoopThread,
) -> None:
    """It needs the loop; nobody claims that the loop's thread holds the task's lock."""
    lock, go = Lock("cache"), threading.Event()
    inner = AsyncLock("inner")

    async def own() -> None:
        async with inner:
            await asyncio.Event().wait()

    async def want() -> None:
        async with inner:
            pass

    loop.start(own(), "owner")
    until(inner.locked, "the inner lock")
    caller = holding(lock, loop, want(), go)
    go.set()
    until_waiting(1)

    def block() -> None:
        lock.acquire()
        lock.release()

    loop.call(block)
    until_waiting(2)
    until_in(caller, "result")
    proof = Looker(loop.thread).proof()
    lock.release()

    assert proof.cause == "deadlock-mixed"
    assert "holds inner" not in proof.explanation
    assert "needs loop" in proof.explanation


def test_the_same_with_a_time_out_is_not_proven(loop: LoopThread) -> None:
    """`result(timeout)` breaks it up."""
    lock, go = Lock("cache"), threading.Event()

    def call() -> None:
        with lock:
            go.wait(5)
            loop.run(asyncio.sleep(0), 60)

    caller = thread(call)
    until(lock.locked, "the lock")
    with blocking(loop, lock):
        go.set()
        until_in(caller, "result")
        found = Looker(loop.thread).after(10)
    caller.join(5)

    assert kinds(found) == [("timed-waitcycle", "NOTICE")]


def test_a_loop_that_is_not_blocked_is_not_needed_in_vain(loop: LoopThread) -> None:
    """A slow coroutine, called by whoever holds a lock, is slow."""
    lock, go = Lock("cache"), threading.Event()
    event = asyncio.Event()
    caller = holding(lock, loop, event.wait(), go)
    go.set()
    until_in(caller, "result")

    def want() -> None:
        with lock:
            pass

    waiter = thread(want)
    until_waiting(1)
    found = Looker(loop.thread).after(10)
    loop.call(event.set)
    for each in (caller, waiter):
        each.join(5)

    assert found == []


def test_a_task_that_awaits_a_job_that_waits_for_the_task_s_lock_is_dead(loop: LoopThread) -> None:
    """Task, pool, and a second task, while the loop serves everybody else."""
    lock, pool = AsyncLock("refresh"), Pool("render", 1)

    async def want() -> None:
        async with lock:  # wants refresh
            pass

    def job() -> None:
        loop.run(want())

    async def own() -> None:
        async with lock:  # owns refresh
            await pool.run(job)

    loop.start(own(), "owner")
    until_waiting(1)
    until(lambda: pool.threads, "the pool's thread")
    until_in(pool.threads[0], "result")
    proof = Looker(loop.thread, pool).proof()
    pool.close()

    assert proof.cause == "deadlock-mixed"
    assert f"owner -[holds refresh @{line('owns refresh', __file__)}]->" in proof.explanation
    assert f"waits refresh @{line('wants refresh', __file__)}" in proof.explanation
    assert "render_0" in proof.explanation
