"""What both versions answered in the same window of time."""

from collections.abc import Sequence
from typing import NamedTuple, Self

Counts = tuple[int, ...]
"""How many answers took how long, by the bucket they fell into."""


class Answers(NamedTuple):
    """What one version answered."""

    total: int = 0
    errors: int = 0
    latencies: Counts = ()
    """Empty where nobody says how long they took."""

    def __add__(self, other: object) -> Self:
        """Return both together."""
        if not isinstance(other, Answers):
            return NotImplemented
        longer, shorter = sorted((self.latencies, other.latencies), key=len, reverse=True)
        padded = (*shorter, *[0] * (len(longer) - len(shorter)))
        return self._replace(
            total=self.total + other.total,
            errors=self.errors + other.errors,
            latencies=tuple(a + b for a, b in zip(longer, padded, strict=True)),
        )

    @property
    def error_share(self) -> float:
        """The share of errors; none where there was no answer."""
        return self.errors / self.total if self.total else 0.0


class Window(NamedTuple):
    """What the old and the new version answered meanwhile."""

    old: Answers = Answers()
    new: Answers = Answers()

    def __add__(self, other: object) -> Self:
        """Return two windows as one."""
        if not isinstance(other, Window):
            return NotImplemented
        return self._replace(old=self.old + other.old, new=self.new + other.new)


def quantile(counts: Counts, bounds: Sequence[float], share: float) -> float:
    """Return the upper bound of the bucket that a share of all answers has been reached in."""
    wanted, seen = share * sum(counts), 0
    for count, bound in zip(counts, bounds, strict=False):
        seen += count
        if seen >= wanted:
            return bound
    return float("inf")
