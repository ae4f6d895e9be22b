"""The kernel's timer, which calls the C library."""

import errno
import signal
import time
from collections.abc import Iterator

import pytest

from messenger.health.kerneltimer import LIBC, KernelTimer, has_timers

from .parties import until
from .script import end_of


@pytest.fixture(autouse=True)
def _deaf() -> Iterator[None]:
    """Let no alarm of a test end this process."""
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_its_end_calls_alarm_with_the_seconds() -> None:
    """Once only, until it is begun again."""
    timer = KernelTimer(60)
    timer.begin(0.05)
    until(lambda: signal.getitimer(signal.ITIMER_REAL)[0] > 0, "the alarm")
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    timer.close()

    assert 59 < left <= 60
    assert interval == 0


def test_begun_again_it_has_all_of_its_time() -> None:
    """More than a second, too."""
    timer = KernelTimer(60)
    timer.begin(0.05)
    began = time.monotonic()
    timer.begin(1.05)
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    until(lambda: signal.getitimer(signal.ITIMER_REAL)[0] > 0, "the alarm")
    took = time.monotonic() - began
    timer.close()

    assert took >= 1.05


def test_a_time_that_is_none_is_an_error_of_the_kernel() -> None:
    """With the kernel's own words."""
    timer = KernelTimer(60)
    with pytest.raises(OSError, match="Invalid argument") as raised:
        timer.begin(-1.0)
    timer.close()

    assert raised.value.errno == errno.EINVAL


def test_a_kernel_that_has_none_to_give_says_so() -> None:
    """As one does whose user has no room for signals left; it is another process that has none."""
    done = end_of("""
import resource
from messenger.health.kerneltimer import KernelTimer

resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, 0))
try:
    KernelTimer(60)
except BlockingIOError as exc:
    print(exc.strerror)
""")

    assert (done.stdout, done.stderr) == ("Resource temporarily unavailable\n", "")


def test_a_library_without_timers_is_known() -> None:
    """As on macOS; whatever is no C library shows it."""
    assert has_timers(LIBC)
    assert not has_timers(object())
