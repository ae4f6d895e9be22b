"""The life of the process: BOOTING, WARMING, SERVING, DRAINING, STOPPING.

Rule 1: everything that decides which state may follow which lives in this file, in one table.
Rule 2: this file does not know what a state means to a probe, a request or a signal.

Theory of operation
-------------------
A process is born BOOTING: nothing listens yet, every connection is refused, and no probe can be
answered. When the port is bound it is WARMING: probes are answered, ordinary requests are turned
away. When the last warm-up gate has settled it is SERVING. A signal makes it DRAINING from whatever
it was: it goes on serving while the world learns to look elsewhere. STOPPING is the end: nothing is
accepted any more, and only what was in flight is finished.

    BOOTING --> WARMING --> SERVING --> DRAINING --> STOPPING
       |          | |          |           ^            ^
       |          | +----------|-----------+            |
       +----------+------------+------------------------+

There is no way back: a pod that was ready and lost its caches is not warming again, and a drain is
never called off. Liveness is no part of this: see verdict.py. The two are orthogonal, which is why
a drain never turns liveness red and a deadlock never starts a drain by itself.

Any thread may move the state: the loop (bound, warm), the signal thread (drain) and the watchdog.
A transition that the table does not know is not an error but a lost race, for example a signal that
arrives while the last gate settles: `move` says so by returning False, and nothing changes.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class State(StrEnum):
    """Where in its life the process is."""

    BOOTING = "BOOTING"
    WARMING = "WARMING"
    SERVING = "SERVING"
    DRAINING = "DRAINING"
    STOPPING = "STOPPING"


FOLLOWERS: dict[State, frozenset[State]] = {
    State.BOOTING: frozenset({State.WARMING, State.STOPPING}),
    State.WARMING: frozenset({State.SERVING, State.DRAINING, State.STOPPING}),
    State.SERVING: frozenset({State.DRAINING, State.STOPPING}),
    State.DRAINING: frozenset({State.STOPPING}),
    State.STOPPING: frozenset(),
}
"""Which states may follow each state."""

KEPT_TRANSITIONS = 20
"""How many transitions are remembered: a whole life has four, the rest is head-room."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of the life, with its cause."""

    before: State
    after: State
    cause: str
    at: datetime
    """Wall-clock time, for people; nothing is computed from it."""


class Lifecycle:
    """The one place where the state is kept; safe to read and to move from any thread.

    Args:
        wall_clock: Where a transition's time of day comes from.
    """

    def __init__(self, wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._wall_clock = wall_clock
        self._lock = threading.Lock()
        self._listeners: list[Callable[[Transition], None]] = []
        self.state = State.BOOTING
        self.since = wall_clock()
        self.history: deque[Transition] = deque(maxlen=KEPT_TRANSITIONS)
        self.is_refusing = True
        """Whether ordinary requests are turned away: not warm yet. Plain attributes, since each
        request reads them and the hash of an enumeration's member is a Python call."""
        self.early_paths: frozenset[str] = frozenset()
        """Paths that are not: they need nothing that is being warmed, such as a page for people."""
        self.is_draining = False
        """Whether the process was asked to leave (draining, or already stopping)."""

    def listen(self, listener: Callable[[Transition], None]) -> None:
        """Call `listener` after each transition, in the thread that moved the state."""
        self._listeners.append(listener)

    def move(self, after: State, cause: str) -> bool:
        """Move to `after` if the table allows it, and say whether that happened."""
        with self._lock:
            before = self.state
            if after not in FOLLOWERS[before]:
                return False
            transition = Transition(before, after, cause, self._wall_clock())
            self.state, self.since = after, transition.at
            self.is_refusing = after is State.WARMING
            self.is_draining = after is State.DRAINING or after is State.STOPPING
            self.history.append(transition)
        for listener in self._listeners:
            listener(transition)
        return True
