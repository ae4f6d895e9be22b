"""The dice hold the rates they were given, repeat themselves on demand, and forget in time."""

import math

import pytest

from messenger.faults import Dice, Effect, Faults, FaultSyntaxError, parse
from messenger.faults.dice import NO_EFFECT
from tests.binomial import interval

DRAWS = 10_000


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def draw(text: str, seed: int = 1, draws: int = DRAWS) -> list[Effect]:
    """Draw the effects of some calls."""
    dice = Dice(parse(text), seed)
    return [dice.draw() for _ in range(draws)]


@pytest.mark.parametrize("kind", ["error", "hang", "reset", "garbage"])
@pytest.mark.parametrize("rate", [0.01, 0.1, 0.15, 0.5, 0.6, 0.99])
def test_rate_holds_over_ten_thousand_draws(rate: float, kind: str) -> None:
    """The count lies inside the interval of 99.9 % of fair counts."""
    struck = sum(effect.ending == kind for effect in draw(f"{kind}:{rate * 100:g}%"))

    least, greatest = interval(DRAWS, rate)
    assert least <= struck <= greatest


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.15, 0.5, 0.6, 0.94])
def test_dice_that_are_off_by_five_points_are_found_out(rate: float) -> None:
    """The calibration test has teeth: wrong dice fall outside its interval."""
    struck = sum(effect.ending == "error" for effect in draw(f"error:{rate * 100 + 5:g}%"))

    least, greatest = interval(DRAWS, rate)
    assert not least <= struck <= greatest


def test_certain_and_impossible_faults_are_just_that() -> None:
    """100 % strikes every call and 0 % none."""
    assert {effect.ending for effect in draw("error:100%")} == {"error"}
    assert set(draw("error:0%")) == {NO_EFFECT}


def test_rates_are_independent_of_each_other() -> None:
    """Two faults together strike as often as the product of their rates says."""
    both = sum(
        effect.ending == "error" and effect.delay_seconds > 0
        for effect in draw("error:15%,latency:200ms@10%")
    )

    least, greatest = interval(DRAWS, 0.15 * 0.1)
    assert least <= both <= greatest


def test_lognormal_latency_has_the_median_and_the_p99_it_names() -> None:
    """Half of the calls take longer than the median, and one in a hundred longer than the p99."""
    delays = [effect.delay_seconds for effect in draw("latency:lognormal(50ms,p99=400ms)")]

    least, greatest = interval(DRAWS, 0.5)
    assert least <= sum(delay > 0.05 for delay in delays) <= greatest
    least, greatest = interval(DRAWS, 0.01)
    assert least <= sum(delay > 0.4 for delay in delays) <= greatest


def test_lognormal_latency_is_lognormal_between_them() -> None:
    """One in ten of the calls takes longer than the p90 that follows from median and p99."""
    delays = [effect.delay_seconds for effect in draw("latency:lognormal(50ms,p99=400ms)")]
    sigma = math.log(400 / 50) / 2.326347874
    p90 = 0.05 * math.exp(1.281551566 * sigma)

    least, greatest = interval(DRAWS, 0.1)
    assert least <= sum(delay > p90 for delay in delays) <= greatest


def test_same_seed_gives_the_same_sequence_and_another_seed_another() -> None:
    """A run can be repeated, and repeated differently."""
    text = "error:15%,latency:lognormal(50ms,p99=400ms),garbage:10%"

    assert draw(text, seed=7) == draw(text, seed=7)
    assert draw(text, seed=7) != draw(text, seed=8)


def test_no_seed_gives_another_sequence_each_time() -> None:
    """Without a seed two dice do not agree."""
    dice, other = Dice(parse("error:50%")), Dice(parse("error:50%"))

    assert [dice.draw() for _ in range(200)] != [other.draw() for _ in range(200)]


def test_sequence_of_a_fault_does_not_depend_on_its_neighbours() -> None:
    """Adding a fault leaves alone which calls the others strike."""
    alone = [effect.ending == "error" for effect in draw("error:15%")]
    beside = [effect.ending == "error" for effect in draw("latency:1s@30%,error:15%,hang:5%")]

    assert beside == alone


def test_twins_strike_independently() -> None:
    """The same fault written twice is two dice, not one that counts double."""
    twice = sum(effect.delay_seconds == 2.0 for effect in draw("latency:1s@50%,latency:1s@50%"))

    least, greatest = interval(DRAWS, 0.25)
    assert least <= twice <= greatest


def test_fail_next_fails_exactly_that_many_calls() -> None:
    """The next three calls fail, and the fourth does not."""
    effects = draw("fail-next:3", draws=5)

    assert [effect.ending for effect in effects] == ["error", "error", "error", None, None]
    assert effects[0].status == 503


def test_delays_add_up_and_the_first_written_ending_counts() -> None:
    """A call that several faults strike waits for all of them and ends as the first one says."""
    (effect,) = draw("latency:1s,reset:100%,error=500:100%,latency:2s,slow-body:4s", draws=1)

    assert effect == Effect(delay_seconds=3.0, rest_seconds=4.0, ending="reset")


def test_faults_with_a_ttl_revert_by_themselves_to_those_that_stand() -> None:
    """Until the very moment the passing faults act, and from it on the standing ones again."""
    clock = Clock()
    faults = Faults(parse("error=500:100%"), clock=clock)
    faults.set("error=502:100%", ttl_seconds=60)

    clock.now += 59.9
    assert faults.draw().status == 502
    assert faults.describe() == {"faults": "error=502:100%", "ttl_seconds": 0.1}
    clock.now += 0.1
    assert faults.draw().status == 500
    assert faults.describe() == {"faults": "error=500:100%", "ttl_seconds": None}


def test_faults_without_a_ttl_stand() -> None:
    """They replace the earlier ones, those that pass included."""
    clock = Clock()
    faults = Faults(clock=clock)
    faults.set("error=500:100%", ttl_seconds=60)
    faults.set("error=502:100%,latency:1s")

    clock.now += 61
    assert faults.draw().status == 502
    assert faults.describe() == {"faults": "error=502:100%,latency:1s", "ttl_seconds": None}


def test_cleared_faults_do_not_return() -> None:
    """Nothing is in force after it, not even when a time-to-live ends."""
    clock = Clock()
    faults = Faults(parse("error:100%"), clock=clock)
    faults.set("hang:100%", ttl_seconds=60)
    faults.clear()

    clock.now += 61
    assert faults.draw() == NO_EFFECT
    assert faults.describe() == {"faults": "", "ttl_seconds": None}


@pytest.mark.parametrize("ttl_seconds", [0.0, -1.0, math.inf, math.nan])
def test_time_to_live_that_is_none_is_refused_and_changes_nothing(ttl_seconds: float) -> None:
    """Only a time above zero can pass."""
    faults = Faults(parse("error:100%"))

    with pytest.raises(FaultSyntaxError, match="ttl_seconds"):
        faults.set("hang:5%", ttl_seconds)
    assert faults.describe() == {"faults": "error:100%", "ttl_seconds": None}


def test_setting_the_same_faults_again_repeats_their_sequence() -> None:
    """A seeded run can be repeated without starting the process anew."""
    faults = Faults(seed=3)
    runs = []
    for _ in range(2):
        faults.set("error:50%")
        runs.append([faults.draw().ending for _ in range(100)])

    assert runs[0] == runs[1]
