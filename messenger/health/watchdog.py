"""The thread that looks ten to twenty times a second whether the process can still do its work.

Theory of operation
-------------------
The event loop cannot watch itself: when it is stuck it does not run. So a thread does, and because
the thread may be woken late, or not for a while, it trusts no clock but the number of its own looks
(see ticks.py). On each look it

1. advances the tick clock, and from the loop's heartbeats and completions the lag and the stall;
2. asks for evidence, weighs it and delivers what is new;
3. wakes the responder if the loop is late;
4. decides whether the process has to end.

Looking costs most in a process that idles: nothing of the thread is left in the processor's caches,
and a step takes twenty times what it does in a busy one. So it looks half as often while the loop
beats and nothing is wrong, and on each look asks for a stall only. All else takes seconds to become
evidence: it is asked for each 0.2 s, when the timer that speaks up when the GIL is held is put off
as well, and in between what was found last holds. Measured, the thread takes 0.3 % of a core this
way, 0.4 % with 20 looks a second and 0.7 % where each does all.

It never logs through `logging` and takes no lock that application code could hold: both could be
part of the very deadlock it reports. A detector that raises is reported once and the others go on,
since a watchdog that dies of a bug would be worse than none.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Protocol

from .delivery import Delivery
from .giltimer import GIL_SECONDS, GilTimer
from .journal import Journal
from .limits import Limits
from .progress import Progress
from .ticks import MOST_TICKS_AT_ONCE, TICK_SECONDS, TickClock
from .verdict import Evidence, Verdict

RESTORES = 40
"""On how many looks the message is restored after a dump, for two seconds or more: longer than a
thread waits for a processor, but for one that is throttled."""

CALM_SECONDS = MOST_TICKS_AT_ONCE * TICK_SECONDS
"""How long it sleeps while the loop beats and nothing is found: as long as one look is believed,
which is the length of a heartbeat. A stall is seen one tick later for it."""

SCAN_SECONDS = 0.2
"""How much time lies between two looks that ask all detectors. With 2 s of age and 1 s of
confirmation the proof of a cycle then takes at most 3.4 s of ticks, below the 4 s that are
promised; one scan with 60 threads costs 4 microseconds."""

LATE_SECONDS = 2 * CALM_SECONDS
"""After how long without a look the timer is put off on this one already: of a process that was
frozen, or gets a tenth of a processor, the next may come too late."""


class Detector(Protocol):
    """Looks at one kind of evidence."""

    is_urgent: bool
    """Whether it is asked on each look."""

    def look(self, now: float) -> Iterator[Evidence]:
        """Yield what is wrong at tick time `now`."""
        ...


class Watchdog:
    """The thread.

    Args:
        ticks: The clock to advance.
        progress: The heartbeats and completions.
        limits: From which stall on seconds are counted as stalled.
        verdict: What weighs the evidence.
        delivery: What tells the world.
        detectors: What looks for evidence.
        gil_timer: What speaks up when this thread cannot; None leaves it out.
        after_look: Called at the end of each look: wakes the responder, ends the process.
        journal: Where a crashed detector is written.
    """

    def __init__(
        self,
        *,
        ticks: TickClock,
        progress: Progress,
        limits: Limits,
        verdict: Verdict,
        delivery: Delivery,
        detectors: Iterable[Detector],
        gil_timer: GilTimer | None,
        after_look: Callable[[], None],
        journal: Journal,
    ) -> None:
        self._ticks = ticks
        self._progress = progress
        self._limits = limits
        self._verdict = verdict
        self._delivery = delivery
        self._detectors = tuple(enumerate(detectors))
        self._urgent = tuple(pair for pair in self._detectors if pair[1].is_urgent)
        self._found: list[tuple[Evidence, ...]] = [()] * len(self._detectors)
        self._scan_at = 0.0
        self._gil_timer = gil_timer
        self._after_look = after_look
        self._journal = journal
        self._crashed: set[int] = set()
        self._restores = 0
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="health-watchdog", daemon=True)
        self.looked_at = time.monotonic()
        """When it last looked, on the monotonic clock, in seconds."""

    def start(self) -> None:
        """Start the thread; the GIL may be held before its first look.

        A kernel that has no timer to give takes one kind of message from us, not the start.
        """
        try:
            if self._gil_timer is not None:
                self._gil_timer.rearm()
        except OSError as exc:
            self._gil_timer = None
            self._journal.write(logging.WARNING, "no timer for a held GIL", error=repr(exc))
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped = True
        self._thread.join(timeout=1.0)
        if self._gil_timer is not None:
            self._gil_timer.disarm()

    def _run(self) -> None:
        pause = TICK_SECONDS
        while not self._stopped:
            # Not Event.wait: its condition costs five times as much.
            time.sleep(pause)
            pause = self.look()

    def look(self) -> float:
        """Look once, and return after how many seconds to look again."""
        gap = time.monotonic() - self.looked_at
        self.looked_at += gap
        self._progress.observe(self._ticks.advance(), self._limits.stall_suspect_seconds)
        is_scan = self._ticks.now >= self._scan_at
        if is_scan:
            # Half a tick early, since no sleep is exact and the look before would be as near.
            self._scan_at = self._ticks.now + SCAN_SECONDS - TICK_SECONDS / 2
        if self._gil_timer is not None:
            if is_scan or gap > LATE_SECONDS:
                self._gil_timer.rearm()
            if gap >= GIL_SECONDS or self._restores:
                self._take_back(gap)
        for index, detector in self._detectors if is_scan else self._urgent:
            self._found[index] = tuple(self._evidence(index, detector))
        if any(self._found) or self._verdict.evidence:
            self._delivery.tell(self._verdict.weigh(chain(*self._found), self._ticks.now))
        self._after_look()
        is_calm = not self._progress.lag_seconds and not self._verdict.evidence
        return CALM_SECONDS if is_calm else TICK_SECONDS

    def _take_back(self, gap: float) -> None:
        """Restore the message if the timer ran out since the last look: what it told of is over.

        Not once only: the main thread may come to the signal later than this one to its look.
        """
        self._restores = RESTORES - 1 if gap >= GIL_SECONDS else self._restores - 1
        self._delivery.write_message()

    def _evidence(self, index: int, detector: Detector) -> Iterator[Evidence]:
        try:
            yield from detector.look(self._ticks.now)
        except Exception as exc:  # noqa: BLE001 - see above: the others must go on
            if index not in self._crashed:
                self._crashed.add(index)
                self._journal.write(
                    logging.ERROR,
                    "detector crashed",
                    detector=type(detector).__name__,
                    error=repr(exc),
                )
