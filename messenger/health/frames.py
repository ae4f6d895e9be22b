"""Where every thread is, asked for in a way that cannot stop the process that it is to explain."""

import gc
import sys
import threading
from types import FrameType

_asking = threading.Lock()
"""One question at a time: a second one would find the collector off and leave it so."""


def current_frames() -> dict[int, FrameType]:
    """Return the innermost frame of each thread, by the thread's ident.

    The garbage collector is kept off meanwhile, as Python does itself since 3.11.9 (gh-106883).
    Before that a collection that begins inside of `sys._current_frames()` and meets a
    `threading.local` waits for a lock that the call itself holds, with the GIL, for ever: the
    watchdog would be the one who stops the process.
    """
    with _asking:
        was_on = gc.isenabled()
        gc.disable()
        try:
            return sys._current_frames()  # noqa: SLF001 - the documented way to all stacks
        finally:
            if was_on:
                gc.enable()
