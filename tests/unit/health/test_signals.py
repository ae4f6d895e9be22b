"""Signals, heard in a thread: here the process sends them to itself."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from messenger.health.signals import HEARD, SignalThread

from .parties import until

pytestmark = pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(),
    reason="only the main thread may set handlers",
)


@pytest.fixture
def heard() -> Iterator[list[signal.Signals]]:
    """Hear signals, and give them back in the end."""
    signals: list[signal.Signals] = []
    before = [signal.getsignal(sig) for sig in HEARD]
    thread = SignalThread(signals.append)
    thread.install()
    yield signals
    thread.restore()
    assert [signal.getsignal(sig) for sig in HEARD] == before


@pytest.mark.parametrize("sig", HEARD, ids=lambda sig: sig.name)
def test_a_signal_is_heard_in_the_thread(heard: list[signal.Signals], sig: signal.Signals) -> None:
    """The main thread goes on as if nothing had happened."""
    signal.raise_signal(sig)
    until(lambda: heard, "the signal")

    assert heard == [sig]


def test_a_signal_is_heard_while_the_main_thread_is_stuck(heard: list[signal.Signals]) -> None:
    """In a lock, for example: that is what the thread is for."""
    lock = threading.Lock()
    lock.acquire()
    killer = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGTERM))

    def let_go() -> None:
        until(lambda: heard, "the signal")
        lock.release()

    release = threading.Thread(target=let_go)
    killer.start()
    release.start()
    # A handler in this thread could not run before the lock is free.
    assert lock.acquire(timeout=5)
    for each in (killer, release):
        each.join(5)

    assert heard == [signal.SIGTERM]


def test_other_signals_are_not_ours(heard: list[signal.Signals]) -> None:
    """They pass by, and the next one of ours is heard."""
    previous = signal.signal(signal.SIGUSR1, lambda _number, _frame: None)
    signal.raise_signal(signal.SIGUSR1)
    signal.raise_signal(signal.SIGTERM)
    until(lambda: heard, "the signal")
    signal.signal(signal.SIGUSR1, previous)

    assert heard == [signal.SIGTERM]


def test_whoever_heard_signals_before_goes_on_hearing_them() -> None:
    """As uvloop, which owns the descriptor: it gets each byte, and its descriptor back."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signals: list[signal.Signals] = []
    before = signal.set_wakeup_fd(write_end)
    thread = SignalThread(signals.append)
    thread.install()
    signal.raise_signal(signal.SIGTERM)
    passed_on = os.read(read_end, 8)
    until(lambda: signals, "the signal")
    thread.restore()

    assert signal.set_wakeup_fd(before) == write_end
    assert passed_on == bytes([signal.SIGTERM])
    os.close(read_end)
    os.close(write_end)


def test_a_descriptor_that_has_gone_is_no_reason_to_be_deaf() -> None:
    """The one before us may have closed it."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signals: list[signal.Signals] = []
    before = signal.set_wakeup_fd(write_end)
    thread = SignalThread(signals.append)
    thread.install()
    os.close(read_end)
    signal.raise_signal(signal.SIGTERM)
    until(lambda: signals, "the signal")
    thread.restore()
    signal.set_wakeup_fd(before)
    os.close(write_end)

    assert signals == [signal.SIGTERM]


def test_a_forked_child_gets_the_default_handlers() -> None:
    """It shares our pipe: what it hears must not reach us, and SIGTERM must end it."""
    before = [signal.getsignal(sig) for sig in HEARD]
    thread = SignalThread(lambda _: None)
    thread.install()
    thread._forget()  # noqa: SLF001 - what runs in a child
    in_child = [signal.getsignal(sig) for sig in HEARD]
    descriptor = signal.set_wakeup_fd(-1)
    thread.restore()
    thread._forget()  # noqa: SLF001 - the child of a process that has given them back

    assert in_child == [signal.SIG_DFL, signal.default_int_handler]
    assert descriptor == -1
    assert [signal.getsignal(sig) for sig in HEARD] == before
