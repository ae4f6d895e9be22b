"""A timer of the kernel whose end needs no interpreter: the C library calls a function of its own.

Python's `signal.setitimer` is the process's only one, and what it raises is a signal at once. Here
are the timers of POSIX, of which there may be many, with `SIGEV_THREAD`: when one ends, the C
library calls a function on a thread of its own (timer_create(2), sigevent(3type)). The function is
`alarm(2)`, so that a second time begins where the first ended.
"""

import ctypes
import os
import time

LIBC = ctypes.PyDLL(None, use_errno=True)
"""The C library, called with the GIL kept: the calls here take a microsecond, and to get the GIL
back in a busy process takes five milliseconds."""

SIGEV_THREAD = 2
"""The same number in glibc and in musl (`bits/sigevent-consts.h`)."""


class SignalEvent(ctypes.Structure):
    """The C library's `struct sigevent`, as `SIGEV_THREAD` has it."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("function", ctypes.c_void_p),
        ("attributes", ctypes.c_void_p),
        ("reserved", ctypes.c_char * 64),
    )


class Times(ctypes.Structure):
    """The C library's `struct itimerspec`."""

    _fields_ = (
        ("interval_seconds", ctypes.c_long),
        ("interval_nanoseconds", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    )


def has_timers(libc: object) -> bool:
    """Say whether the C library has timers: glibc from 2.34 on and musl have, macOS has not."""
    return hasattr(libc, "timer_create")


class KernelTimer:
    """Calls `alarm(seconds)` when its time has passed, on the monotonic clock.

    Args:
        seconds: What is handed to `alarm`: SIGALRM comes so many whole seconds later, at least 1.

    Raises:
        OSError: The kernel has no room for another timer (RLIMIT_SIGPENDING).
    """

    def __init__(self, seconds: int) -> None:
        event = SignalEvent(
            value=seconds,
            notify=SIGEV_THREAD,
            function=ctypes.cast(LIBC.alarm, ctypes.c_void_p).value,
        )
        self._timer = ctypes.c_void_p()
        self._check(
            LIBC.timer_create(time.CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(self._timer))
        )

    def begin(self, seconds: float) -> None:
        """Begin anew, to end in so many seconds, more than 0."""
        whole, rest = divmod(round(seconds * 1e9), 1_000_000_000)
        times = Times(seconds=whole, nanoseconds=rest)
        self._check(LIBC.timer_settime(self._timer, 0, ctypes.byref(times), None))

    def close(self) -> None:
        """Give the timer back; it can not be begun again."""
        self._check(LIBC.timer_delete(self._timer))

    @staticmethod
    def _check(result: int) -> None:
        if result:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
