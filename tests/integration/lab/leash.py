"""What ties a laboratory to the test that started it: its standard input.

A byte on it ends a stall that lasts until somebody ends it. Its end is the end of the test's
process, however that came: a laboratory that nobody watches any more ends too.
"""

import os
import threading

RELEASED = threading.Event()
"""Set when the test has sent a byte."""


def hold() -> None:
    """Watch standard input in a thread."""
    threading.Thread(target=_watch, name="lab-leash", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1):
        RELEASED.set()
    os._exit(1)
