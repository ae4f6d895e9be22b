"""The timer that speaks when no Python thread can."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from messenger.health.giltimer import GIL_SECONDS, STANDARD_ERROR, GilTimer
from messenger.health.limits import Limits
from messenger.health.termination import TerminationLog

from .parties import until
from .script import end_of


@pytest.fixture
def log() -> Iterator[Path]:
    """Provide an empty file, as the kubelet does."""
    with tempfile.NamedTemporaryFile() as file:
        yield Path(file.name)


@pytest.fixture
def timer(log: Path) -> Iterator[GilTimer]:
    """Yield a timer onto the file, which is disarmed at the end."""
    timer = GilTimer.onto(TerminationLog(log))
    yield timer
    timer.disarm()


def left_seconds() -> float:
    """Return how long it is until the timer runs out, 0 if it does not run."""
    return signal.getitimer(signal.ITIMER_REAL)[0]


def test_the_timer_runs_between_arming_and_disarming(timer: GilTimer) -> None:
    """It is the kernel's, and needs no GIL."""
    timer.rearm()
    armed = left_seconds()
    timer.disarm()

    assert 0 < armed <= GIL_SECONDS
    assert left_seconds() == 0


def test_each_tick_puts_it_off(timer: GilTimer) -> None:
    """It has its whole time again."""
    timer.rearm()
    until(lambda: left_seconds() < GIL_SECONDS - 0.1, "a tenth of a second less")
    timer.rearm()

    assert left_seconds() > GIL_SECONDS - 0.1


def test_it_writes_where_the_main_thread_is_and_lets_it_go_on(timer: GilTimer, log: Path) -> None:
    """One stack, the innermost frame first."""
    timer.rearm()
    signal.raise_signal(signal.SIGALRM)
    text = log.read_text()

    assert text.count("most recent call first") == 1
    assert "test_it_writes_where_the_main_thread_is" in text


def test_it_fires_later_than_any_verdict_and_before_the_kubelet() -> None:
    """The kubelet's third failed probe comes after 20 s at the earliest."""
    broken = Limits().stall_broken_seconds
    assert broken is not None

    assert broken < GIL_SECONDS < 20


def test_it_writes_to_the_termination_log_or_to_standard_error(tmp_path: Path) -> None:
    """Whichever there is."""
    path = tmp_path / "termination-log"
    assert GilTimer.onto(TerminationLog(path))._descriptor == STANDARD_ERROR  # noqa: SLF001
    path.touch()
    descriptor = GilTimer.onto(TerminationLog(path))._descriptor  # noqa: SLF001
    os.write(descriptor, b"stack\n")
    os.close(descriptor)

    assert path.read_text() == "stack\n"


BUSY = """
import faulthandler, os, threading, time
from messenger.health import giltimer

def deep(frames):
    return deep(frames - 1) if frames else sum(number for number in range(20))

def run_on():
    while True:
        for frames in (1, 5, 20, 40):
            deep(frames)

def come_and_go():
    while True:
        thread = threading.Thread(target=deep, args=(3,))
        thread.start()
        thread.join()

nowhere = os.open(os.devnull, os.O_WRONLY)
giltimer.GIL_SECONDS = 0.001
timer = giltimer.GilTimer(nowhere)
until = time.monotonic() + {seconds}
for busy in (run_on, come_and_go):
    threading.Thread(target=busy, daemon=True).start()
while time.monotonic() < until:
    {arm}
    rest = time.monotonic() + 0.003
    while time.monotonic() < rest:
        deep(10)
timer.disarm()
print("well", flush=True)
os._exit(0)
"""
"""A busy process whose timer runs out again and again, as it does for one that had been frozen."""


def test_a_process_that_was_frozen_survives_its_timer() -> None:
    """It runs out the moment the process goes on, while all of its threads are at work."""
    done = end_of(BUSY.format(arm="timer.rearm()", seconds=3))

    assert (done.returncode, done.stdout) == (0, "well\n"), done.stderr


@pytest.mark.skipif(
    sys.version_info >= (3, 13, 10),
    reason="CPython gh-140815 has made what reads the stacks of others look before it steps",
)
def test_a_process_does_not_survive_the_stacks_of_all_its_threads() -> None:
    """The control: faulthandler's own timer reads frames that are freed meanwhile."""
    # On 3.11 and 3.13 it was over within seconds, of a third of a processor.
    arm = "faulthandler.dump_traceback_later(0.001, file=nowhere)"
    done = end_of(BUSY.format(arm=arm, seconds=30))

    assert done.returncode in {-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS}
