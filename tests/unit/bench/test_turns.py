"""Sides that take turns: nobody is always first, and each round is compared with itself."""

from functools import partial

from tests.bench.row import Length
from tests.bench.turns import ratios, take_turns


def test_the_order_is_turned_round_every_time() -> None:
    """What goes wrong in the second half of a round hits each side as often."""
    called: list[str] = []

    def measure(name: str) -> float:
        called.append(name)
        return float(len(called))

    take_turns({name: partial(measure, name) for name in ("control", "subject")}, 2)

    assert called == ["subject", "control", "control", "subject"]


def test_a_ratio_is_that_of_the_same_round() -> None:
    """Twice as fast in each round is twice as fast, though the machine was slow in one."""
    rounds = [{"control": 10.0, "subject": 20.0}, {"control": 1.0, "subject": 2.0}]

    assert ratios(rounds, "subject", "control").values == (2.0, 2.0)


def test_full_length_is_the_usual_one_unless_told() -> None:
    """Only what counts a million takes longer."""
    assert [each.of(quick=1, usual=2) for each in Length] == [1, 2, 2]
    assert Length.FULL.of(quick=1, usual=2, full=3) == 3
