"""Threads that get stuck, and tests that wait for what they see with a deadline."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from messenger.health.deadlocks import DeadlockDetector
from messenger.health.limits import Limits
from messenger.health.pool import Pool
from messenger.health.verdict import Evidence
from messenger.health.waits import WAITS, Wait

PATIENCE_SECONDS = 5.0
"""How long a test waits for another thread: far longer than it takes, even on a busy machine."""

TICK = 0.05


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until `condition` holds.

    Raises:
        AssertionError: It did not in time.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}; waits: {dict(WAITS)}"
        time.sleep(0.002)


def until_waiting(count: int) -> list[Wait]:
    """Wait until `count` parties wait for locks, and return their waits, the oldest first."""
    until(lambda: len(WAITS) == count, f"{count} waits")
    return sorted(WAITS.values(), key=lambda wait: wait.sequence)


def functions(waiting: threading.Thread) -> list[str]:
    """Return the names of the functions that a thread is in, the innermost first."""
    frame = sys._current_frames().get(waiting.ident or 0)  # noqa: SLF001 - the documented way
    found = []
    while frame is not None:
        found.append(frame.f_code.co_name)
        frame = frame.f_back
    return found


def until_in(waiting: threading.Thread, function: str) -> None:
    """Wait until a thread is in a function called `function`."""
    until(lambda: function in functions(waiting), f"{waiting.name} in {function}")


def thread(target: Callable[[], object], name: str = "worker") -> threading.Thread:
    """Start a daemon thread, which does not complain when a test breaks its locks up."""

    def run() -> None:
        with contextlib.suppress(RuntimeError):
            target()

    started = threading.Thread(target=run, name=name, daemon=True)
    started.start()
    return started


def line(mark: str, file: str) -> str:
    """Return `folder/file.py:line` of the line that ends with the comment `# mark`."""
    path = Path(file)
    lines = path.read_text().splitlines()
    (number,) = [n for n, text in enumerate(lines, 1) if text.endswith(f"# {mark}")]
    return f"{path.parent.name}/{path.name}:{number}"


class Looker:
    """A deadlock detector whose watchdog is the test.

    Args:
        loop_thread: The thread that runs the loop.
        pools: The pools whose threads deliver futures.
    """

    def __init__(self, loop_thread: threading.Thread | None = None, *pools: Pool) -> None:
        self.now = 0.0
        self.detector = DeadlockDetector(
            Limits(), lambda future: tuple(t for pool in pools for t in pool.deliverers(future))
        )
        self.detector.loop_thread = loop_thread

    def after(self, seconds: float) -> list[Evidence]:
        """Look on every tick for `seconds` and return what the last look saw."""
        found: list[Evidence] = []
        for _ in range(round(seconds / TICK)):
            self.now += TICK
            found = list(self.detector.look(self.now))
        return found

    def proof(self) -> Evidence:
        """Return the one proof that there is after at most four seconds of ticks."""
        found: list[Evidence] = []
        while not any(item.is_broken for item in found):
            assert self.now <= 4, found
            found = self.after(TICK)
        (evidence,) = found
        assert evidence.latched
        return evidence


def kinds(found: Iterator[Evidence] | list[Evidence]) -> list[tuple[str, str]]:
    """Return cause and level of each piece of evidence."""
    return [(item.cause, item.level.name) for item in found]
