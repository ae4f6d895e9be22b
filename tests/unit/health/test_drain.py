"""The drain's clock: when to stop accepting, and not a moment later than must be."""

from hypothesis import given
from hypothesis import strategies as st

from messenger.health import Limits
from messenger.health.drain import QUIET_SECONDS, Drain, longest_seconds
from messenger.health.limits import FLUSH_SECONDS

from .clock import FakeClock

SECONDS = st.floats(0, 120, allow_nan=False)


def begun(seconds: float, limits: Limits | None = None, *, skip_min: bool = False) -> Drain:
    """Return a drain that began `seconds` ago."""
    clock = FakeClock(0.0)
    drain = Drain(limits or Limits(), clock)
    drain.begin(skip_min=skip_min)
    clock.advance(seconds)
    return drain


def test_before_the_signal_nothing_is_over(clock: FakeClock) -> None:
    """No clock runs."""
    drain = Drain(Limits(), clock)
    clock.advance(3600)

    assert not drain.has_begun
    assert drain.seconds == 0
    assert not drain.is_over(0)
    assert not drain.is_past_max


@given(seconds=SECONDS, in_flight=st.integers(0, 5))
def test_accepting_ends_between_the_two_limits(seconds: float, in_flight: int) -> None:
    """Never before the first, always from the second on, and in between when nobody is left."""
    over = begun(seconds).is_over(in_flight)

    if seconds < 5:
        assert not over
    elif seconds >= 15:
        assert over
    else:
        assert over is (in_flight == 0)


@given(seconds=SECONDS, in_flight=st.integers(0, 5))
def test_ctrl_c_skips_the_first_limit_only(seconds: float, in_flight: int) -> None:
    """Nobody else sends traffic; but what is in flight is finished all the same."""
    over = begun(seconds, skip_min=True).is_over(in_flight)

    assert over is (in_flight == 0 or seconds >= 15)


@given(seconds=SECONDS, in_flight=st.integers(0, 5))
def test_a_broken_process_drains_five_seconds_at_most(seconds: float, in_flight: int) -> None:
    """Whenever the proof came."""
    drain = begun(seconds)
    drain.shorten()

    assert drain.is_over(in_flight) is (in_flight == 0 or seconds >= 5)
    assert drain.is_past_max is (seconds >= 5)


@given(came=st.lists(st.floats(0, 1), max_size=30), ticks=st.integers(1, 200))
def test_accepting_goes_on_until_nobody_has_come_for_two_seconds(
    came: list[float], ticks: int
) -> None:
    """Not beyond the second limit, and never less than the first."""
    clock = FakeClock(0.0)
    drain = Drain(Limits(), clock)
    drain.hear(1_000)
    drain.begin()
    for number, pause in enumerate(came):
        clock.advance(pause)
        drain.hear(1_001 + number)
    last = drain.seconds
    for _ in range(ticks):
        clock.advance(0.1)
        drain.hear(1_000 + len(came))

    expected = min(15, max(5, last + QUIET_SECONDS if came else 0))
    if abs(drain.seconds - expected) > 0.01:
        assert drain.is_over(0) is (drain.seconds > expected)


def test_who_comes_holds_up_neither_ctrl_c_nor_a_broken_process(clock: FakeClock) -> None:
    """The one is asked for by a person, the other cannot be trusted."""
    pressed, broken = Drain(Limits(), clock), Drain(Limits(), clock)
    pressed.begin(skip_min=True)
    broken.begin()
    broken.shorten()
    for drain in (pressed, broken):
        drain.hear(1)

    assert pressed.is_over(0)
    assert broken.is_over(0)


def test_where_no_time_is_given_to_the_endpoints_nobody_is_waited_for(clock: FakeClock) -> None:
    """Nothing routes to such a process."""
    drain = Drain(Limits(drain_min_seconds=0), clock)
    drain.begin()
    drain.hear(1)

    assert drain.is_over(0)


@given(first=SECONDS, then=SECONDS)
def test_what_is_over_stays_over(first: float, then: float) -> None:
    """With no request left, time only goes one way."""
    clock = FakeClock(0.0)
    drain = Drain(Limits(), clock)
    drain.begin()
    clock.advance(first)
    before = drain.is_over(0)
    clock.advance(then)

    assert drain.is_over(0) >= before
    assert drain.seconds == clock.now


def test_a_second_beginning_changes_nothing(clock: FakeClock) -> None:
    """All times count from the first signal."""
    drain = Drain(Limits(), clock)
    drain.begin()
    clock.advance(3)
    drain.begin(skip_min=True)

    assert drain.seconds == 3
    assert not drain.is_over(0)


def test_shortening_never_lengthens() -> None:
    """Whoever drains at most two seconds does not get five for being broken."""
    drain = begun(2.5, Limits(drain_min_seconds=0, drain_max_seconds=2))
    drain.shorten()

    assert drain.is_past_max


@given(
    seconds=SECONDS,
    low=st.floats(0, 10),
    more=st.floats(0, 30),
    in_flight=st.integers(0, 5),
)
def test_the_relations_hold_for_any_limits(
    seconds: float, low: float, more: float, in_flight: int
) -> None:
    """Whatever the configuration says, as long as the minimum is not beyond the maximum."""
    limits = Limits(drain_min_seconds=low, drain_max_seconds=low + more)
    drain = begun(seconds, limits)

    assert drain.is_past_max <= drain.is_over(in_flight)
    assert drain.is_over(in_flight) <= drain.is_over(0)
    assert drain.is_over(in_flight) <= (seconds >= low)


def test_the_grace_period_of_the_article_holds_a_whole_drain() -> None:
    """25 of 30 s: the sum of the parts and two seconds of slack."""
    limits = Limits()

    assert longest_seconds(limits) == 25
    assert limits.drain_max_seconds + limits.drain_cancel_seconds + FLUSH_SECONDS + 2 <= 30
