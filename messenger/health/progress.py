"""Whether the event loop makes progress: two clocks that must not be confused.

*Lag* is the time without a heartbeat. It decides who answers a probe: a busy loop is late, and the
responder thread answers in its place. *Stall* is the time without a heartbeat **and** without a
completed request. It decides about death: measured under 1,500 connections of 5 ms CPU each, lag
reached 15.7 s and stall 0.05 s; whoever kills by lag kills a pod that serves 185 requests a second.
"""

import time
from collections.abc import Callable

BEAT_SECONDS = 0.1
"""The length of one heartbeat in seconds: uvicorn's main loop wakes up as often anyway."""

LAG_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram of lag, in seconds."""


class Progress:
    """Counts heartbeats and completions; the watchdog turns them into lag and stall.

    `beat` and `complete` run on the event loop and only count; `observe` runs in the watchdog.

    Args:
        clock: The monotonic clock, in seconds, that a heartbeat's lateness is measured with.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beat_at = clock()
        self._seen = (0, 0)
        self.beats = 0
        self.completed = 0
        self.lag_seconds = 0.0
        """Seconds without a heartbeat, in ticks."""
        self.stall_seconds = 0.0
        """Seconds without a heartbeat and without a completed request, in ticks."""
        self.stalled_total = 0.0
        """Seconds of stall beyond the suspect limit since the start; a gauge could not be
        scraped."""
        self.late_counts = [0] * (len(LAG_BUCKETS) + 1)
        self.late_sum = 0.0

    def beat(self) -> None:
        """Count one heartbeat and how late it came."""
        now = self._clock()
        late = max(0.0, now - self._beat_at - BEAT_SECONDS)
        self._beat_at = now
        self.beats += 1
        self.late_sum += late
        for index, bound in enumerate(LAG_BUCKETS):
            if late <= bound:
                self.late_counts[index] += 1
                return
        self.late_counts[-1] += 1

    def complete(self) -> None:
        """Count one completed request."""
        self.completed += 1

    def observe(self, tick: float, suspect_seconds: float) -> None:
        """Advance lag and stall by one tick of `tick` seconds."""
        beats, completed = self.beats, self.completed
        seen_beats, seen_completed = self._seen
        self.lag_seconds = 0.0 if beats != seen_beats else self.lag_seconds + tick
        if beats != seen_beats or completed != seen_completed:
            self.stall_seconds = 0.0
        else:
            self.stall_seconds += tick
        if self.stall_seconds > suspect_seconds:
            self.stalled_total += tick
        self._seen = (beats, completed)
