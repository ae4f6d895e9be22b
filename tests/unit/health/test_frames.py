"""Where every thread is, told without a halt of the process."""

import gc
import sys
import threading

import pytest

from messenger.health.frames import current_frames

from .script import end_of

PATIENCE_SECONDS = 30.0
"""How long the looks of a process may take, which are over after half a second of CPU."""

LOOKS = """
import faulthandler, gc, sys, threading
from messenger.health.frames import current_frames

class Garbage:
    pass

def litter():
    garbage = Garbage()
    garbage.itself = garbage
    garbage.local = threading.local()
    garbage.local.value = 1

def look():
    return {look}

faulthandler.dump_traceback_later({patience}, exit=True)
for n in range(120):
    gc.disable()
    gc.collect()
    litter()
    # A collection begins a few allocations later: in one of the rounds, inside of the look.
    gc.set_threshold(gc.get_count()[0] + n % 12)
    gc.enable()
    look()
print("all seen")
"""


def test_every_thread_is_found_by_its_ident() -> None:
    """The one that asks is among them, at the line where it asks."""
    frames = current_frames()

    assert set(frames) >= {thread.ident for thread in threading.enumerate()}
    frame = frames[threading.get_ident()]
    assert frame.f_code.co_name == "current_frames"


def test_garbage_does_not_freeze_the_process_that_is_looked_at() -> None:
    """A collection that is due in the midst of the look waits until it is over."""
    done = end_of(LOOKS.format(look="current_frames()", patience=PATIENCE_SECONDS))

    assert done.stdout == "all seen\n", done.stderr


@pytest.mark.skipif(
    sys.version_info >= (3, 11, 9),
    reason="CPython gh-106883 is mended in this Python: there is nothing to be protected from",
)
def test_without_our_care_the_same_garbage_freezes_it() -> None:
    """The control: the interpreter's own call does not return, and nothing else is at fault."""
    done = end_of(LOOKS.format(look="sys._current_frames()", patience=2))

    assert done.stdout == ""
    assert "in look" in done.stderr


@pytest.mark.parametrize("is_on", [True, False], ids=["on", "off"])
def test_the_collector_is_left_as_it_was(*, is_on: bool) -> None:
    """Whoever has switched it off does not find it on."""
    before = gc.isenabled()
    (gc.enable if is_on else gc.disable)()
    try:
        current_frames()

        assert gc.isenabled() is is_on
    finally:
        (gc.enable if before else gc.disable)()
