"""The timer that speaks when no Python thread can."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from messenger.health import giltimer
from messenger.health.giltimer import (
    GIL_SECONDS,
    RUNNING_SECONDS,
    SILENT_SECONDS,
    STANDARD_ERROR,
    GilTimer,
)
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
    assert timer is not None
    yield timer
    timer.disarm()


def left_seconds() -> float:
    """Return how long it is until the second time is over, 0 if it did not begin."""
    return signal.getitimer(signal.ITIMER_REAL)[0]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first time end soon."""
    monkeypatch.setattr(giltimer, "SILENT_SECONDS", 0.1)


@pytest.mark.usefixtures("quick")
def test_the_second_time_begins_where_the_first_ends(timer: GilTimer) -> None:
    """It is the C library that begins it: no Python code has to run for that."""
    timer.rearm()
    first = left_seconds()
    until(lambda: left_seconds() > 0, "the second time")

    assert first == 0
    assert RUNNING_SECONDS - 1 < left_seconds() <= RUNNING_SECONDS


@pytest.mark.usefixtures("quick")
def test_a_tick_calls_off_the_second_time_too(timer: GilTimer) -> None:
    """And the first has all of its time again."""
    timer.rearm()
    until(lambda: left_seconds() > 0, "the second time")
    timer.rearm()
    called_off = left_seconds()
    until(lambda: left_seconds() > 0, "the second time again")

    assert called_off == 0


@pytest.mark.usefixtures("quick")
def test_a_timer_that_is_disarmed_begins_nothing(timer: GilTimer) -> None:
    """Neither time is left, and to disarm it twice does no harm."""
    timer.rearm()
    timer.disarm()
    timer.disarm()
    time.sleep(0.3)  # three times the first time

    assert left_seconds() == 0


def test_it_writes_where_all_threads_are_and_lets_them_go_on(timer: GilTimer, log: Path) -> None:
    """The main thread comes last, where the kubelet reads."""
    gate = threading.Event()

    def wait_for_the_gate() -> None:
        gate.wait()

    other = threading.Thread(target=wait_for_the_gate)
    other.start()
    timer.rearm()
    signal.raise_signal(signal.SIGALRM)
    gate.set()
    other.join()
    text = log.read_text()

    assert "wait_for_the_gate" in text
    assert "test_it_writes_where_all_threads_are" in text.split("Current thread")[-1]


def test_it_fires_later_than_any_verdict_and_before_the_kubelet() -> None:
    """The kubelet's third failed probe comes after 20 s at the earliest."""
    broken = Limits().stall_broken_seconds
    assert broken is not None

    assert SILENT_SECONDS + RUNNING_SECONDS == GIL_SECONDS
    assert broken < GIL_SECONDS < 20


def descriptor_of(path: Path) -> int:
    """Return where a timer onto a termination log writes."""
    timer = GilTimer.onto(TerminationLog(path))
    assert timer is not None
    return timer._descriptor  # noqa: SLF001


def test_it_writes_to_the_termination_log_or_to_standard_error(tmp_path: Path) -> None:
    """Whichever there is."""
    path = tmp_path / "termination-log"
    assert descriptor_of(path) == STANDARD_ERROR
    path.touch()
    descriptor = descriptor_of(path)
    os.write(descriptor, b"stack\n")
    os.close(descriptor)

    assert path.read_text() == "stack\n"


def test_where_the_c_library_has_no_timers_there_is_none(tmp_path: Path) -> None:
    """Then nothing is written while the GIL is held, and all the rest goes on."""
    assert GilTimer.onto(TerminationLog(tmp_path / "none"), libc=object()) is None


BUSY = """
import faulthandler, os, signal, subprocess, threading, time
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

def work(tick):
    until = time.monotonic() + {seconds}
    while time.monotonic() < until:
        tick()
        rest = time.monotonic() + 0.003
        while time.monotonic() < rest:
            deep(10)

for busy in (run_on, come_and_go):
    threading.Thread(target=busy, daemon=True).start()
{body}
print("well", flush=True)
os._exit(0)
"""
"""A process all of whose threads are at work, as those of one are that had been frozen."""

FROZEN = """
giltimer.SILENT_SECONDS = 0.5
giltimer.RUNNING_SECONDS = 1
freezer = subprocess.Popen(["sh", "-c", "sleep 0.5; kill -STOP $PPID; sleep 2; kill -CONT $PPID"])
timer = giltimer.GilTimer(giltimer.STANDARD_ERROR)
work({tick})
freezer.wait()
"""
"""It is stopped for longer than both times together."""


def end_of_busy(body: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a busy process to its end."""
    return end_of(BUSY.format(body=body, seconds=seconds))


def end_of_frozen(tick: str) -> subprocess.CompletedProcess[str]:
    """Run a busy process to its end that is frozen meanwhile; `tick` is what it calls to tick."""
    return end_of_busy(FROZEN.format(tick=tick), 4)


def test_a_process_that_was_frozen_writes_nothing_when_it_goes_on() -> None:
    """It ticks before the second time is over, so nobody reads stacks while their threads run."""
    done = end_of_frozen("timer.rearm")

    assert (done.returncode, done.stdout, done.stderr) == (0, "well\n", "")


def test_with_one_time_only_a_process_that_was_frozen_writes_its_stacks() -> None:
    """The control: the time is over the moment that it goes on."""
    done = end_of_frozen("lambda: (timer.rearm(), signal.setitimer(signal.ITIMER_REAL, 1.5))")

    assert "most recent call first" in done.stderr


@pytest.mark.skipif(
    sys.version_info >= (3, 13, 10),
    reason="CPython gh-140815 has made what reads the stacks of others look before it steps",
)
def test_a_process_does_not_survive_the_stacks_of_threads_that_run() -> None:
    """Why that matters: frames are read that are being freed."""
    # On 3.11 and 3.13 it was over within seconds, of a third of a processor.
    body = """
faulthandler.register(signal.SIGALRM, file=os.open(os.devnull, os.O_WRONLY))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
work(lambda: None)
"""
    done = end_of_busy(body, 30)

    assert done.returncode in {-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS}
