"""The locks: drop-in for those of the standard library, and they know who holds them."""

import asyncio
import concurrent.futures
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from messenger.health.async_lock import AsyncLock
from messenger.health.locks import Lock, RLock
from messenger.health.report import place
from messenger.health.waits import WAITS, deadline

from .parties import line, thread, until, until_waiting

KINDS = pytest.mark.parametrize("kind", [Lock, RLock], ids=["Lock", "RLock"])

HOLDERS_CHILD_ONLY = sys.version_info < (3, 12)
"""Whether `wait_for` runs what it waits for in a task of its own."""


def elsewhere(function: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it returns
    """Run `function` in another thread and return its result."""
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        return executor.submit(function).result(timeout=5)


# Threads.


@KINDS
def test_a_lock_excludes_other_threads(kind: type[Lock]) -> None:
    """While one thread holds it no other can take it, afterwards any can."""
    lock = kind()

    def taken_and_given_back() -> bool:
        with lock:
            return lock.locked()

    with lock:
        assert lock.locked()
        assert elsewhere(lambda: lock.acquire(blocking=False)) is False
        assert elsewhere(lambda: lock.acquire(timeout=0.01)) is False

    assert not lock.locked()
    assert elsewhere(taken_and_given_back) is True


@KINDS
def test_a_free_lock_is_taken_in_every_way(kind: type[Lock]) -> None:
    """With and without blocking, with and without a time-out."""
    lock = kind()
    for blocking, timeout in ((True, -1.0), (False, -1.0), (True, 1.0), (True, 0.0)):
        assert lock.acquire(blocking, timeout) is True
        lock.release()

    assert not lock.locked()


@KINDS
def test_the_holder_is_known_while_it_holds(kind: type[Lock]) -> None:
    """The current thread from taking to giving back, nobody else and no longer."""
    lock = kind("cache")
    assert lock.owner is None
    assert lock.code is None
    with lock:
        assert lock.owner is threading.current_thread()
        assert repr(lock) == f"<{kind.__name__} cache held by MainThread>"

    assert lock.owner is None
    assert repr(lock) == f"<{kind.__name__} cache held by nobody>"


@KINDS
def test_the_place_is_the_line_that_took_the_lock(kind: type[Lock]) -> None:
    """For `with` and for `acquire`."""
    lock = kind()
    with lock:  # entered
        assert place(lock.code, lock.lasti) == line("entered", __file__)
    lock.acquire()  # acquired

    assert place(lock.code, lock.lasti) == line("acquired", __file__)
    lock.release()


@KINDS
@pytest.mark.parametrize("way", ["with", "acquire", "timeout"])
def test_a_wait_is_recorded_with_its_line_and_taken_out(kind: type[Lock], way: str) -> None:
    """While the thread waits there is one entry, which tells whether it is timed."""
    lock = kind()

    def enter() -> None:
        with lock:  # waits with
            pass

    def acquire() -> None:
        lock.acquire()  # waits acquire
        lock.release()

    def timeout() -> None:
        lock.acquire(timeout=60)  # waits timeout
        lock.release()

    with lock:
        waiter = thread({"with": enter, "acquire": acquire, "timeout": timeout}[way])
        (wait,) = until_waiting(1)
        assert wait.waiter is waiter
        assert wait.lock is lock
        assert wait.timed is (way == "timeout")
        assert place(wait.code, wait.lasti) == line(f"waits {way}", __file__)
    waiter.join(5)

    assert not WAITS


@KINDS
def test_a_time_out_leaves_no_entry_and_takes_nothing(kind: type[Lock]) -> None:
    """It was as if nobody had asked."""
    lock = kind()
    with lock:
        assert elsewhere(lambda: lock.acquire(timeout=0.01)) is False
        assert not WAITS
        assert lock.owner is threading.current_thread()


def test_a_lock_is_not_re_entrant() -> None:
    """The second acquisition by the same thread fails or waits."""
    lock = Lock()
    with lock:
        assert lock.acquire(blocking=False) is False


def test_a_release_by_another_thread_is_a_handoff() -> None:
    """Such a lock is a signal: it works, and no ownership is read from it ever after."""
    lock = Lock()
    lock.acquire()
    elsewhere(lock.release)

    assert not lock.locked()
    assert lock.handoff


def test_a_release_by_the_holder_is_no_handoff() -> None:
    """The control."""
    lock = Lock()
    lock.acquire()
    lock.release()

    assert not lock.handoff


def test_a_lock_that_is_free_cannot_be_released() -> None:
    """As with `threading.Lock`."""
    with pytest.raises(RuntimeError):
        Lock().release()


def test_a_re_entrant_lock_is_free_after_as_many_releases() -> None:
    """And not before; others wait all the while."""
    lock = RLock()
    with lock:
        assert lock.acquire() is True
        with lock:
            pass
        assert elsewhere(lambda: lock.acquire(blocking=False)) is False
        lock.release()
        assert elsewhere(lambda: lock.acquire(blocking=False)) is False
        assert lock.owner is threading.current_thread()

    assert not lock.locked()


def test_a_re_entrant_lock_is_released_by_its_holder_only() -> None:
    """As with `threading.RLock`."""
    lock = RLock()
    with pytest.raises(RuntimeError):
        lock.release()
    with lock, pytest.raises(RuntimeError):
        elsewhere(lock.release)

    assert not lock.locked()


@pytest.mark.parametrize("depth", [1, 3])
def test_a_condition_over_a_re_entrant_lock_works(depth: int) -> None:
    """Waiting gives the lock up wholly, and takes it back as often as it was held."""
    lock = RLock()
    condition = threading.Condition(lock)  # type: ignore[arg-type]
    seen: list[int] = []

    def wait() -> None:
        for _ in range(depth):
            lock.acquire()
        assert condition.wait(5)
        for left in range(depth):
            assert lock.owner is threading.current_thread()
            seen.append(left)
            lock.release()

    waiter = thread(wait)
    until(lambda: condition._waiters, "a waiter")  # type: ignore[attr-defined]  # noqa: SLF001
    with condition:
        condition.notify()
        # It must wait for the lock now: in the table, like anybody else.
        until_waiting(1)
    waiter.join(5)

    assert seen == list(range(depth))
    assert not lock.locked()


def test_a_condition_over_a_plain_lock_works() -> None:
    """`threading.Condition` asks it in other ways, and gets by as well."""
    lock = Lock()
    condition = threading.Condition(lock)  # type: ignore[arg-type]
    woken: list[bool] = []

    def wait() -> None:
        with condition:
            woken.append(condition.wait(5))

    waiter = thread(wait)
    until(lambda: condition._waiters, "a waiter")  # type: ignore[attr-defined]  # noqa: SLF001
    with condition:
        condition.notify_all()
    waiter.join(5)

    assert woken == [True]
    assert not lock.locked()


@KINDS
def test_many_threads_exclude_one_another(kind: type[Lock]) -> None:
    """Nothing is counted twice and nothing is lost, whoever waits."""
    lock = kind()
    total = 0

    def add() -> None:
        nonlocal total
        for _ in range(200):
            with lock:
                seen = total
                time.sleep(0)
                total = seen + 1

    threads = [thread(add) for _ in range(4)]
    for each in threads:
        each.join(5)

    assert total == 800
    assert not lock.handoff


# Tasks.


async def test_a_free_async_lock_is_taken_at_once() -> None:
    """The task holds it, and both ways of taking it know their line."""
    lock = AsyncLock("refresh")
    async with lock:  # async entered
        assert lock.locked()
        assert lock.owner is asyncio.current_task()
        assert place(lock.code, lock.lasti) == line("async entered", __file__)
    assert lock.owner is None
    assert await lock.acquire() is True  # async acquired

    assert place(lock.code, lock.lasti) == line("async acquired", __file__)
    lock.release()
    assert not lock.locked()
    assert not lock.handoff


async def test_a_waiting_task_is_recorded_and_served_in_turn() -> None:
    """First come, first served, as with `asyncio.Lock`."""
    lock = AsyncLock()
    order: list[int] = []

    async def work(number: int) -> None:
        async with lock:  # task waits
            order.append(number)

    async with lock:
        tasks = [asyncio.create_task(work(number)) for number in range(3)]
        await asyncio.sleep(0)
        assert set(WAITS) == set(tasks)
        wait = WAITS[tasks[0]]
        assert wait.lock is lock
        assert not wait.timed
        assert place(wait.code, wait.lasti) == line("task waits", __file__)
    await asyncio.gather(*tasks)

    assert order == [0, 1, 2]
    assert not WAITS


async def test_a_newcomer_does_not_overtake_those_who_wait() -> None:
    """Between a release and the next holder's turn the lock is not up for grabs."""
    lock = AsyncLock()
    order: list[str] = []

    async def work(name: str) -> None:
        async with lock:
            order.append(name)

    await lock.acquire()
    early = asyncio.create_task(work("early"))
    await asyncio.sleep(0)
    lock.release()
    await work("late")
    await early

    assert order == ["early", "late"]


async def test_a_cancelled_waiter_leaves_no_entry() -> None:
    """And the lock goes on working."""
    lock = AsyncLock()
    async with lock:
        waiter = asyncio.create_task(lock.acquire())
        await asyncio.sleep(0)
        assert waiter in WAITS
        waiter.cancel()
        await asyncio.wait({waiter})
        assert not WAITS

    assert await lock.acquire()
    lock.release()


async def test_a_wait_under_a_deadline_is_timed() -> None:
    """The deadline's mark is read when the wait begins."""
    lock = AsyncLock()

    async def wait() -> None:
        async with deadline(30), lock:
            pass

    async with lock:
        waiter = asyncio.create_task(wait())
        await asyncio.sleep(0)
        assert WAITS[waiter].timed
    await waiter


async def test_a_release_by_another_task_is_a_handoff() -> None:
    """Such a lock tells nothing about who holds it."""
    lock = AsyncLock()
    await lock.acquire()

    async def release() -> None:
        lock.release()

    await asyncio.create_task(release())

    assert lock.handoff
    assert not lock.locked()


async def test_a_lock_taken_by_a_task_of_its_own_has_no_owner() -> None:
    """The task ends with the acquisition: taking it for the holder would invent an orphan."""
    lock = AsyncLock()
    await asyncio.create_task(lock.acquire())

    assert lock.locked()
    assert lock.owner is None
    lock.release()


async def test_a_lock_taken_within_a_time_limit_has_no_owner_that_has_ended() -> None:
    """`wait_for` takes it in a task of its own on 3.11, and in the same task later."""
    lock = AsyncLock()
    await asyncio.wait_for(lock.acquire(), 5)

    assert lock.owner is (None if HOLDERS_CHILD_ONLY else asyncio.current_task())
    lock.release()


async def test_a_condition_over_an_async_lock_works() -> None:
    """`asyncio.Condition` takes it for its own."""
    condition = asyncio.Condition(AsyncLock())
    woken: list[bool] = []

    async def wait() -> None:
        async with condition:
            woken.append(await condition.wait())

    waiter = asyncio.create_task(wait())
    await asyncio.sleep(0)
    async with condition:
        condition.notify()
    await waiter

    assert woken == [True]
    assert not WAITS


async def test_an_async_lock_that_is_free_cannot_be_released() -> None:
    """As with `asyncio.Lock`."""
    with pytest.raises(RuntimeError):
        AsyncLock().release()


def test_an_async_lock_can_be_made_before_there_is_a_loop() -> None:
    """At the start of a program, as `asyncio.Lock` can."""
    lock = AsyncLock()

    async def use() -> None:
        async with lock:
            pass

    asyncio.run(use())
    assert not lock.locked()
