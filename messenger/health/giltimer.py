"""Leaves a stack behind when the GIL is held so long that no Python thread can say anything.

An interval timer of the kernel needs no GIL, nor does faulthandler's answer to its signal, which
writes where the main thread is: in the loop, or in what holds the loop up. The timer is put off on
each tick, so it runs out only when no Python code ran for 15 s. It never ends the process. If the
watchdog ticks again the stack was of something that passed, and the caller restores the message.

Only the stack of the thread that the signal meets is written. faulthandler's own timer
(`dump_traceback_later`) writes those of all, from a thread of C code: right while the GIL is held,
but after a freeze of 15 s it does so while they run on, and reads frames that are being freed
(CPython gh-116008, gh-140815). Measured under load, such a dump soon ended a process by SIGSEGV, on
Python 3.11 and 3.13; ten thousand of these did not.

There is one such timer in a process, and one SIGALRM, so they are owned here.
"""

import faulthandler
import signal
from typing import Self

from .termination import TerminationLog

GIL_SECONDS = 15.0
"""After how long without Python code the stack is written, in seconds: later than every limit of a
stall, earlier than the kubelet's third failed probe."""

STANDARD_ERROR = 2
"""The descriptor that is written to outside Kubernetes."""


class GilTimer:
    """Arms the timer.

    Args:
        descriptor: Where the stack goes: the termination log, or standard error.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_heard = False

    @classmethod
    def onto(cls, termination_log: TerminationLog) -> Self:
        """Return a timer that writes to the termination log, or to standard error without one."""
        descriptor = termination_log.open()
        return cls(STANDARD_ERROR if descriptor is None else descriptor)

    def rearm(self) -> None:
        """Put the stack off once more; called on each tick."""
        if not self._is_heard:
            # First, since the signal ends a process that does not hear it.
            faulthandler.register(signal.SIGALRM, file=self._descriptor, all_threads=False)
            self._is_heard = True
        signal.setitimer(signal.ITIMER_REAL, GIL_SECONDS)

    def disarm(self) -> None:
        """Call the stack off."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.unregister(signal.SIGALRM)
        self._is_heard = False
