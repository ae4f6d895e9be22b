"""Deadlocks of threads and of tasks, with real locks.

Each function returns at once; what it started stays stuck. A comment such as `# worker-1 holds
first` marks a line that the verdict has to name: tests read the comments from this file.
"""

import asyncio
import time

from .parties import SETTLE_SECONDS, Parties


def threads(parties: Parties) -> None:
    """Two threads, two locks, opposite orders."""

    def one() -> None:
        with parties.first:  # worker-1 holds first
            time.sleep(SETTLE_SECONDS)
            with parties.second:  # worker-1 waits second
                pass

    def two() -> None:
        with parties.second:  # worker-2 holds second
            time.sleep(SETTLE_SECONDS)
            with parties.first:  # worker-2 waits first
                pass

    parties.thread("worker-1", one)
    parties.thread("worker-2", two)


def three_threads(parties: Parties) -> None:
    """Three threads and three locks in a ring."""

    def one() -> None:
        with parties.first:  # worker-1 holds first
            time.sleep(SETTLE_SECONDS)
            with parties.second:  # worker-1 waits second
                pass

    def two() -> None:
        with parties.second:  # worker-2 holds second
            time.sleep(SETTLE_SECONDS)
            with parties.third:  # worker-2 waits third
                pass

    def three() -> None:
        with parties.third:  # worker-3 holds third
            time.sleep(SETTLE_SECONDS)
            with parties.first:  # worker-3 waits first
                pass

    parties.thread("worker-1", one)
    parties.thread("worker-2", two)
    parties.thread("worker-3", three)


def one_thread(parties: Parties) -> None:
    """A thread that takes a lock which it already has."""

    def one() -> None:
        with parties.first:  # worker-1 holds first
            time.sleep(SETTLE_SECONDS)
            with parties.first:  # worker-1 waits first
                pass

    parties.thread("worker-1", one)


def orphan(parties: Parties) -> None:
    """A thread that ends without releasing its lock."""

    def owner() -> None:
        parties.first.acquire()  # worker-1 holds first

    def waiter() -> None:
        time.sleep(SETTLE_SECONDS)
        with parties.first:  # worker-2 waits first
            pass

    parties.thread("worker-1", owner)
    parties.thread("worker-2", waiter)


def tasks(parties: Parties) -> None:
    """Two tasks, two locks, opposite orders."""

    async def one() -> None:
        async with parties.alpha:  # task-1 holds alpha
            await asyncio.sleep(SETTLE_SECONDS)
            async with parties.beta:  # task-1 waits beta
                pass

    async def two() -> None:
        async with parties.beta:  # task-2 holds beta
            await asyncio.sleep(SETTLE_SECONDS)
            async with parties.alpha:  # task-2 waits alpha
                pass

    parties.start("task-1", one())
    parties.start("task-2", two())


def one_task(parties: Parties) -> None:
    """A task that takes a lock which it already has."""

    async def one() -> None:
        async with parties.alpha:  # task-1 holds alpha
            await asyncio.sleep(SETTLE_SECONDS)
            async with parties.alpha:  # task-1 waits alpha
                pass

    parties.start("task-1", one())


def task_orphan(parties: Parties) -> None:
    """A task that ends without releasing its lock."""

    async def owner() -> None:
        await parties.alpha.acquire()  # task-1 holds alpha

    async def waiter() -> None:
        await asyncio.sleep(SETTLE_SECONDS)
        async with parties.alpha:  # task-2 waits alpha
            pass

    parties.start("task-1", owner())
    parties.start("task-2", waiter())


def child(parties: Parties) -> None:
    """A task that holds a lock and awaits a child that needs it."""

    async def needs() -> None:
        async with parties.alpha:  # child waits alpha
            pass

    async def parent() -> None:
        async with parties.alpha:  # parent holds alpha
            await parties.child("child", needs())  # parent awaits child

    parties.start("parent", parent())


def gather(parties: Parties) -> None:
    """The same with `gather`, whose other child is done."""

    async def needs() -> None:
        async with parties.alpha:  # child waits alpha
            pass

    async def parent() -> None:
        async with parties.alpha:  # parent holds alpha
            both = (parties.child("child", needs()), parties.child("other", asyncio.sleep(0.1)))
            await asyncio.gather(*both)  # parent gathers child

    parties.start("parent", parent())


def task_group(parties: Parties) -> None:
    """The same with a `TaskGroup`, whose other child is done."""

    async def needs() -> None:
        async with parties.alpha:  # child waits alpha
            pass

    async def parent() -> None:
        async with parties.alpha:  # parent holds alpha
            await asyncio.sleep(SETTLE_SECONDS)
            async with asyncio.TaskGroup() as group:  # parent joins child
                group.create_task(needs(), name="child")
                group.create_task(asyncio.sleep(0.1))

    parties.start("parent", parent())


def wait(parties: Parties) -> None:
    """The same with `asyncio.wait`."""

    async def needs() -> None:
        async with parties.alpha:  # child waits alpha
            pass

    async def parent() -> None:
        async with parties.alpha:  # parent holds alpha
            await asyncio.wait({parties.child("child", needs())})  # parent waits-for child

    parties.start("parent", parent())


KINDS = {
    "threads": threads,
    "threads-3": three_threads,
    "self": one_thread,
    "orphan": orphan,
    "tasks": tasks,
    "task-self": one_task,
    "task-orphan": task_orphan,
    "child": child,
    "gather": gather,
    "task-group": task_group,
    "wait": wait,
}
