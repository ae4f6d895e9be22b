"""Who can never go on: the largest set of whom each waits only for others of it."""

import itertools
import threading

from hypothesis import given
from hypothesis import strategies as st

from messenger.health.graph import Edge, WaitGraph, cycles, dead_among, has_ended, name_of
from messenger.health.waits import Party

from .parties import thread

PARTIES: list[Party] = [threading.Thread(name=str(number), daemon=True) for number in range(7)]
"""Threads that were never started: as nodes of a graph they will do."""


@st.composite
def graphs(draw: st.DrawFn) -> dict[Party, Edge]:
    """Return a graph in which some wait, with or without a time-out, for one or several."""
    waiting = draw(st.sets(st.sampled_from(range(7))))
    return {
        PARTIES[waiter]: Edge(
            PARTIES[waiter],
            tuple(
                PARTIES[target]
                for target in draw(st.lists(st.integers(0, 6), min_size=1, max_size=3, unique=True))
            ),
            draw(st.booleans()),
        )
        for waiter in sorted(waiting)
    }


def is_closed(among: set[Party], edges: dict[Party, Edge]) -> bool:
    """Return whether each of them waits, untimed, for others of them only."""
    return all(
        party in edges and not edges[party].timed and set(edges[party].targets) <= among
        for party in among
    )


@given(edges=graphs())
def test_the_dead_are_the_largest_closed_set(edges: dict[Party, Edge]) -> None:
    """No rule could find more without taking somebody for dead who may go on."""
    dead = set(dead_among(edges, timed_too=False))
    largest: set[Party] = set()
    for bits in range(2 ** len(PARTIES)):
        among = {party for number, party in enumerate(PARTIES) if bits >> number & 1}
        if is_closed(among, edges):
            largest |= among

    assert dead == largest


@given(edges=graphs())
def test_whoever_is_dead_is_dead_without_time_outs_too(edges: dict[Party, Edge]) -> None:
    """Ignoring time-outs only ever adds."""
    assert set(dead_among(edges, timed_too=False)) <= set(dead_among(edges, timed_too=True))


@given(edges=graphs())
def test_every_cycle_is_closed_and_among_the_dead(edges: dict[Party, Edge]) -> None:
    """Each waits for the next, no two share a member, and there is one if anybody is dead."""
    dead = dead_among(edges, timed_too=False)
    found = cycles(dead)

    seen: set[Party] = set()
    for cycle in found:
        waiters = [edge.waiter for edge in cycle]
        for edge, after in zip(cycle, waiters[1:] + waiters[:1], strict=True):
            assert after in edge.targets
        assert set(waiters) <= set(dead)
        assert not seen & set(waiters)
        seen |= set(waiters)
    assert bool(found) is bool(dead)


class Counted(threading.Thread):
    """A party that counts how often it is looked up."""

    looks = 0

    def __hash__(self) -> int:
        """Return a hash as other threads have it."""
        Counted.looks += 1
        return id(self)

    __eq__ = object.__eq__


def test_a_long_chain_costs_a_few_looks_at_each() -> None:
    """A thousand who each wait for the next one, and the last for nobody: no look is repeated."""
    parties = [Counted(daemon=True) for _ in range(1_000)]
    chain: dict[Party, Edge] = {
        party: Edge(party, (after,), timed=False) for party, after in itertools.pairwise(parties)
    }
    Counted.looks = 0

    assert dead_among(chain, timed_too=False) == {}
    assert Counted.looks < 20 * len(parties)


def test_a_thread_that_has_run_to_its_end_has_ended() -> None:
    """And one that runs has not."""
    ended = thread(int, "short")
    ended.join(5)

    assert has_ended(ended)
    assert not has_ended(threading.current_thread())
    assert name_of(ended) == "short"


def test_a_graph_of_nobody_is_empty() -> None:
    """And nobody is dead in it."""
    graph = WaitGraph([], loop_thread=threading.current_thread())

    assert graph.edges == {}
    assert graph.dead() == {}
    assert cycles(graph.dead()) == []
