"""The last changes of what each probe was told, as kuard shows them: who asked, what it got."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

KEPT_CHANGES = 20
"""How many changes are kept: a day of flapping is not needed, the last minutes are."""


@dataclass(frozen=True, slots=True)
class Change:
    """An answer that differed from the one before to the same probe."""

    at: datetime
    probe: str
    code: int
    output: str
    source: str
    """Which thread answered: `loop` or `responder`."""


class History:
    """Remembers changes of answers; appending to a deque is atomic, so no lock is needed.

    Args:
        wall_clock: The time of day, for people.
    """

    def __init__(self, wall_clock: Callable[[], datetime]) -> None:
        self._wall_clock = wall_clock
        self._last: dict[str, tuple[int, str]] = {}
        self.changes: deque[Change] = deque(maxlen=KEPT_CHANGES)
        self.asked: dict[str, int] = {}
        """How often each probe was asked."""

    def note(self, probe: str, code: int, output: str, source: str) -> None:
        """Note an answer."""
        self.asked[probe] = self.asked.get(probe, 0) + 1
        if self._last.get(probe) != (code, output):
            self._last[probe] = (code, output)
            self.changes.append(Change(self._wall_clock(), probe, code, output, source))
