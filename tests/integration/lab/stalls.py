"""Ways to stop the event loop. A comment `# stands` marks where the loop's thread then is."""

import hashlib
import re
import threading
import time
from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from . import leash


def by_sleep(seconds: float) -> None:
    """Sleep in the loop's thread; the GIL is released."""
    time.sleep(seconds)  # stands


def by_event(seconds: float) -> None:
    """Wait in the loop's thread until the test says that it may go on; the GIL is released."""
    leash.RELEASED.clear()
    leash.RELEASED.wait(seconds)  # stands


def by_lock(seconds: float) -> None:
    """Wait in the loop's thread for a lock that nobody watches; the GIL is released."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=seconds)  # stands


def by_cpu(seconds: float) -> None:
    """Count in the loop's thread; the GIL is fought for."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:  # stands
        sum(range(100))  # stands


TRIALS = 5
"""The quickest of so many counts: one that others' work slowed down would make a call too short."""


def quickest_seconds(call: Callable[[], object]) -> float:
    """Return the CPU time that a call takes at the least."""
    times = []
    for _ in range(TRIALS):
        began = time.thread_time()
        call()
        times.append(time.thread_time() - began)
    return min(times)


TRIAL_ITERATIONS = 10_000


def by_c_call(seconds: float) -> None:
    """Stay in one call of a C function that releases the GIL.

    How many iterations take so long is found by trying, in CPU time, as in `by_gil`.
    """
    trial = partial(hashlib.pbkdf2_hmac, "sha256", b"password", b"salt")
    took = quickest_seconds(partial(trial, TRIAL_ITERATIONS))
    iterations = int(TRIAL_ITERATIONS * seconds / took)
    hashlib.pbkdf2_hmac("sha256", b"password", b"salt", iterations)  # stands


BACKTRACKING = re.compile(r"(a+)+c")
BLOCK = "a" * 12 + "b"
TRIAL_BLOCKS = 20


def by_gil(seconds: float) -> None:
    """Hold the GIL in one call: a regular expression that backtracks in each of many blocks.

    How many blocks take so long is found by trying, in CPU time: it lasts at least as long as
    asked.
    """
    took = quickest_seconds(partial(BACKTRACKING.search, BLOCK * TRIAL_BLOCKS))
    BACKTRACKING.search(BLOCK * int(TRIAL_BLOCKS * seconds / took))  # stands


KINDS = {
    "sleep": by_sleep,
    "event": by_event,
    "lock": by_lock,
    "cpu": by_cpu,
    "c": by_c_call,
    "gil": by_gil,
}


async def stall(request: Request) -> PlainTextResponse:
    """Stop the loop: `kind` and `seconds`."""
    KINDS[request.query_params["kind"]](float(request.query_params["seconds"]))
    return PlainTextResponse("recovered")


ROUTES = [Route("/stall", stall)]
