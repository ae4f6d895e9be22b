"""Ways to keep a thread, the event loop's above all, for a while: asleep, busy, or with the GIL.

In a file of their own, with nothing around them, since it is their lines that a termination log
names as the place where the loop stands still.
"""

import math
import re
import time
from collections.abc import Callable, Mapping

SHORTEST_TIMED_SECONDS = 0.02
"""What is long enough to be timed well, and too short to be noticed as a stall."""

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

    Each further character doubles the time, so a short text is timed to know the long one: in
    CPU time, lest the turns of other processes count as work.
    """
    length, took = 16, 0.0
    while took < SHORTEST_TIMED_SECONDS:
        length += 1
        began = time.thread_time()
        ENDLESS_PATTERN.match("a" * length + "b")
        took = time.thread_time() - began
    length += math.ceil(math.log2(max(seconds / took, 1.0)))
    ENDLESS_PATTERN.match("a" * length + "b")


STALLS: Mapping[str, Callable[[float], None]] = {"sleep": sleep, "cpu": count, "gil": hold_gil}
"""Each way by the name that the grammar of faults has for it."""
