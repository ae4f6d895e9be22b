"""The binomial distribution, exactly: what a fair count may be."""

from functools import cache
from itertools import accumulate
from math import exp, lgamma, log


@cache
def interval(trials: int, rate: float, confidence: float = 0.999) -> tuple[int, int]:
    """Return the least and the greatest count that are still credible.

    Args:
        trials: How often the dice were rolled.
        rate: What they are said to show, above 0 and below 1.
        confidence: How likely a fair count lies inside; half of the rest lies on either side.
    """
    tail = (1 - confidence) / 2
    cumulated = list(accumulate(_probability(count, trials, rate) for count in range(trials + 1)))
    least = next(count for count, below in enumerate(cumulated) if below > tail)
    greatest = next(count for count, below in enumerate(cumulated) if below >= 1 - tail)
    return least, greatest


def _probability(count: int, trials: int, rate: float) -> float:
    """Return how likely a count is; in logarithms, since the factors leave a float's range."""
    ways = lgamma(trials + 1) - lgamma(count + 1) - lgamma(trials - count + 1)
    return exp(ways + count * log(rate) + (trials - count) * log(1 - rate))
