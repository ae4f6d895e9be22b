"""The bets: what a window may win, and that nobody gets rich without cause."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istio.gate.betting import ERROR_CAP, Wealth, error_gain, latency_gain
from istio.gate.windows import Answers, Window

BOUNDS = (0.01, 0.1, 1.0)
"""Middles: 5 ms, 55 ms, 550 ms and 1.5 s."""

COUNTS = st.tuples(*[st.integers(0, 20)] * 4)


def window(old: tuple[int, int], new: tuple[int, int]) -> Window:
    """Return a window by errors and answers of both versions."""
    return Window(Answers(old[1], old[0]), Answers(new[1], new[0]))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param((0, 20), (0, 5), 0.0, id="no errors"),
        pytest.param((1, 20), (0, 5), -0.5, id="the old one errs"),
        pytest.param((0, 20), (1, 20), 0.5, id="the new one errs"),
        pytest.param((0, 20), (20, 20), 1.0, id="all of it errs, which counts as a tenth"),
        pytest.param((20, 20), (20, 20), 0.0, id="an outage of both"),
        pytest.param((0, 20), (0, 0), 0.0, id="nothing was asked of it"),
        pytest.param((0, 0), (3, 3), 0.0, id="nothing to compare it to"),
    ],
)
def test_a_window_wins_by_the_difference_of_errors(
    old: tuple[int, int], new: tuple[int, int], expected: float
) -> None:
    """Up to the cap."""
    assert error_gain(window(old, new), random.Random(0)) == pytest.approx(expected)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_no_window_wins_more_than_the_stake(a: int, b: int, c: int, d: int) -> None:
    """So nobody owes anything, whatever happens."""
    found = window((min(a, b), max(a, b)), (min(c, d), max(c, d)))

    assert -1 <= error_gain(found, random.Random(0)) <= 1


def test_more_answers_of_the_new_version_do_not_favour_the_bet() -> None:
    """With the same share of errors the average gain is not above 0, however they are dealt."""
    dice = random.Random(1)
    gains = []
    for _ in range(20_000):
        old = sum(dice.random() < 0.08 for _ in range(5))
        new = sum(dice.random() < 0.08 for _ in range(25))
        gains.append(error_gain(window((old, 5), (new, 25)), dice))

    assert abs(sum(gains) / len(gains)) < 0.015  # four standard errors


@given(COUNTS, COUNTS)
def test_the_gain_of_latency_changes_sides_with_the_versions(
    one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    """Which is why it is 0 on average where both have the same law."""
    forth = Window(Answers(sum(one), 0, one), Answers(sum(other), 0, other))
    back = Window(forth.new, forth.old)

    assert latency_gain(forth, BOUNDS) == -latency_gain(back, BOUNDS)
    assert -1 <= latency_gain(forth, BOUNDS) <= 1


def test_slower_in_every_pair_is_a_whole_gain() -> None:
    """And as slow is none."""
    fast, slow = Answers(4, 0, (4, 0, 0, 0)), Answers(2, 0, (0, 0, 2, 0))

    assert latency_gain(Window(fast, slow), BOUNDS) == 1
    assert latency_gain(Window(slow, slow), BOUNDS) == 0


def test_slower_by_less_than_the_tolerance_is_none() -> None:
    """5 ms and 55 ms are within 50 ms of each other, as far as buckets tell."""
    old, new = Answers(4, 0, (4, 0, 0, 0)), Answers(2, 0, (0, 2, 0, 0))

    assert latency_gain(Window(old, new), BOUNDS) == 0


def test_fair_windows_convince_as_rarely_as_promised() -> None:
    """Ville's inequality, tried: of 2,000 fair games at most 5 % ever reach a wealth of 20."""
    dice = random.Random(2)
    convinced = 0
    for _ in range(2000):
        wealth = Wealth()
        for _ in range(100):
            wealth.settle(dice.choice((-1, 1)) * dice.random())
            if wealth.value >= 20:
                convinced += 1
                break

    assert convinced / 2000 <= 0.05


def test_one_burst_does_not_convince() -> None:
    """Two windows in which all fails are worth less than four to one."""
    wealth = Wealth()
    for _ in range(2):
        wealth.settle(error_gain(window((0, 100), (10, 10)), random.Random(0)))

    assert wealth.value < 4
    assert ERROR_CAP == 0.1
