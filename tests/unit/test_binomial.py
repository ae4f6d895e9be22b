"""The yardstick of the calibration tests is itself right."""

from math import comb

from tests.binomial import interval


def test_interval_holds_its_confidence_and_no_narrower_one_would() -> None:
    """Inside lie 99.9 % of fair counts, and each tail outside is at most 0.05 %."""
    trials, rate = 200, 0.15
    probabilities = [
        comb(trials, count) * rate**count * (1 - rate) ** (trials - count)
        for count in range(trials + 1)
    ]

    least, greatest = interval(trials, rate)

    assert sum(probabilities[:least]) <= 0.0005 < sum(probabilities[: least + 1])
    assert sum(probabilities[greatest + 1 :]) <= 0.0005 < sum(probabilities[greatest:])
