"""When a process that was asked to leave stops accepting, and when it must not wait any longer.

All times count from the signal, on the monotonic clock: the kubelet's grace period does not stop
for a frozen process either. Between `drain_min` and `drain_max` the drain ends as soon as nothing
is in flight and nobody new has come for a while; before, clients still arrive that have not heard
of it; afterwards nobody can be waited for.

`drain_min` is a guess at what the removal of an endpoint takes to reach everybody. Whoever still
comes shows that it was too short: on a node whose processors are all at work, kube-proxy was seen
to send requests for 6.7 s.
"""

import time
from collections.abc import Callable

from .limits import FLUSH_SECONDS, Limits

SETTLE_SECONDS = 0.1
"""Between the last accepted connection and the closing of idle ones, in seconds: what the kernel
has accepted and nobody has read yet is read in the meantime."""

QUIET_SECONDS = 2.0
"""For how long nobody must have come, in seconds, or for `drain_min` if that is less: twice what a
caller is away that asks once a second. Where an endpoint is removed in time it adds nothing."""

SLACK_SECONDS = 2.0
"""What the grace period must hold beyond the sum, in seconds: the interpreter's own end."""


class Drain:
    """The clock of one drain.

    Args:
        limits: The drain's numbers.
        clock: The monotonic clock, in seconds.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._began: float | None = None
        self._min = limits.drain_min_seconds
        self._max = limits.drain_max_seconds
        self._arrived = 0
        self._heard_at = 0.0  # in seconds of the drain

    def begin(self, *, skip_min: bool = False) -> None:
        """Start the clock.

        Args:
            skip_min: End as soon as nothing is in flight: nobody else sends traffic here (Ctrl-C).
        """
        if self._began is None:
            self._began = self._clock()
            self._min = 0.0 if skip_min else self._min

    def shorten(self) -> None:
        """Wait at most for `drain_broken` seconds, and for nothing that is not in flight."""
        self._min = 0.0
        self._max = min(self._max, self._limits.drain_broken_seconds)

    @property
    def has_begun(self) -> bool:
        """Whether the process was asked to leave."""
        return self._began is not None

    @property
    def seconds(self) -> float:
        """Seconds since the signal; 0 before."""
        return 0.0 if self._began is None else self._clock() - self._began

    def hear(self, arrived: int) -> None:
        """Take note of how many requests have ever arrived; probes are none."""
        if arrived != self._arrived:
            self._arrived = arrived
            self._heard_at = self.seconds

    def is_over(self, in_flight: int) -> bool:
        """Return whether to stop accepting now."""
        if self._began is None:
            return False
        accept_until = max(self._min, self._heard_at + min(QUIET_SECONDS, self._min))
        return self.seconds >= self._max or (self.seconds >= accept_until and not in_flight)

    @property
    def is_past_max(self) -> bool:
        """Whether the longest time to accept is over."""
        return self._began is not None and self.seconds >= self._max


def longest_seconds(limits: Limits) -> float:
    """Return what the pod's `terminationGracePeriodSeconds` must at least be."""
    return limits.drain_max_seconds + limits.drain_cancel_seconds + FLUSH_SECONDS + SLACK_SECONDS
