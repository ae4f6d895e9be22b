"""Leaves the stacks behind when the GIL is held so long that no Python thread can say anything.

Theory of operation
-------------------
A signal needs no GIL, nor does faulthandler's answer to it, which writes where every thread is. But
it may only be written while the GIL is held: then every thread stands still, in C code or in wait
for the GIL. The stacks of threads that run are read while their frames come and go, and the process
ends by SIGSEGV (CPython gh-116008, gh-140815): measured on 3.13.0, one in ten such dumps did that.

A timer that is put off on each tick does not tell the two apart: when a process has been frozen for
15 s its time is over the moment that all go on. So there are two times, one after the other:

1. no tick for 10 s: a timer of the kernel ends, and the C library begins the second time;
2. no tick for 5 s more: SIGALRM, and the stacks are written.

Whoever was frozen begins the second time when it goes on, and ticks long before its end. The
process is never ended. If the watchdog ticks again the stacks were of something that passed, and
the caller restores the message.

There is one SIGALRM in a process, so it is owned here.
"""

import faulthandler
import signal
from typing import Self

from .kerneltimer import LIBC, KernelTimer, has_timers
from .termination import TerminationLog

SILENT_SECONDS = 10.0
"""The first time, in seconds: no tick, whether the process ran or not."""

RUNNING_SECONDS = 5
"""The second time, in whole seconds, as `alarm(2)` has it: a hundred ticks of a process that runs,
so that one that is throttled to a tenth of a processor still makes some of them."""

GIL_SECONDS = SILENT_SECONDS + RUNNING_SECONDS
"""After how long without Python code the stacks are written, in seconds: later than every limit of
a stall, earlier than the kubelet's third failed probe."""

STANDARD_ERROR = 2
"""The descriptor that is written to outside Kubernetes."""


class GilTimer:
    """Arms the two times.

    Args:
        descriptor: Where the stacks go: the termination log, or standard error.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._silence: KernelTimer | None = None

    @classmethod
    def onto(cls, termination_log: TerminationLog, libc: object = LIBC) -> Self | None:
        """Return a timer that writes to the termination log, or to standard error without one.

        Without timers in the C library, as on macOS, there is none.
        """
        if not has_timers(libc):
            return None
        descriptor = termination_log.open()
        return cls(STANDARD_ERROR if descriptor is None else descriptor)

    def rearm(self) -> None:
        """Put the stacks off once more; called each 0.2 s, and on a look that comes late.

        Raises:
            OSError: The kernel has no timer to give (RLIMIT_SIGPENDING); the first time only.
        """
        if self._silence is None:
            # First, since the signal ends a process that does not hear it.
            faulthandler.register(signal.SIGALRM, file=self._descriptor)
            self._silence = KernelTimer(RUNNING_SECONDS)
        self._silence.begin(SILENT_SECONDS)
        # Second, since the first time may end just now: what it began is then called off here, or
        # on the next tick.
        signal.setitimer(signal.ITIMER_REAL, 0)

    def disarm(self) -> None:
        """Call the stacks off.

        The signal is still heard: the second time may begin this very moment, and end the process.
        """
        if self._silence is not None:
            self._silence.close()
            self._silence = None
        signal.setitimer(signal.ITIMER_REAL, 0)
