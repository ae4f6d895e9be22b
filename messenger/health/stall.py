"""Finds an event loop that makes no progress, and says at which line."""

import threading
from collections.abc import Iterator

from .frames import current_frames
from .limits import Limits
from .progress import Progress
from .report import thread_stack
from .verdict import Evidence, Level


class StallDetector:
    """Turns stall into evidence; the stack is taken when it begins, because it may change.

    Args:
        progress: The heartbeats and completions.
        limits: When a stall is suspect and when it is broken.
    """

    is_urgent = True

    def __init__(self, progress: Progress, limits: Limits) -> None:
        self._progress = progress
        self._limits = limits
        self._first_stack: tuple[str, ...] = ()
        self.loop_thread: threading.Thread | None = None

    def look(self, now: float) -> Iterator[Evidence]:
        """Yield evidence if the loop has stood still for too long."""
        del now
        stalled = self._progress.stall_seconds
        if stalled < self._limits.stall_suspect_seconds or self.loop_thread is None:
            self._first_stack = ()
            return
        frame = current_frames().get(self.loop_thread.ident or 0)
        stack = thread_stack(self.loop_thread.name, frame)
        self._first_stack = self._first_stack or stack
        limit = self._limits.stall_broken_seconds
        broken = limit is not None and stalled >= limit
        yield Evidence(
            check="eventloop:stall",
            cause="event-loop-stalled",
            level=Level.BROKEN if broken else Level.SUSPECT,
            headline=f"STALL after {stalled:.1f}s",
            explanation="event loop: no heartbeat and no request completed"
            f" for {stalled:.1f}s, at {_standing(self.loop_thread.name, stack)}",
            stacks=stack if stack == self._first_stack else (*self._first_stack, *stack),
        )


def _standing(thread_name: str, stack: tuple[str, ...]) -> str:
    """Return the innermost line of a stack, which is the user's own: not where Event.wait waits."""
    return stack[-1].removeprefix(f'stack "{thread_name}": ') if stack else "?"
