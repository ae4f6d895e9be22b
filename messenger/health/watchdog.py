"""The thread that looks twenty times a second whether the process can still do its work.

Theory of operation
-------------------
The event loop cannot watch itself: when it is stuck it does not run. So a thread does, and because
the thread may be woken late, or not for a while, it trusts no clock but the number of its own looks
(see ticks.py). On each look it

1. advances the tick clock, and from the loop's heartbeats and completions the lag and the stall;
2. puts off the timer that speaks up when the GIL is held;
3. asks every detector for evidence, weighs it and delivers what is new;
4. wakes the responder if the loop is late;
5. decides whether the process has to end.

It never logs through `logging` and takes no lock that application code could hold: both could be
part of the very deadlock it reports. A detector that raises is reported once and the others go on,
since a watchdog that dies of a bug would be worse than none.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from .delivery import Delivery
from .giltimer import GIL_SECONDS, GilTimer
from .journal import Journal
from .limits import Limits
from .progress import Progress
from .ticks import TICK_SECONDS, TickClock
from .verdict import Evidence, Verdict

RESTORES = 40
"""On how many ticks the message is restored after a dump, two seconds: longer than a thread waits
for a processor, but for one that is throttled."""


class Detector(Protocol):
    """Looks at one kind of evidence."""

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
        self._detectors = list(detectors)
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
        while not self._stopped:
            # Not Event.wait: its condition costs five times as much, twenty times a second.
            time.sleep(TICK_SECONDS)
            self.look()

    def look(self) -> None:
        """Look once."""
        gap = time.monotonic() - self.looked_at
        self.looked_at += gap
        self._progress.observe(self._ticks.advance(), self._limits.stall_suspect_seconds)
        if self._gil_timer is not None:
            self._gil_timer.rearm()
            self._take_back(gap)
        self._delivery.tell(self._verdict.weigh(self._evidence(), self._ticks.now))
        self._after_look()

    def _take_back(self, gap: float) -> None:
        """Restore the message if the timer ran out since the last look: what it told of is over.

        Not once only: the main thread may come to the signal later than this one to its look.
        """
        if gap >= GIL_SECONDS:
            self._restores = RESTORES
        if self._restores:
            self._restores -= 1
            self._delivery.write_message()

    def _evidence(self) -> Iterator[Evidence]:
        for index, detector in enumerate(self._detectors):
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
