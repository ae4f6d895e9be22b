"""Ways to stop the event loop."""

import hashlib
import re
import threading
import time

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


def by_sleep(seconds: float) -> None:
    """Sleep in the loop's thread; the GIL is released."""
    time.sleep(seconds)


def by_lock(seconds: float) -> None:
    """Wait in the loop's thread for a lock that nobody watches; the GIL is released."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=seconds)


def by_cpu(seconds: float) -> None:
    """Count in the loop's thread; the GIL is fought for."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(100))


def by_c_call(seconds: float) -> None:
    """Stay in a C function that releases the GIL."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 300_000)


def by_gil(seconds: float) -> None:
    """Hold the GIL: a regular expression that backtracks for about as long as asked.

    Each further character doubles the time; the length is found by trying.
    """
    length, took = 18, 0.0
    while took < seconds / 2:
        began = time.monotonic()
        re.match(r"(a+)+$", "a" * length + "b")
        took = time.monotonic() - began
        length += 1


STALLS = {
    "sleep": by_sleep,
    "lock": by_lock,
    "cpu": by_cpu,
    "c": by_c_call,
    "gil": by_gil,
}


async def stall(request: Request) -> PlainTextResponse:
    """Stop the loop: `kind` and `seconds`."""
    STALLS[request.query_params["kind"]](float(request.query_params["seconds"]))
    return PlainTextResponse("recovered")


ROUTES = [Route("/stall", stall)]
