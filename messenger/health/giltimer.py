"""Leaves stacks behind when the GIL is held so long that no Python thread can say anything.

faulthandler's timer is a C thread and needs no GIL. It is armed again twice a second, so it fires
only when no Python code ran for 15 s. It never ends the process: measured, `exit=True` killed 20
of 20 healthy processes after a freeze. If the watchdog ticks again the dump was of something that
passed, and the caller restores the message. There is one such timer in a process, so it is owned
here.
"""

import faulthandler
from typing import Self

from .termination import TerminationLog

GIL_SECONDS = 15.0
"""After how long without Python code the stacks are dumped, in seconds: later than every limit of a
stall, earlier than the kubelet's third failed probe."""

REARM_TICKS = 10
"""How often it is armed again, in ticks: each arming starts a C thread."""


STANDARD_ERROR = 2
"""The descriptor that is written to outside Kubernetes."""


class GilTimer:
    """Arms faulthandler's timer.

    Args:
        descriptor: Where the stacks go: the termination log, or standard error.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._tick = 0

    @classmethod
    def onto(cls, termination_log: TerminationLog) -> Self:
        """Return a timer that writes to the termination log, or to standard error without one."""
        descriptor = termination_log.open()
        return cls(STANDARD_ERROR if descriptor is None else descriptor)

    def rearm(self) -> None:
        """Put the dump off once more; called on each tick."""
        if self._tick % REARM_TICKS == 0:
            faulthandler.dump_traceback_later(GIL_SECONDS, exit=False, file=self._descriptor)
        self._tick += 1

    @staticmethod
    def disarm() -> None:
        """Call the dump off."""
        faulthandler.cancel_dump_traceback_later()
