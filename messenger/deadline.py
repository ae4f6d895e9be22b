"""The one deadline of a request, and the part of it that each downstream may use up."""

from collections.abc import Callable

from messenger.twelve import TABLE

_SHARES = {each.name: each.deadline_share for each in TABLE}


class Deadline:
    """Runs from the moment it is made.

    Shares are moments, not durations: what one downstream does not use the next one has, and a slow
    one takes from those before the hand-over, never from the hand-over itself.

    Args:
        seconds: Time for the whole request.
        clock: Seconds, monotonic.
    """

    __slots__ = ("_began", "_clock", "_seconds")

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._began = clock()

    def left_for(self, downstream: str) -> float:
        """Return the seconds a downstream has from now; zero or less when its time is over."""
        return self._began + self._seconds * _SHARES[downstream] - self._clock()
