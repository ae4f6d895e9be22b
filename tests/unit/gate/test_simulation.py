"""Whole roll-outs, simulated: how often a good version is aborted, and a bad one let through.

Errors come in bursts: outages of 5 s that hit both versions, and bursts of 2 s that hit one of
them, every other minute. Latencies drift, together and apart. See `world.py`.
"""

from collections.abc import Callable

import pytest

from tests.unit.gate.world import Outcome, World, roll_out

RATES = (10, 30, 100)
"""Requests a second, of which the new version gets a tenth at first."""

BAD = {
    "errors of 15 %": lambda rate: World(rate, extra_errors=0.15),
    "200 ms more": lambda rate: World(rate, extra_seconds=0.2),
}

FEW = {10: 60, 30: 40, 100: 20}
"""Roll-outs of the quick form, by rate: about a second each."""

Make = Callable[[float], World]
Record = Callable[[str, object], None]


def outcomes(world: World, count: int) -> list[Outcome]:
    """Return how so many roll-outs ended, each with its own dice."""
    return [roll_out(world, seed) for seed in range(count)]


def aborted(ended: list[Outcome]) -> list[Outcome]:
    """Return those that were aborted."""
    return [each for each in ended if each.is_aborted]


@pytest.mark.parametrize("rate", RATES)
def test_a_good_version_is_promoted(rate: int) -> None:
    """The quick form: of so few at most one is aborted, and none at most rates."""
    ended = outcomes(World(rate), FEW[rate])

    assert len(aborted(ended)) <= 1
    assert {each.weight for each in ended if not each.is_aborted} == {100}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_a_bad_version_is_aborted(make: Make, rate: int) -> None:
    """The quick form: none gets through, and none keeps a weight."""
    ended = outcomes(make(rate), 20)

    assert {(each.is_aborted, each.weight) for each in ended} == {(True, 0)}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_with_50_requests_a_second_it_takes_less_than_a_minute(make: Make) -> None:
    """From the first weight; nine times in ten, which is what a demonstration needs."""
    took = sorted(each.seconds for each in outcomes(make(50), 20))

    assert took[18] < 60


def test_a_blind_gate_promotes_what_is_bad() -> None:
    """The control: it is the evidence that stops it."""
    ended = roll_out(World(30, extra_errors=0.15, extra_seconds=0.2), 0, is_blind=True)

    assert (ended.is_aborted, ended.weight) == (False, 100)


@pytest.mark.slow
@pytest.mark.parametrize("rate", RATES)
def test_fewer_than_1_in_100_good_versions_are_aborted(rate: int, record_property: Record) -> None:
    """The long form."""
    ended = outcomes(World(rate), 2000)
    share = len(aborted(ended)) / len(ended)

    record_property(f"gate: good versions aborted at {rate}/s", f"{share:.2%} of {len(ended)}")
    assert share < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("what", "make"), BAD.items(), ids=BAD)
def test_fewer_than_5_in_100_bad_versions_are_promoted(
    what: str, make: Make, rate: int, record_property: Record
) -> None:
    """The long form."""
    ended = outcomes(make(rate), 500)
    share = 1 - len(aborted(ended)) / len(ended)
    took = sorted(each.seconds for each in ended)

    record_property(
        f"gate: {what} promoted at {rate}/s",
        f"{share:.2%} of {len(ended)}; median {took[250]:g} s, 95 % within {took[475]:g} s",
    )
    assert share < 0.05
