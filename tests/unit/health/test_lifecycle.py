"""The life of the process: one table, one writer at a time."""

import itertools

import pytest

from messenger.health.lifecycle import KEPT_TRANSITIONS, Lifecycle, State, Transition

from .clock import NOON, noon

ALLOWED = {
    (State.BOOTING, State.WARMING),
    (State.BOOTING, State.STOPPING),
    (State.WARMING, State.SERVING),
    (State.WARMING, State.DRAINING),
    (State.WARMING, State.STOPPING),
    (State.SERVING, State.DRAINING),
    (State.SERVING, State.STOPPING),
    (State.DRAINING, State.STOPPING),
}
"""The specification's table, written down a second time."""

PATHS: dict[State, tuple[State, ...]] = {
    State.BOOTING: (),
    State.WARMING: (State.WARMING,),
    State.SERVING: (State.WARMING, State.SERVING),
    State.DRAINING: (State.WARMING, State.SERVING, State.DRAINING),
    State.STOPPING: (State.STOPPING,),
}
"""How a process comes to each state."""


def in_state(state: State) -> Lifecycle:
    """Return a life that has come to `state`."""
    lifecycle = Lifecycle(noon)
    for step in PATHS[state]:
        assert lifecycle.move(step, "test")
    return lifecycle


@pytest.mark.parametrize(("before", "after"), list(itertools.product(State, State)), ids=str)
def test_a_state_follows_another_only_if_the_table_says_so(before: State, after: State) -> None:
    """An allowed step changes the state; any other changes nothing and says so."""
    lifecycle = in_state(before)
    allowed = (before, after) in ALLOWED

    assert lifecycle.move(after, "why") is allowed
    assert lifecycle.state is (after if allowed else before)
    assert len(lifecycle.history) == len(PATHS[before]) + allowed


@pytest.mark.parametrize("state", list(State), ids=str)
def test_only_a_cold_process_refuses_and_only_a_leaving_one_drains(state: State) -> None:
    """The two plain attributes that requests read agree with the state."""
    lifecycle = in_state(state)

    assert lifecycle.is_refusing is (state in {State.BOOTING, State.WARMING})
    assert lifecycle.is_draining is (state in {State.DRAINING, State.STOPPING})


def test_every_step_is_told_with_its_cause_and_its_time() -> None:
    """A listener hears of what happened, not of what was refused."""
    heard: list[Transition] = []
    lifecycle = Lifecycle(noon)
    lifecycle.listen(heard.append)
    lifecycle.move(State.WARMING, "port bound")
    lifecycle.move(State.BOOTING, "never")

    assert heard == [Transition(State.BOOTING, State.WARMING, "port bound", NOON)]
    assert list(lifecycle.history) == heard
    assert lifecycle.since == NOON


def test_the_history_is_bounded() -> None:
    """A whole life fits in, and nothing more can pile up."""
    assert Lifecycle().history.maxlen == KEPT_TRANSITIONS
