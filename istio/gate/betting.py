"""The sequential test: a bet, window by window, that the new version is worse.

Whoever bets begins with 1 and stakes a part of what he has on each window. If the new version is
no worse than the old one, no window is in his favour on average, whatever came before it; then he
ever has 1/a at one time with a probability of at most a, however often one looks (Ville's
inequality). So his wealth is evidence that may be looked at after every window, and stopped at.

What makes it hold for errors that come in bursts is what a window may win:

* A burst that hits both versions, such as an outage of what both of them call, is in both counts.
* A burst that hits one version only wins no more than a share of `ERROR_CAP` would. So it takes
  many windows to convince, and they have to come more often than the old version's own bursts.
* The old version has at least as many answers as the new one, of which others are left out by lot:
  the cap then never favours the bet, since of two counts of the same probability the smaller one
  strays farther, and what strays beyond the cap is cut.
"""

import random
from collections.abc import Sequence

from istio.gate.windows import Answers, Counts, Window

STAKES = (0.2, 0.5, 0.9)
"""What parts of the wealth are staked, by three who bet at the same time and share what they have.

Small stakes survive bursts; large ones are quick where the new version is bad all the time."""

ERROR_CAP = 0.1
"""The share of errors in a window beyond which it does not matter how many there are."""

TOLERANCE_SECONDS = 0.05
"""By how much an answer has to be slower than another for it to matter."""


class Wealth:
    """What those who bet on the new version being worse have by now."""

    def __init__(self) -> None:
        self._parts = [1.0] * len(STAKES)

    @property
    def value(self) -> float:
        """The evidence: 1 at first, small for a good version, beyond all bounds for a bad one."""
        return sum(self._parts) / len(self._parts)

    def settle(self, gain: float) -> None:
        """Win or lose on one window.

        Args:
            gain: From -1 to 1, and not above 0 on average unless the new version is worse.
        """
        self._parts = [
            part * (1 + stake * gain) for part, stake in zip(self._parts, STAKES, strict=True)
        ]


def error_gain(window: Window, dice: random.Random) -> float:
    """Return how far the new version's share of errors is above the old one's, from -1 to 1."""
    old, new = window.old, window.new
    if not old.total or not new.total:
        return 0.0
    if new.total > old.total:
        new = thinned(new, old.total, dice)
    return (min(new.error_share, ERROR_CAP) - min(old.error_share, ERROR_CAP)) / ERROR_CAP


def thinned(answers: Answers, total: int, dice: random.Random) -> Answers:
    """Return as many of these answers, drawn by lot, without their latencies."""
    drawn = dice.sample(range(answers.total), total)
    return Answers(total, sum(each < answers.errors for each in drawn))


def latency_gain(window: Window, bounds: Sequence[float]) -> float:
    """Return how much more often the new version is slower than faster, from -1 to 1.

    Every answer of one version is compared to every answer of the other (Mann and Whitney); those
    that are within the tolerance of each other count for neither.

    Args:
        window: What both have answered.
        bounds: Upper bounds of the buckets of latency, in seconds; the last bucket has none.
    """
    old, new = window.old.latencies, window.new.latencies
    pairs = sum(old) * sum(new)
    if not pairs:
        return 0.0
    middles = _middles(bounds)
    return (_slower(new, old, middles) - _slower(old, new, middles)) / pairs


def _slower(these: Counts, those: Counts, middles: Sequence[float]) -> int:
    """Return in how many pairs one of these is slower than one of those."""
    return sum(
        one * other
        for one, middle in zip(these, middles, strict=False)
        if one
        for other, base in zip(those, middles, strict=False)
        if middle - base > TOLERANCE_SECONDS
    )


def _middles(bounds: Sequence[float]) -> list[float]:
    """Return what an answer of each bucket took, more or less."""
    lower = (0.0, *bounds)
    return [(a + b) / 2 for a, b in zip(lower, (*bounds, 2 * bounds[-1]), strict=True)]
