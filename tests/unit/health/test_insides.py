"""What is read of asyncio's insides: one test per reader, for every Python the package runs on."""

import asyncio
import concurrent.futures
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from messenger.health.insides import (
    NOTHING,
    Awaited,
    awaited_by_task,
    awaited_by_thread,
    tasks_with_a_timeout,
)
from messenger.health.report import place
from messenger.health.waits import deadline

from .parties import line, thread, until_in

Body = Callable[[asyncio.Event], Coroutine[Any, Any, object]]


async def seen(body: Body) -> tuple[Awaited, set[asyncio.Task[Any]]]:
    """Return what a task that runs `body` waits for, and the tasks that wait for the event."""
    event = asyncio.Event()
    before = asyncio.all_tasks()
    task = asyncio.create_task(body(event), name="subject")
    for _ in range(5):
        await asyncio.sleep(0)
    awaited = awaited_by_task(task)
    others = asyncio.all_tasks() - before - {task}
    event.set()
    await asyncio.wait({task}, timeout=5)
    assert task.exception() is None
    return awaited, others


async def test_a_task_that_awaits_a_task_is_seen() -> None:
    """By the future that it waits for, with the line of the await."""

    async def body(event: asyncio.Event) -> None:
        child = asyncio.create_task(event.wait())
        await child  # awaits a task

    awaited, children = await seen(body)

    assert set(awaited.tasks) == children
    assert not awaited.timed
    assert place(awaited.code, awaited.lasti) == line("awaits a task", __file__)


async def test_a_gather_names_its_children() -> None:
    """All that have not ended, and the line outside asyncio."""

    async def body(event: asyncio.Event) -> None:
        ended = asyncio.create_task(asyncio.sleep(0))
        await asyncio.gather(event.wait(), event.wait(), ended)  # gathers

    awaited, children = await seen(body)

    assert awaited.how == "gathers"
    assert set(awaited.tasks) == children
    assert len(children) == 2
    assert place(awaited.code, awaited.lasti) == line("gathers", __file__)


async def test_a_gather_within_a_gather_names_the_leaves() -> None:
    """What is gathered twice is still only tasks."""

    async def body(event: asyncio.Event) -> None:
        await asyncio.gather(asyncio.gather(event.wait(), event.wait()), event.wait())

    awaited, children = await seen(body)

    assert set(awaited.tasks) == children
    assert len(children) == 3


async def test_a_gather_with_a_future_of_unknown_origin_tells_nothing() -> None:
    """The future may come and, failing, set the parent free."""

    async def body(event: asyncio.Event) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.05, future.set_result, None)
        await asyncio.gather(event.wait(), future)

    awaited, _ = await seen(body)

    assert awaited.tasks == ()


async def test_a_task_group_names_its_children() -> None:
    """While its block has been left and it waits for them."""

    async def body(event: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:  # joins
            group.create_task(event.wait())
            group.create_task(event.wait())

    awaited, children = await seen(body)

    assert awaited.how == "joins"
    assert set(awaited.tasks) == children
    assert len(children) == 2
    assert place(awaited.code, awaited.lasti) == line("joins", __file__)


async def test_a_task_group_of_anyio_names_its_children() -> None:
    """It keeps them as asyncio's does."""

    async def body(event: asyncio.Event) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(event.wait)

    awaited, children = await seen(body)

    assert set(awaited.tasks) == children
    assert len(children) == 1


@pytest.mark.parametrize("limit", [None, 30], ids=["untimed", "timed"])
@pytest.mark.parametrize("until_", [asyncio.ALL_COMPLETED, asyncio.FIRST_COMPLETED])
async def test_a_wait_names_what_it_waits_for(limit: float | None, until_: str) -> None:
    """And whether it has a time-out."""

    async def body(event: asyncio.Event) -> None:
        tasks = {asyncio.create_task(event.wait()) for _ in range(2)}
        await asyncio.wait(tasks, timeout=limit, return_when=until_)
        await asyncio.wait(tasks)

    awaited, children = await seen(body)

    assert set(awaited.tasks) == children
    assert awaited.timed is (limit is not None)


async def test_a_wait_for_is_timed() -> None:
    """By its frame on 3.11, and from 3.12 on by the time-out that it uses."""
    timed: list[asyncio.Task[Any]] = []

    async def body(event: asyncio.Event) -> None:
        asyncio.get_running_loop().call_soon(lambda: timed.extend(tasks_with_a_timeout()))
        await asyncio.wait_for(asyncio.create_task(event.wait()), 30)

    awaited, children = await seen(body)

    assert set(awaited.tasks) == children
    assert awaited.timed or [task.get_name() for task in timed] == ["subject"]
    assert awaited.timed is (sys.version_info < (3, 12))


async def test_a_coroutine_of_the_same_name_is_not_taken_for_asyncio_s() -> None:
    """What counts is where the code comes from."""

    async def wait_for(fut: asyncio.Event) -> None:
        await fut.wait()

    async def _wait(event: asyncio.Event) -> None:
        await asyncio.gather(event.wait())

    awaited, _ = await seen(wait_for)
    assert awaited == NOTHING
    awaited, children = await seen(_wait)
    assert set(awaited.tasks) == children


async def test_a_task_that_awaits_an_event_waits_for_nobody_known() -> None:
    """Anybody may set it."""
    awaited, _ = await seen(lambda event: event.wait())

    assert awaited == NOTHING


async def test_a_task_that_sleeps_waits_for_nobody() -> None:
    """The loop will wake it."""
    awaited, _ = await seen(lambda _: asyncio.sleep(0.05))

    assert awaited == NOTHING


async def test_a_task_that_awaits_a_pool_s_future_is_seen() -> None:
    """`wrap_future`, as `run_in_executor` uses it, leaves the way back to the source."""
    go = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        source = executor.submit(go.wait, 5)

        async def body(_: asyncio.Event) -> None:
            await asyncio.wrap_future(source)  # awaits a future

        task = asyncio.create_task(body(asyncio.Event()))
        await asyncio.sleep(0)
        awaited = awaited_by_task(task)
        go.set()
        await task

    assert awaited.futures == (source,)
    assert awaited.tasks == ()
    assert place(awaited.code, awaited.lasti) == line("awaits a future", __file__)


async def test_a_task_that_has_ended_waits_for_nothing() -> None:
    """A race between the snapshot and the task's end is no error."""
    task = asyncio.create_task(asyncio.sleep(0))
    await task

    assert awaited_by_task(task) == NOTHING


def seen_in(waiting: threading.Thread, function: str) -> Awaited:
    """Return what a thread waits for as soon as it is in `function`."""
    until_in(waiting, function)
    return awaited_by_thread(sys._current_frames()[waiting.ident or 0])  # noqa: SLF001 - documented


@pytest.mark.parametrize("timeout", [None, 30], ids=["untimed", "timed"])
def test_a_thread_that_joins_a_thread_is_seen(timeout: float | None) -> None:
    """With the line of the join, and whether it is timed."""
    go = threading.Event()
    other = thread(lambda: go.wait(5), "other")
    joiner = thread(lambda: other.join(timeout), "joiner")  # joins a thread
    awaited = seen_in(joiner, "join")
    go.set()

    assert awaited.how == "joins"
    assert awaited.threads == (other,)
    assert awaited.timed is (timeout is not None)
    assert place(awaited.code, awaited.lasti) == line("joins a thread", __file__)


@pytest.mark.parametrize("timeout", [None, 30], ids=["untimed", "timed"])
def test_a_thread_that_waits_for_a_result_is_seen(timeout: float | None) -> None:
    """With the future, which some thread has to deliver."""
    future: concurrent.futures.Future[None] = concurrent.futures.Future()
    waiter = thread(lambda: future.result(timeout))  # waits for a result
    awaited = seen_in(waiter, "result")
    future.set_result(None)

    assert awaited.futures == (future,)
    assert awaited.timed is (timeout is not None)
    assert place(awaited.code, awaited.lasti) == line("waits for a result", __file__)


async def started(before: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """Return the tasks that begin to exist after `before`."""
    async with asyncio.timeout(5):
        while not (tasks := asyncio.all_tasks() - before):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
    return tasks


async def test_a_thread_that_waits_for_a_coroutine_is_seen_to_await_the_task() -> None:
    """Once the loop has made a task of it."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    before = asyncio.all_tasks()

    def call() -> None:
        asyncio.run_coroutine_threadsafe(event.wait(), loop).result()

    caller = thread(call)
    tasks = await started(before)
    awaited = seen_in(caller, "result")
    event.set()
    await asyncio.to_thread(caller.join, 5)

    assert set(awaited.tasks) == tasks
    assert not awaited.loop


async def test_a_thread_that_waits_for_a_coroutine_the_loop_has_not_seen_needs_the_loop() -> None:
    """As long as the loop is blocked there is no task yet."""
    loop = asyncio.get_running_loop()

    def call() -> None:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()

    caller = thread(call)
    # The loop is blocked meanwhile: this test is what runs on it.
    awaited = seen_in(caller, "result")
    await asyncio.to_thread(caller.join, 5)

    assert awaited.loop
    assert awaited.how == "needs"
    assert awaited.futures == ()


def test_a_thread_that_runs_waits_for_nothing() -> None:
    """Neither does one that sleeps, reads or waits for an event."""
    go = threading.Event()
    sleeper = thread(lambda: time.sleep(0.05))
    waiter = thread(lambda: go.wait(5))
    sleeping = seen_in(sleeper, "<lambda>")
    waiting = seen_in(waiter, "wait")
    go.set()

    assert sleeping == NOTHING
    assert waiting == NOTHING


def test_a_thread_that_is_all_in_the_standard_library_waits_for_nothing() -> None:
    """Its stack is walked to the end."""
    sleeper = threading.Thread(target=time.sleep, args=(0.05,), daemon=True)
    sleeper.start()

    assert seen_in(sleeper, "run") == NOTHING


@pytest.mark.parametrize(
    ("name", "file"),
    [("join", threading.__file__), ("result", "/lib/concurrent/futures/_base.py")],
)
def test_a_frame_of_the_standard_library_that_looks_otherwise_is_nothing(
    name: str, file: str
) -> None:
    """A version may hide what is looked for: better no finding than a crash."""
    variables: dict[str, Any] = {"sys": sys}
    exec(compile(f"def {name}(): return sys._getframe()", file, "exec"), variables)  # noqa: S102 - the code above

    assert awaited_by_thread(variables[name]()) == NOTHING


async def test_a_task_that_is_all_in_asyncio_is_seen_without_a_line() -> None:
    """There is none of the user's own."""
    event = asyncio.Event()
    child = asyncio.create_task(event.wait())
    task = asyncio.create_task(asyncio.wait({child}))
    await asyncio.sleep(0)
    awaited = awaited_by_task(task)
    event.set()
    await task

    assert awaited.tasks == (child,)
    assert awaited.code is None


def _chain_future(future: asyncio.Future[None]) -> Callable[[object], object]:
    """Leave a callback like asyncio's, whose source has not come yet."""

    def pass_on(_: object) -> object:
        return source

    future.add_done_callback(pass_on)
    if future.done():
        source = future
    return pass_on


async def test_callbacks_that_name_no_source_are_passed_over() -> None:
    """Those of others, and one like asyncio's whose source has not come yet."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    source = object()

    def of_others(_: object) -> None:
        assert source

    future.add_done_callback(of_others)
    future.add_done_callback(id)
    pass_on = _chain_future(future)

    async def body() -> None:
        await future

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    awaited = awaited_by_task(task)
    future.remove_done_callback(pass_on)
    task.cancel()
    await asyncio.wait({task})

    assert awaited == NOTHING


def test_a_method_called_result_is_not_taken_for_a_future_s() -> None:
    """What counts is where the code comes from."""

    def result() -> Awaited:
        return awaited_by_thread(sys._getframe())  # noqa: SLF001 - the frame under test

    assert result() == NOTHING


async def under(context: Any) -> set[asyncio.Task[Any]]:  # noqa: ANN401 - several kinds
    """Return the tasks with a time-out while a task waits inside `context`."""
    event = asyncio.Event()

    async def body() -> None:
        async with context:
            await event.wait()

    task = asyncio.create_task(body(), name="inside")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    found = tasks_with_a_timeout()
    event.set()
    await task
    return found


async def test_a_task_under_asyncio_timeout_is_found() -> None:
    """Only while a timer runs: with a time, and after it was given one."""
    assert [task.get_name() for task in await under(asyncio.timeout(30))] == ["inside"]
    assert await under(asyncio.timeout(None)) == set()
    assert [task.get_name() for task in await under(deadline(30))] == ["inside"]


async def test_a_time_out_whose_block_was_left_counts_no_more() -> None:
    """Even if its object lives on in a variable."""
    async with asyncio.timeout(30) as limit:
        await asyncio.sleep(0)
        assert tasks_with_a_timeout() == {asyncio.current_task()}

    assert tasks_with_a_timeout() == set()
    assert not limit.expired()


async def test_a_time_out_that_was_swallowed_counts_no_more() -> None:
    """It has fired and will not fire again."""
    fired = asyncio.Event()

    async def body() -> set[asyncio.Task[Any]]:
        async with asyncio.timeout(0):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                fired.set()
            return tasks_with_a_timeout()

    # The block ends well, so nothing turns the cancellation into TimeoutError.
    assert await asyncio.create_task(body()) == set()
    assert fired.is_set()


async def test_a_task_under_anyio_s_fail_after_is_found_with_its_children() -> None:
    """A scope around a task group cancels those inside too, unless it is shielded."""
    event = asyncio.Event()
    found: set[asyncio.Task[Any]] = set()

    async def child() -> None:
        await event.wait()

    async def shielded() -> None:
        with anyio.CancelScope(shield=True):
            await event.wait()

    async def body() -> None:
        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                group.start_soon(child, name="child")
                group.start_soon(shielded, name="shielded")
                await anyio.lowlevel.checkpoint()
                found.update(tasks_with_a_timeout())
                event.set()

    await asyncio.create_task(body(), name="parent")

    assert {"parent", "child"} == {task.get_name() for task in found}


async def test_a_scope_without_a_deadline_finds_nobody() -> None:
    """It will not cancel anything by itself."""
    with anyio.CancelScope():
        await anyio.lowlevel.checkpoint()
        assert tasks_with_a_timeout() == set()
