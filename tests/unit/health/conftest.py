"""What every test of the health package leaves behind: nothing."""

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import settings

from messenger.health.waits import WAITS

from .clock import FakeClock

# An example that is late on a busy machine is not wrong.
settings.register_profile("unhurried", deadline=None, max_examples=50)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def nobody_waits() -> Iterator[None]:
    """See that no test leaves an entry in the table of waits or a thread behind."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while WAITS or (set(threading.enumerate()) - before):
        left = [thread.name for thread in set(threading.enumerate()) - before]
        assert time.monotonic() < deadline, f"waits: {WAITS}, threads: {left}"
        time.sleep(0.005)


@pytest.fixture
def clock() -> FakeClock:
    """Return a monotonic clock that is moved by hand."""
    return FakeClock()
