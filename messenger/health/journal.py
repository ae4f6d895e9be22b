"""Log lines from threads that must never wait for the logging lock.

The lock inside `logging` may be the very one that is deadlocked, so neither the watchdog nor the
responder nor the signal thread logs. They put a line here; a thread of its own hands it to
`logging`, and if that thread gets stuck nothing else does.
"""

import contextlib
import logging
import queue
import threading

from .lifecycle import Transition
from .warmup import Gate

logger = logging.getLogger("messenger.health")

KEPT_LINES = 1_000
"""How many lines may wait: a stuck log must not become a leak."""


class Journal:
    """Hands log lines over to a daemon thread."""

    def __init__(self) -> None:
        self._lines: queue.Queue[tuple[int, str, dict[str, object]] | None] = queue.Queue(
            KEPT_LINES
        )
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; lines written before are kept."""
        self._thread = threading.Thread(target=self._hand_over, name="health-journal", daemon=True)
        self._thread.start()

    def write(self, level: int, event: str, **facts: object) -> None:
        """Queue one event with its facts; drops it when too many wait. Never blocks."""
        try:
            self._lines.put_nowait((level, event, facts))
        except queue.Full:
            return

    def note_transition(self, step: Transition) -> None:
        """Write a step of the life cycle."""
        self.write(
            logging.INFO, "lifecycle", before=step.before, after=step.after, cause=step.cause
        )

    def note_gate_failure(self, gate: Gate, failure: Exception) -> None:
        """Write that a warm-up gate failed: loudly the first time, then for the curious."""
        level = logging.WARNING if gate.failures == 1 else logging.DEBUG
        self.write(level, "warm-up gate failed", gate=gate.name, error=repr(failure))

    def note_crash(self, name: str, failure: Exception) -> None:
        """Write that a check of the application raised."""
        self.write(logging.ERROR, "check crashed", check=name, error=repr(failure))

    def close(self, timeout_seconds: float = 1.0) -> None:
        """Wait up to `timeout_seconds` until what was written has been handed over."""
        if self._thread is None:
            return
        with contextlib.suppress(queue.Full):  # nobody takes the lines: the log itself is stuck
            self._lines.put(None, timeout=timeout_seconds)
            self._thread.join(timeout_seconds)

    def _hand_over(self) -> None:
        while (line := self._lines.get()) is not None:
            level, event, facts = line
            logger.log(level, event, extra=facts)
