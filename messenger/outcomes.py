"""How recent calls to one downstream went, for a health check that informs and never gates."""

import time
from collections.abc import Callable

WINDOW_SECONDS = 30.0
"""Length of one window; two are kept. A failure is remembered for 30 to 60 s: longer than the ten
seconds of a probe's period, so that it is seen, and short enough to be about now."""


class Outcomes:
    """Counts calls and failures in two windows, the present one and the one before.

    Args:
        clock: Seconds, monotonic.
    """

    __slots__ = ("_calls", "_clock", "_failures", "_past", "_until")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = clock() + WINDOW_SECONDS
        self._calls = self._failures = 0
        self._past = (0, 0)

    def record(self, *, has_failed: bool) -> None:
        """Count one call."""
        self._turn()
        self._calls += 1
        self._failures += has_failed

    def recent(self) -> tuple[int, int]:
        """Return how many calls there were in the last 30 to 60 s, and how many of them failed."""
        self._turn()
        calls, failures = self._past
        return calls + self._calls, failures + self._failures

    def _turn(self) -> None:
        """Begin a new window when the present one is over."""
        now = self._clock()
        if now < self._until:
            return
        # After a silence of a whole window what was counted is not recent any more.
        is_adjacent = now < self._until + WINDOW_SECONDS
        self._past = (self._calls, self._failures) if is_adjacent else (0, 0)
        self._calls = self._failures = 0
        self._until = now + WINDOW_SECONDS
