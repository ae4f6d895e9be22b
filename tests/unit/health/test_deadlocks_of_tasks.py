"""Deadlocks of tasks on a loop that runs: everybody else is served, these never go on."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

import anyio
import pytest

from messenger.health import AsyncLock, deadline
from messenger.health.waits import WAITS

from .parties import Looker, kinds, line

Task = asyncio.Task[Any]


@asynccontextmanager
async def stuck(*bodies: Coroutine[Any, Any, object]) -> AsyncIterator[list[Task]]:
    """Run tasks until they are stuck, and cancel in the end whatever they have started."""
    before = asyncio.all_tasks()
    tasks: list[Task] = [
        asyncio.create_task(body, name=f"task-{number}") for number, body in enumerate(bodies)
    ]
    for _ in range(10):
        await asyncio.sleep(0)
    yield tasks
    while left := asyncio.all_tasks() - before:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=5)


def looker() -> Looker:
    """Return a detector that knows this loop's thread."""
    return Looker(threading.current_thread())


async def take_both(first: AsyncLock, second: AsyncLock) -> None:
    """Take two locks, the second when the others have had their turn."""
    async with first:
        await asyncio.sleep(0)
        async with second:
            pass


@pytest.mark.parametrize("size", [1, 2, 3, 5])
async def test_a_ring_of_tasks_is_proven_within_four_seconds(size: int) -> None:
    """From the task that waits for its own lock to five of them."""
    locks = [AsyncLock(f"lock-{number}") for number in range(size)]
    pairs = zip(locks, locks[1:] + locks[:1], strict=True)
    async with stuck(*(take_both(first, second) for first, second in pairs)) as tasks:
        proof = looker().proof()

    assert proof.cause == "deadlock-tasks"
    assert all(task.get_name() in proof.explanation for task in tasks)
    assert all(f"waits {lock.name} " in proof.explanation for lock in locks)
    assert len(proof.stacks) == size
    assert all("async with second:" in stack for stack in proof.stacks)


async def test_the_explanation_names_the_lines() -> None:
    """Those that hold and those that wait, of both tasks."""
    alpha, beta = AsyncLock("alpha"), AsyncLock("beta")

    async def one() -> None:
        async with alpha:  # holds alpha
            await asyncio.sleep(0)
            async with beta:  # waits beta
                pass

    async def two() -> None:
        async with beta:  # holds beta
            await asyncio.sleep(0)
            await alpha.acquire()  # waits alpha

    async with stuck(one(), two()):
        proof = looker().proof()

    for mark in ("holds alpha", "holds beta", "waits alpha", "waits beta"):
        assert f"@{line(mark, __file__)}" in proof.explanation


async def child_of(lock: AsyncLock) -> None:
    """Wait for a lock that the parent holds."""
    async with lock:  # child waits
        pass


async def by_await(child: Task, live: Awaitable[Any] | None) -> None:
    """Await the child alone."""
    assert live is None
    await child


async def by_gather(child: Task, live: Awaitable[Any] | None) -> None:
    """Gather it, with a live one if there is any."""
    await asyncio.gather(child, *([live] if live is not None else []))


async def by_wait(child: Task, live: Awaitable[Any] | None) -> None:
    """Wait for all."""
    await asyncio.wait({child, *([asyncio.ensure_future(live)] if live is not None else [])})


async def by_first(child: Task, live: Awaitable[Any] | None) -> None:
    """Wait for any."""
    await asyncio.wait(
        {child, *([asyncio.ensure_future(live)] if live is not None else [])},
        return_when=asyncio.FIRST_COMPLETED,
    )


async def by_group(child: Task, live: Awaitable[Any] | None) -> None:
    """Leave the block of a group whose only work is to wait for the child."""

    async def join(awaitable: Awaitable[Any]) -> None:
        await awaitable

    async with asyncio.TaskGroup() as group:
        group.create_task(join(child))
        if live is not None:
            group.create_task(join(live))


Join = Callable[[Task, Awaitable[Any] | None], Coroutine[Any, Any, None]]
JOINS: dict[str, Join] = {
    "gather": by_gather,
    "wait": by_wait,
    "first-completed": by_first,
    "group": by_group,
}


async def parent_of(lock: AsyncLock, join: Join, live: Awaitable[Any] | None = None) -> None:
    """Hold a lock and wait, in some way, for a child that wants it."""
    async with lock:  # parent holds
        await join(asyncio.create_task(child_of(lock), name="child"), live)


@pytest.mark.parametrize("join", [by_await, *JOINS.values()], ids=["await", *JOINS])
async def test_a_parent_that_waits_for_a_child_that_waits_for_its_lock_is_dead(join: Join) -> None:
    """However it waits for it: all that it waits for is dead."""
    async with stuck(parent_of(AsyncLock("shared"), join)):
        proof = looker().proof()

    assert proof.cause == "deadlock-tasks"
    assert f"child -> waits shared @{line('child waits', __file__)}" in proof.explanation
    assert f"task-0 -[holds shared @{line('parent holds', __file__)}]->" in proof.explanation


@pytest.mark.parametrize("join", JOINS.values(), ids=list(JOINS))
async def test_a_parent_with_one_live_child_is_not_dead(join: Join) -> None:
    """The live one may fail, or be the first, and set the parent free."""
    async with stuck(parent_of(AsyncLock(), join, asyncio.sleep(60))):
        assert looker().after(10) == []


@pytest.mark.parametrize("join", JOINS.values(), ids=list(JOINS))
async def test_a_parent_that_also_waits_for_an_unknown_future_is_not_dead(join: Join) -> None:
    """Nobody knows who delivers it, so it may come."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with stuck(parent_of(AsyncLock(), join, future)):
        assert looker().after(10) == []


async def test_a_parent_whose_other_child_has_a_time_out_is_not_dead() -> None:
    """That child will fail, and the parent with it."""
    lock = AsyncLock("shared")

    async def limited() -> None:
        async with asyncio.timeout(60), lock:
            pass

    async with stuck(parent_of(lock, by_gather, limited())):
        found = looker().after(10)

    assert set(kinds(found)) == {("timed-waitcycle", "NOTICE")}


class FailAfter:
    """`anyio.fail_after` as an asynchronous context manager."""

    async def __aenter__(self) -> None:
        """Enter the scope."""
        self._scope = anyio.fail_after(60)
        self._scope.__enter__()

    async def __aexit__(self, *error: object) -> None:
        """Leave it."""
        self._scope.__exit__(*error)  # type: ignore[arg-type]


LIMITS: dict[str, Callable[[], AbstractAsyncContextManager[Any]]] = {
    "asyncio.timeout": lambda: asyncio.timeout(60),
    "anyio.fail_after": FailAfter,
    "deadline": lambda: deadline(60),
}


async def take_both_within(
    limit: AbstractAsyncContextManager[Any], first: AsyncLock, second: AsyncLock
) -> None:
    """Take two locks within a time limit."""
    async with limit:
        await take_both(first, second)


@pytest.mark.parametrize("limit", LIMITS.values(), ids=list(LIMITS))
@pytest.mark.parametrize("both", [True, False], ids=["both", "one"])
async def test_a_cycle_under_a_time_limit_is_shown_and_breaks_nothing(
    limit: Callable[[], AbstractAsyncContextManager[Any]],
    both: bool,  # noqa: FBT001 - a parameter
) -> None:
    """One limit is enough to break the cycle up."""
    first, second = AsyncLock("first"), AsyncLock("second")
    other = limit() if both else nullcontext()
    async with stuck(
        take_both_within(limit(), first, second), take_both_within(other, second, first)
    ):
        found = looker().after(10)

    assert kinds(found) == [("timed-waitcycle", "NOTICE")]
    assert not any(item.latched for item in found)


async def test_the_same_cycle_without_a_limit_is_proven() -> None:
    """The control of the limits."""
    first, second = AsyncLock(), AsyncLock()
    async with stuck(
        take_both_within(nullcontext(), first, second),
        take_both_within(nullcontext(), second, first),
    ):
        assert looker().proof().cause == "deadlock-tasks"


async def test_a_cycle_in_which_one_waits_by_wait_for_is_not_proven() -> None:
    """In a task of its own on 3.11, in the same task later: it ends by itself either way."""
    first, second = AsyncLock(), AsyncLock()

    async def limited() -> None:
        async with first:
            await asyncio.sleep(0)
            await asyncio.wait_for(second.acquire(), 60)

    async with stuck(limited(), take_both(second, first)):
        found = looker().after(10)

    assert kinds(found) == [("timed-waitcycle", "NOTICE")]


async def test_a_limit_that_was_left_protects_nobody() -> None:
    """Although its object is still there, in a variable."""
    first, second = AsyncLock(), AsyncLock()

    async def left() -> None:
        async with asyncio.timeout(60) as limit:
            await asyncio.sleep(0)
        await take_both(first, second)
        assert not limit.expired()

    async def slower() -> None:
        await asyncio.sleep(0)
        await take_both(second, first)

    async with stuck(left(), slower()):
        assert looker().proof().cause == "deadlock-tasks"


async def test_a_lock_whose_task_has_ended_is_an_orphan() -> None:
    """As with threads."""
    lock = AsyncLock("store")

    async def forget() -> None:
        await lock.acquire()

    await asyncio.create_task(forget(), name="owner")
    async with stuck(child_of(lock), child_of(lock)):
        proof = looker().proof()

    assert proof.cause == "lock-orphaned"
    assert "owner [holds store @" in proof.explanation


async def test_an_orphan_whose_waiters_all_have_a_time_limit_breaks_nothing() -> None:
    """Those who come later are looked into as well: each of them ends by itself."""
    lock = AsyncLock()

    async def forget() -> None:
        await lock.acquire()

    async def limited() -> None:
        async with asyncio.timeout(60), lock:
            pass

    await asyncio.create_task(forget())
    async with stuck(limited()):
        dog = looker()
        early = dog.after(5)
        async with stuck(limited(), limited()):
            late = dog.after(5)

    assert not any(item.is_broken for item in (*early, *late))


async def test_a_lock_taken_within_a_time_limit_and_held_for_long_is_no_orphan() -> None:
    """Whoever called `wait_for` works on with the lock."""
    lock = AsyncLock()
    await asyncio.wait_for(lock.acquire(), 5)
    async with stuck(child_of(lock)):
        found = looker().after(10)
        lock.release()

    assert found == []


async def test_a_handoff_lock_a_condition_and_an_event_are_no_finding() -> None:
    """Anybody may release, notify or set."""
    lock, event = AsyncLock(handoff=True), asyncio.Event()
    condition = asyncio.Condition(AsyncLock())

    async def forget() -> None:
        await lock.acquire()

    async def wait() -> None:
        async with condition:
            await condition.wait()

    await asyncio.create_task(forget())
    async with stuck(child_of(lock), wait(), event.wait()):
        assert looker().after(10) == []


async def test_a_wait_for_a_task_that_works_is_nothing() -> None:
    """A lock held for a minute is slow, not dead."""
    lock = AsyncLock()

    async def work() -> None:
        async with lock:
            await asyncio.sleep(60)

    async with stuck(work(), child_of(lock), child_of(lock)):
        assert looker().after(60) == []


async def test_a_cancelled_waiter_breaks_the_cycle_up() -> None:
    """It leaves no entry behind, so nothing is suspected any longer."""
    first, second = AsyncLock(), AsyncLock()
    async with stuck(take_both(first, second), take_both(second, first)) as tasks:
        dog = looker()
        assert kinds(dog.after(2.5)) == [("deadlock-tasks", "SUSPECT")]
        tasks[0].cancel()
        await asyncio.wait(tasks, timeout=5)

        assert dog.after(4) == []
        assert not WAITS


async def test_contention_among_many_tasks_is_never_a_finding() -> None:
    """A lock that goes round in a thousand hands, looked at all the time."""
    lock, dog = AsyncLock(), looker()
    found = []

    async def work() -> None:
        for _ in range(50):
            async with lock:
                await asyncio.sleep(0)
                found.extend(dog.after(0.05))

    await asyncio.gather(*(work() for _ in range(20)))

    assert found == []
