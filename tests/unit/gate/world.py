"""A made-up mesh: two versions, traffic, and errors and delays that come in bursts."""

import bisect
import math
import random
from typing import NamedTuple

from istio.gate.judge import Judge
from istio.gate.mesh import Crew
from istio.gate.plan import Plan
from istio.gate.rollout import Aborted, Rollout
from istio.gate.windows import Answers, Window

BOUNDS = (0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Envoy's buckets of latency, in seconds."""

VIEWS = ("callers", "pods")


class Burst:
    """A state that comes and goes: both lengths are geometric, so what is stays for a while."""

    def __init__(self, dice: random.Random, every_seconds: float, lasts_seconds: float) -> None:
        self._dice = dice
        self._begins = 1 / every_seconds
        self._ends = 1 / lasts_seconds
        self.is_on = dice.random() < lasts_seconds / (every_seconds + lasts_seconds)

    def tick(self) -> bool:
        """Let a second pass."""
        self.is_on ^= self._dice.random() < (self._ends if self.is_on else self._begins)
        return self.is_on


class World(NamedTuple):
    """What kind of mesh it is."""

    rate: float
    """Requests a second."""

    extra_errors: float = 0.0
    """The share of the new version's answers that fail beside all others."""

    extra_seconds: float = 0.0
    """What the new version takes longer."""

    base_errors: float = 0.005
    burst_errors: float = 0.3
    """The share of errors while a burst lasts."""

    shared_every: float = 90.0
    """Seconds between outages that hit both versions, of 5 s on average."""

    own_every: float = 120.0
    """Seconds between bursts that hit one version alone, of 2 s on average."""


class Version:
    """One version: its own bursts, and its own drift of latency."""

    def __init__(self, world: World, dice: random.Random, *, is_new: bool) -> None:
        self._world = world
        self._dice = dice
        self._burst = Burst(dice, world.own_every, 2.0)
        self._drift = 0.0
        self._extra_errors = world.extra_errors if is_new else 0.0
        self._extra_seconds = world.extra_seconds if is_new else 0.0

    def answers(self, requests: int, shared_drift: float, *, is_outage: bool) -> Answers:
        """Return what it answers in one second."""
        world, dice = self._world, self._dice
        self._drift = 0.8 * self._drift + dice.gauss(0, 0.12)  # sd 0.2, gone in 5 s
        is_bad = self._burst.tick() or is_outage
        share = (world.burst_errors if is_bad else world.base_errors) + self._extra_errors
        errors = sum(dice.random() < share for _ in range(requests))
        centre = math.log(0.03) + self._drift + shared_drift
        counts = [0] * (len(BOUNDS) + 1)
        for _ in range(requests):
            took = math.exp(dice.gauss(centre, 0.5)) + self._extra_seconds
            counts[bisect.bisect_left(BOUNDS, took)] += 1
        return Answers(requests, errors, tuple(counts))


class Traffic:
    """The mesh of a world: second by second it shares requests out, and remembers the answers."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self._world = world
        self._dice = dice
        self._versions = [Version(world, dice, is_new=is_new) for is_new in (False, True)]
        self._outage = Burst(dice, world.shared_every, 5.0)
        self._drift = 0.0
        self._weight = 0
        self._replicas = {"v1": 5, "v2": 2}
        self._seen = dict.fromkeys(VIEWS, Window())
        self.now = 0.0

    def weight(self) -> int:
        """Return the weight of the new version."""
        return self._weight

    def set_weight(self, weight: int) -> None:
        """Take a weight; it holds at once."""
        self._weight = weight

    def crew(self, subset: str) -> Crew:
        """Return pods that are always ready."""
        return Crew(self._replicas[subset], self._replicas[subset], 0)

    def scale(self, subset: str, replicas: int) -> None:
        """Have so many at once."""
        self._replicas[subset] = replicas

    def sleep(self, seconds: float) -> None:
        """Let whole seconds pass."""
        for _ in range(round(seconds)):
            self.now += 1
            added = self._second()
            self._seen = {view: seen + added for view, seen in self._seen.items()}

    def take(self, view: str) -> Window:
        """Return what a view has seen since it was last asked."""
        seen, self._seen[view] = self._seen[view], Window()
        return seen

    def _second(self) -> Window:
        dice = self._dice
        self._drift = 0.9 * self._drift + dice.gauss(0, 0.13)  # sd 0.3, gone in 10 s
        is_outage = self._outage.tick()
        requests = _poisson(self._world.rate, dice)
        new = sum(dice.random() * 100 < self._weight for _ in range(requests))
        return Window(
            *(
                version.answers(count, self._drift, is_outage=is_outage)
                for version, count in zip(self._versions, (requests - new, new), strict=True)
            )
        )


class Side(NamedTuple):
    """One view of the traffic."""

    traffic: Traffic
    name: str

    def look(self) -> Window:
        """Return what has been added since the last look."""
        return self.traffic.take(self.name)


class Outcome(NamedTuple):
    """How a roll-out ended."""

    is_aborted: bool
    seconds: float
    """How long it took."""

    weight: int
    """What it left."""


def roll_out(world: World, seed: int, *, is_blind: bool = False) -> Outcome:
    """Return how one whole roll-out ends, done by the gate itself."""
    dice = random.Random(seed)
    traffic = Traffic(world, dice)
    judge = Judge(dict.fromkeys(VIEWS, BOUNDS), is_blind=is_blind, dice=dice)
    gate = Rollout(
        traffic, Plan(), say=lambda _: None, clock=lambda: traffic.now, sleep=traffic.sleep
    )
    try:
        gate.run(judge, {view: Side(traffic, view) for view in VIEWS})
    except Aborted:
        return Outcome(is_aborted=True, seconds=traffic.now, weight=traffic.weight())
    return Outcome(is_aborted=False, seconds=traffic.now, weight=traffic.weight())


def _poisson(mean: float, dice: random.Random) -> int:
    """Return how many come in a second, of so many on average (Knuth)."""
    limit, product, count = math.exp(-mean), dice.random(), 0
    while product > limit:
        product *= dice.random()
        count += 1
    return count
