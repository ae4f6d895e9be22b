"""Clocks that move only when a test says so."""

from datetime import UTC, datetime

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""The time of day in every test."""


class FakeClock:
    """A monotonic clock, moved by hand.

    Args:
        now: Where it begins, in seconds; not at 0, as no real one does.
    """

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let `seconds` go by."""
        self.now += seconds


def noon() -> datetime:
    """Return the time of day."""
    return NOON
