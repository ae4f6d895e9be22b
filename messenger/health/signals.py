"""Signals are heard even when the event loop is stuck.

A Python signal handler runs between two instructions of the main thread, and the one of uvicorn
sets a flag that the loop looks at: when the loop is stuck in a lock nobody looks, and the kubelet
waits out its grace period. The C part of a handler, however, runs at once and writes the signal's
number to the wake-up descriptor. A thread of ours reads that. Nothing is blocked by a mask, so
child processes hear their signals; only while the GIL is held can the thread not run.

uvloop owns the wake-up descriptor while it runs. It is therefore taken after the loop has started
and given back before it ends, and every byte is passed on to the one who had it before.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

HEARD = (signal.SIGTERM, signal.SIGINT)
"""What asks a process to leave: the kubelet and Ctrl-C."""


def note_only(signum: int, frame: FrameType | None) -> None:
    """Exist, so that the interpreter catches the signal; the thread acts on it."""


class SignalThread:
    """Hears signals in a thread.

    Args:
        on_signal: Called in the thread, for each signal.
    """

    def __init__(self, on_signal: Callable[[signal.Signals], None]) -> None:
        self._on_signal = on_signal
        self._read_end = self._write_end = -1
        self._previous_end = -1
        self._previous_handlers: dict[signal.Signals, object] = {}

    def install(self) -> None:
        """Take the signals over; to be called in the main thread, after the loop has started."""
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)
        self._previous_handlers = {sig: signal.signal(sig, note_only) for sig in HEARD}
        self._previous_end = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        threading.Thread(target=self._listen, name="health-signals", daemon=True).start()
        os.register_at_fork(after_in_child=self._forget)

    def restore(self) -> None:
        """Give the signals back; to be called in the main thread, before the loop ends."""
        signal.set_wakeup_fd(self._previous_end)
        for sig, handler in self._previous_handlers.items():
            signal.signal(sig, handler)  # type: ignore[arg-type]
        os.close(self._write_end)
        self._write_end = -1

    def _forget(self) -> None:
        """Give a forked child the default handlers: it shares our pipe and must not write to it."""
        if self._write_end != -1:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _listen(self) -> None:
        while numbers := os.read(self._read_end, 64):
            if self._previous_end != -1:
                with contextlib.suppress(OSError):
                    os.write(self._previous_end, numbers)
            for number in numbers:
                if number in HEARD:
                    self._on_signal(signal.Signals(number))
        os.close(self._read_end)
