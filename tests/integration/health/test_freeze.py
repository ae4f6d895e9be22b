"""A process that was frozen has not aged: whatever it was paused by, it is not condemned for it."""

import ctypes
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.integration.lab.experiment import lab, logged, poke, probe, until_serving, watch
from tests.integration.process import Process

from .figures import note
from .freezing import BETWEEN_SECONDS, QUICK_LIMITS, busy, condemned

SLOW_FREEZES = 6
FULL_FREEZES = 60
AT_ONCE = 6
"""How many processes are frozen at the same time."""


@pytest.mark.together
def test_freeze_beyond_every_limit_condemns_nobody() -> None:
    """Four freezes of 1.2 s at a limit of 0.8 s, in the middle of requests (control: switches)."""
    assert condemned({}, QUICK_LIMITS, 1.2) == set()


@pytest.mark.slow
@pytest.mark.together(seconds=40)
@pytest.mark.parametrize("seconds", [5.0, 20.0])
def test_freezes_with_the_real_limits_condemn_nobody(
    seconds: float,
    full: bool,  # noqa: FBT001 - a fixture
) -> None:
    """SIGSTOP for 5 s and for 20 s, again and again: 0 BROKEN."""
    freezes = FULL_FREEZES if full else SLOW_FREEZES
    each = freezes // AT_ONCE
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda _: condemned({}, {}, seconds, each), range(AT_ONCE)))
    note(f"BROKEN after freezes of {seconds:g} s", f"{sum(map(len, found))} of {freezes}")

    assert found == [set()] * AT_ONCE


PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
PTRACE_DETACH = 17


WALL = 0x40000000
"""To wait for threads too (__WALL of waitpid(2))."""


@contextmanager
def debugger(process: Process) -> Iterator[None]:
    """Attach to every thread of a process and stop it, as gdb does (ptrace(2)).

    The calling thread is the tracer: it has to be the one that detaches.
    """
    with ExitStack() as attached:
        for thread in process.threads:
            with suppress(ProcessLookupError):  # a thread that has ended since it was listed
                attached.enter_context(traced(thread))
        yield


@contextmanager
def traced(thread: int) -> Iterator[None]:
    """Stop one thread, and let it go in any case: a process does not end before its tracer let go.

    Raises:
        ProcessLookupError: The thread has ended.
    """
    trace(PTRACE_SEIZE, thread)
    trace(PTRACE_INTERRUPT, thread)
    os.waitpid(thread, WALL)
    try:
        yield
    finally:
        trace(PTRACE_DETACH, thread)


def trace(request: int, thread: int) -> None:
    """Call ptrace(2), for requests without an address and without data.

    Raises:
        OSError: The kernel refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(request, thread, None, None):
        raise OSError(ctypes.get_errno(), "ptrace")


@pytest.mark.together
def test_debugger_that_stops_the_process_does_not_break_it() -> None:
    """Attached to all threads for 2 s at a limit of 0.8 s: it goes on as if nothing had been."""
    with lab(limits=QUICK_LIMITS) as process:
        until_serving(process)
        with busy(process):
            for _ in range(2):
                with debugger(process):
                    silent = probe(process, timeout=0.3)
                    time.sleep(2.0)
                time.sleep(BETWEEN_SECONDS)
        alive = probe(process)
        broken = logged(process, "liveness broken")

    assert silent.code == 0
    assert (alive.code, broken) == (200, [])


@pytest.mark.together
def test_breakpoint_in_the_loop_is_left_alone_when_stalls_have_no_limit() -> None:
    """With `stall_broken_seconds` None whoever debugs may think: suspect for ever, never broken."""
    limits = {**QUICK_LIMITS, "stall_broken_seconds": None}
    with lab(limits=limits) as process:
        until_serving(process)
        with poke(process, "/stall?kind=sleep&seconds=3.5") as stopped:
            time.sleep(0.3)
            answers = watch(process, 2.5)
            reply = stopped.receive()

    assert {answer.code for answer in answers} == {200}
    assert reply.text == "recovered"
