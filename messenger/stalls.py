"""Ways to stop the event loop for a while: asleep, busy, or with the GIL held."""

import math
import re
import time
from collections.abc import Callable, Mapping

SHORTEST_TIMED_SECONDS = 0.02
"""What is long enough to be timed, and too short to be noticed."""

ENDLESS_PATTERN = re.compile(r"(a+)+$")
"""A regular expression that backtracks without end, and holds the GIL while it does."""


def sleep(seconds: float) -> None:
    """Sleep, in a line of our own for the explanation to name."""
    time.sleep(seconds)


def count(seconds: float) -> None:
    """Use the CPU in Python code, which lets other threads have their turns."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(100))


def hold_gil(seconds: float) -> None:
    """Hold the GIL for at least `seconds`, and at most twice as long, in one call of C code.

    Each further character doubles the time, so a short text is timed to know the long one.
    """
    length, took = 16, 0.0
    while took < SHORTEST_TIMED_SECONDS:
        length += 1
        began = time.monotonic()
        ENDLESS_PATTERN.match("a" * length + "b")
        took = time.monotonic() - began
    ENDLESS_PATTERN.match("a" * (length + math.ceil(math.log2(seconds / took))) + "b")


STALLS: Mapping[str, Callable[[float], None]] = {"sleep": sleep, "cpu": count, "gil": hold_gil}
"""Each way by the name that the grammar of faults has for it."""
