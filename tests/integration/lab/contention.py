"""Honest work with every kind of lock, hard and for as long as the process lives.

Nothing here is a deadlock, and much of it looks like one: locks that are taken by one thread and
released by another, waits of many seconds, waits that are cancelled, owners that have ended.
"""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from messenger.health import AsyncLock, Lock, RLock

THREADS = 8
TASKS = 20
LONG_SECONDS = 5.0
"""How long the long waits last: longer than a proof takes (4 s)."""

_sections = itertools.count()
_threads: list[threading.Thread] = []
_tasks: list[asyncio.Task[None]] = []


def _work(seconds: float = 0.0) -> None:
    next(_sections)
    time.sleep(seconds)


def nested_threads(pause_seconds: float) -> Iterator[threading.Thread]:
    """Yield threads that nest three locks in one order, pausing inside."""
    locks = [Lock(f"nested-{number}") for number in range(3)]

    def nest() -> None:
        while True:
            with locks[0], locks[1], locks[2]:
                _work(pause_seconds)

    for _ in range(THREADS):
        yield threading.Thread(target=nest, daemon=True)


def condition_threads() -> Iterator[threading.Thread]:
    """Yield a producer and a consumer that meet in a condition over a re-entrant lock."""
    condition = threading.Condition(RLock("condition"))  # type: ignore[arg-type]  # drop-in
    items: list[int] = []

    def produce() -> None:
        while True:
            time.sleep(0.01)
            with condition, condition:
                items.append(1)
                condition.notify()

    def consume() -> None:
        while True:
            with condition:
                condition.wait_for(lambda: bool(items))
                items.clear()
                _work()

    yield threading.Thread(target=produce, daemon=True)
    yield threading.Thread(target=consume, daemon=True)


def signal_threads() -> Iterator[threading.Thread]:
    """Yield a waiter for a lock that others take and release, and one for an event."""
    signal = Lock("signal", handoff=True)
    event = threading.Event()

    def hand_over() -> None:
        while True:
            taker = threading.Thread(target=signal.acquire)
            taker.start()
            taker.join()  # the owner has ended, and the lock is taken
            time.sleep(LONG_SECONDS)
            event.set()
            signal.release()
            time.sleep(0.1)

    def wait() -> None:
        while True:
            time.sleep(0.05)
            with signal:
                _work()
            event.wait()
            event.clear()

    yield threading.Thread(target=hand_over, daemon=True)
    yield threading.Thread(target=wait, daemon=True)


async def nest_tasks(locks: list[AsyncLock], pause_seconds: float) -> None:
    """Nest two locks in one order, pausing inside."""
    while True:
        async with locks[0]:
            await asyncio.sleep(0)
            async with locks[1]:
                next(_sections)
                await asyncio.sleep(pause_seconds)


async def give_up(lock: AsyncLock) -> None:
    """Wait for a lock and be cancelled, again and again."""
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.005), lock:
                next(_sections)
        await asyncio.sleep(0.01)


async def hold_by_wait_for(lock: AsyncLock) -> None:
    """Take a lock by `wait_for`, which on 3.11 does it in a task that ends; hold it for long."""
    while True:
        await asyncio.wait_for(lock.acquire(), 60)
        try:
            next(_sections)
            await asyncio.sleep(LONG_SECONDS)
        finally:
            lock.release()
        await asyncio.sleep(0.1)


async def wait_long(lock: AsyncLock) -> None:
    """Wait for a lock without a time-out, for long."""
    while True:
        await asyncio.sleep(0.05)
        async with lock:
            next(_sections)


async def start(request: Request) -> PlainTextResponse:
    """Start everything; `pause` is how long, in seconds, each section lasts."""
    pause_seconds = float(request.query_params.get("pause", "0"))
    nested = [AsyncLock("nested-alpha"), AsyncLock("nested-beta")]
    held = AsyncLock("held")
    coroutines = [
        *(nest_tasks(nested, pause_seconds) for _ in range(TASKS)),
        *(give_up(nested[0]) for _ in range(TASKS)),
        hold_by_wait_for(held),
        wait_long(held),
    ]
    _tasks.extend(asyncio.get_running_loop().create_task(coroutine) for coroutine in coroutines)
    _threads.extend([*nested_threads(pause_seconds), *condition_threads(), *signal_threads()])
    for thread in _threads:
        thread.start()
    return PlainTextResponse("contending")


async def sections(request: Request) -> JSONResponse:
    """Answer how many sections were worked, and how many threads and tasks still do."""
    del request
    return JSONResponse(
        {
            "sections": next(_sections),
            "threads": sum(thread.is_alive() for thread in _threads),
            "tasks": sum(not task.done() for task in _tasks),
        }
    )


ROUTES = [Route("/contend", start), Route("/contend/sections", sections)]
