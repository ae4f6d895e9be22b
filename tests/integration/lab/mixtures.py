"""Deadlocks between threads and the event loop, and inside a thread pool.

Marked like those in deadlocks.py. A thread of the pool is called `lab-pool` in the marks, whichever
it is.
"""

import asyncio
import time
from typing import Any

from .parties import SETTLE_SECONDS, Parties


def _call_me(name: str) -> None:
    task: asyncio.Task[Any] | None = asyncio.current_task()
    assert task is not None
    task.set_name(name)


def through_the_pool(parties: Parties) -> None:
    """A task holds a lock and awaits a thread that awaits a coroutine that needs the lock."""

    async def needs() -> None:
        _call_me("bridge")
        async with parties.alpha:  # bridge waits alpha
            pass

    def job() -> None:
        future = asyncio.run_coroutine_threadsafe(needs(), parties.loop)
        future.result()  # lab-pool awaits bridge

    async def holder() -> None:
        async with parties.alpha:  # holder holds alpha
            await parties.pool.run(job)  # holder awaits lab-pool

    parties.start("holder", holder())


def blocked_loop(parties: Parties) -> None:
    """A thread holds a lock and awaits the event loop, which is blocked in that lock."""

    async def nothing() -> None:
        pass

    def worker() -> None:
        with parties.first:  # worker-1 holds first
            time.sleep(2 * SETTLE_SECONDS)
            future = asyncio.run_coroutine_threadsafe(nothing(), parties.loop)
            future.result()  # worker-1 needs MainThread

    async def blocker() -> None:
        await asyncio.sleep(SETTLE_SECONDS)
        with parties.first:  # MainThread waits first
            pass

    parties.thread("worker-1", worker)
    parties.start("blocker", blocker())


def blocked_bridge(parties: Parties) -> None:
    """The same, but the loop has begun the coroutine before it is blocked."""

    async def slow() -> None:
        _call_me("bridge")
        await asyncio.sleep(2 * SETTLE_SECONDS)  # bridge needs MainThread

    def worker() -> None:
        with parties.first:  # worker-1 holds first
            future = asyncio.run_coroutine_threadsafe(slow(), parties.loop)
            future.result()  # worker-1 awaits bridge

    async def blocker() -> None:
        await asyncio.sleep(SETTLE_SECONDS)
        with parties.first:  # MainThread waits first
            pass

    parties.thread("worker-1", worker)
    parties.start("blocker", blocker())


def pool(parties: Parties) -> None:
    """A thread of the pool holds a lock and awaits another that needs it."""

    def needs() -> None:
        with parties.first:  # lab-pool waits first
            pass

    def job() -> None:
        with parties.first:  # lab-pool holds first
            parties.pool.submit(needs).result()  # lab-pool awaits lab-pool

    parties.pool.submit(job)


def full_pool(parties: Parties) -> None:
    """A thread holds a lock and awaits a job for which no thread of the pool is free."""

    def needs() -> None:
        with parties.first:  # lab-pool waits first
            pass

    def holder() -> None:
        with parties.first:  # worker-1 holds first
            for _ in range(parties.pool.workers):
                parties.pool.submit(needs)
            time.sleep(SETTLE_SECONDS)
            parties.pool.submit(needs).result()  # worker-1 awaits lab-pool

    parties.thread("worker-1", holder)


KINDS = {
    "mixed": through_the_pool,
    "mixed-loop": blocked_loop,
    "mixed-bridge": blocked_bridge,
    "pool": pool,
    "pool-full": full_pool,
}
