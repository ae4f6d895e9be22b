"""Words for places, stacks and verdicts."""

import asyncio
import signal
import sys
import threading
from types import FrameType

from messenger.health import Lock
from messenger.health.report import (
    STACK_FRAMES,
    all_stacks,
    line_of,
    place,
    short,
    stack_lines,
    task_stack,
    thread_stack,
    verdict_lines,
)
from messenger.health.signals import note_only
from messenger.health.verdict import Evidence, Level

from .parties import line, thread, until_in, until_waiting


def test_a_file_is_named_by_its_last_two_parts() -> None:
    """Enough to find it, and nothing of the machine."""
    assert short("/srv/app/messenger/directory.py") == "messenger/directory.py"
    assert short("directory.py") == "directory.py"


def test_a_place_that_is_not_known_is_a_question_mark() -> None:
    """A lock that nobody holds any more has none."""
    assert place(None, 0) == "?"


def test_an_instruction_beyond_the_code_is_at_its_first_line() -> None:
    """A wrong guess is better than a crash in an explanation."""
    code = short.__code__

    assert line_of(code, 10**6) == code.co_firstlineno


def test_a_thread_in_our_signal_handler_is_shown_where_the_signal_met_it() -> None:
    """A verdict names the line that holds the process up, not the handler on top of it."""
    stacks: list[tuple[str, ...]] = []

    def watch(frame: FrameType, _event: str, _argument: object) -> None:
        if frame.f_code is note_only.__code__:
            stacks.append(thread_stack("main", frame))

    before = signal.signal(signal.SIGUSR1, note_only)
    sys.setprofile(watch)
    try:
        signal.raise_signal(signal.SIGUSR1)  # the signal meets it
    finally:
        sys.setprofile(None)
        signal.signal(signal.SIGUSR1, before)

    where = line("the signal meets it", __file__)
    assert stacks[0][-1].startswith(f'stack "main": {where} in test_')


def test_every_instruction_of_a_function_is_on_one_of_its_lines() -> None:
    """The line table is read rightly from end to end."""
    code = verdict_lines.__code__
    lines = {number for _, _, number in code.co_lines() if number is not None}

    assert {line_of(code, at) for at in range(0, len(code.co_code), 2)} <= lines


def test_a_thread_s_stack_leaves_the_plumbing_out() -> None:
    """The last line is the user's own that waits, above it who called that."""
    lock = Lock()
    lock.acquire()

    def inner() -> None:
        with lock:  # stack waits
            pass

    def outer() -> None:
        inner()  # stack calls

    stuck = thread(outer, "worker-1")
    until_waiting(1)
    frame = sys._current_frames()[stuck.ident or 0]  # noqa: SLF001 - documented
    lines = thread_stack("worker-1", frame)
    lock.release()
    stuck.join(5)

    assert len(lines) == STACK_FRAMES
    assert lines[-1].startswith(f'stack "worker-1": {line("stack waits", __file__)} in test_')
    assert lines[-1].endswith("inner  with lock:  # stack waits")
    assert line("stack calls", __file__) in lines[-2]


def test_a_thread_without_a_frame_has_no_stack() -> None:
    """It ended between two looks."""
    assert thread_stack("gone", None) == ()


async def test_a_task_s_stack_is_that_of_its_coroutines() -> None:
    """Innermost last, without asyncio's own."""
    event = asyncio.Event()

    async def inner() -> None:
        await event.wait()  # task stack waits

    async def outer() -> None:
        await inner()

    task = asyncio.create_task(outer(), name="refresh")
    await asyncio.sleep(0)
    lines = task_stack(task)
    event.set()
    await task

    assert len(lines) == 2
    assert lines[-1].startswith(f'stack "refresh": {line("task stack waits", __file__)} in test_')
    assert "await inner()" in lines[0]
    assert task_stack(task) == ()


async def test_stacks_of_threads_and_tasks_are_put_together() -> None:
    """In the order of those who are involved."""
    task = asyncio.create_task(asyncio.Event().wait(), name="task-1")
    await asyncio.sleep(0)
    me = threading.current_thread()
    lines = stack_lines([me, task], lambda _: sys._getframe())  # noqa: SLF001 - this frame
    task.cancel()
    await asyncio.wait({task})

    assert lines
    assert all(text.startswith(f'stack "{me.name}"') for text in lines)


def test_all_threads_are_in_the_stacks_of_all() -> None:
    """By name."""
    go = threading.Event()
    waiting = thread(lambda: go.wait(5), "waiting")
    until_in(waiting, "wait")
    lines = all_stacks()
    go.set()

    assert any(text.startswith('stack "waiting"') for text in lines)
    assert any(text.startswith('stack "MainThread"') for text in lines)


def test_the_reason_is_the_last_line_of_a_verdict() -> None:
    """Above it the headline with who, when and what happens now, and the stacks on top."""
    evidence = Evidence(
        "locks:waitcycle",
        "deadlock-threads",
        Level.BROKEN,
        "DEADLOCK after 3.1s",
        "cycle: a -> b -> a",
        stacks=("stack a", "stack b"),
    )

    assert verdict_lines(
        evidence, who="messenger 1.4.2 pod=m-1", at="NOW", action="exit by SIGTERM"
    ) == [
        "stack a",
        "stack b",
        "DEADLOCK after 3.1s messenger 1.4.2 pod=m-1 at NOW, exit by SIGTERM",
        "cycle: a -> b -> a",
    ]
