"""The roll-out: the order of its commands, its ends, and what a kill leaves."""

import random

import pytest

from istio.gate.api import ClusterError
from istio.gate.judge import Judge
from istio.gate.plan import Plan
from istio.gate.rollout import Aborted, Rollout
from istio.gate.weights import Refused
from istio.gate.windows import Answers, Window
from tests.unit.gate.fakes import BAD, GOOD, FakeMesh, FakeSource, Killed

SAID: list[str] = []


def gate(mesh: FakeMesh, said: list[str] | None = None) -> Rollout:
    """Return a gate of that mesh."""
    lines = SAID if said is None else said
    return Rollout(mesh, Plan(), say=lines.append, clock=mesh.clock, sleep=mesh.sleep)


def judge(*, is_blind: bool = False) -> Judge:
    """Return a judge with one view."""
    return Judge({"callers": (0.01,)}, is_blind=is_blind, dice=random.Random(0))


def test_replicas_come_before_the_weight_they_are_for() -> None:
    """And the old version's go when it has no weight any more."""
    mesh = FakeMesh()

    gate(mesh).run(judge(), {"callers": FakeSource(GOOD)})

    assert mesh.commands == [
        *("weight 10", "weight 25", "v2 3", "weight 50"),
        *("v2 5", "weight 100", "v1 0"),
    ]


def test_a_weight_that_was_set_by_hand_is_judged_too() -> None:
    """Beyond the last step there is no way round the judge."""
    mesh = FakeMesh(80)
    mesh.replicas["v2"] = 4

    with pytest.raises(Aborted, match="it is worse"):
        gate(mesh).run(judge(), {"callers": FakeSource(BAD)})

    assert mesh.commands == ["weight 0", "v2 2"]


def test_a_step_takes_its_pause() -> None:
    """However good the version looks."""
    mesh = FakeMesh()

    gate(mesh).step(10, judge(), {"callers": FakeSource(GOOD)})

    assert mesh.now == pytest.approx(60, abs=3)


def test_a_worse_version_loses_all_weight_before_its_pods() -> None:
    """It has two of them in the end, whatever weight it had."""
    mesh = FakeMesh()

    with pytest.raises(Aborted, match="it is worse; callers: errors="):
        gate(mesh).step(50, judge(), {"callers": FakeSource(BAD)})

    assert mesh.commands == ["v2 3", "weight 50", "weight 0", "v2 2"]
    assert mesh.now < 60


def test_a_version_that_is_never_ready_gets_no_weight() -> None:
    """It is given its time, and then up: within a minute, as any other."""
    mesh = FakeMesh(is_ready=False)

    with pytest.raises(Aborted, match="1 of 2 pods became ready"):
        gate(mesh).run(judge(), {"callers": FakeSource(GOOD)})

    assert (mesh.share, "weight 10" in mesh.commands) == (0, False)
    assert mesh.now <= 60


def test_pods_that_become_ready_one_after_the_other_are_waited_for() -> None:
    """Its time is counted anew with each: few cores are no fault of the version."""
    mesh = FakeMesh(start_seconds=40)

    gate(mesh).run(judge(), {"callers": FakeSource(GOOD)})

    assert (mesh.share, mesh.replicas) == (100, {"v1": 0, "v2": 5})


def test_pods_of_which_one_is_too_slow_are_not_waited_for() -> None:
    """The control: a minute for one is too long."""
    mesh = FakeMesh(start_seconds=60)

    with pytest.raises(Aborted, match="2 of 3 pods became ready"):
        gate(mesh).run(judge(), {"callers": FakeSource(GOOD)})


def test_a_version_that_crashes_is_aborted() -> None:
    """However good the answers are of the pods that are left."""
    mesh = FakeMesh()

    def crash() -> None:
        mesh.restarts += 1

    with pytest.raises(Aborted, match="restarts=2"):
        gate(mesh).step(10, judge(), {"callers": FakeSource(GOOD, crash)})

    assert mesh.share == 0


def test_a_version_whose_pods_leave_is_aborted() -> None:
    """A deadlock takes readiness away, and the rest of the pods answers well."""
    mesh = FakeMesh()

    def lose() -> None:
        mesh.is_ready = False

    with pytest.raises(Aborted, match="1 of 2 pods are ready"):
        gate(mesh).step(10, judge(), {"callers": FakeSource(GOOD, lose)})

    assert mesh.now < 60


def test_without_evidence_there_is_no_promotion() -> None:
    """A version that nobody called has not been tried."""
    silent = Window(Answers(90, 0, (90, 0)))
    mesh = FakeMesh()

    with pytest.raises(Aborted, match="there is no evidence"):
        gate(mesh).step(10, judge(), {"callers": FakeSource(silent)})


def test_a_blind_gate_promotes_the_worst() -> None:
    """The control."""
    mesh = FakeMesh()

    gate(mesh).run(judge(is_blind=True), {"callers": FakeSource(BAD)})

    assert (mesh.share, mesh.replicas["v1"]) == (100, 0)


@pytest.mark.parametrize("lives", range(7))
def test_a_gate_that_is_killed_leaves_a_mesh_that_serves_and_can_be_run_again(lives: int) -> None:
    """Before each of its commands; the second run ends where one alone would have ended."""
    mesh = FakeMesh(lives=lives)
    with pytest.raises(Killed):
        gate(mesh).run(judge(), {"callers": FakeSource(GOOD)})
    assert mesh.is_served()

    mesh.lives = 1000
    gate(mesh).run(judge(), {"callers": FakeSource(GOOD)})

    assert (mesh.share, mesh.replicas) == (100, {"v1": 0, "v2": 5})


@pytest.mark.parametrize("lives", range(2))
def test_an_abort_that_is_killed_can_be_done_again(lives: int) -> None:
    """The weight goes first, so what is left is at most a pod too many."""
    mesh = FakeMesh(50, lives=lives)
    mesh.replicas["v2"] = 3
    with pytest.raises(Killed):
        gate(mesh).abort("by hand")
    assert mesh.is_served()

    mesh.lives = 1000
    with pytest.raises(Aborted):
        gate(mesh).abort("by hand")

    assert (mesh.share, mesh.replicas) == (0, {"v1": 5, "v2": 2})


def test_after_a_promotion_an_abort_brings_the_pods_back_first() -> None:
    """The subset is kept for that."""
    mesh = FakeMesh(100, old=0)

    with pytest.raises(Aborted):
        gate(mesh).abort("by hand")

    assert mesh.commands == ["v1 5", "weight 0", "v2 2"]


def test_an_abort_to_nobody_is_refused() -> None:
    """A version with errors is better than none."""

    class Empty(FakeMesh):
        def scale(self, subset: str, replicas: int) -> None:
            """Have a cluster without room."""

    mesh = Empty(100, old=0)

    with pytest.raises(Refused, match="no pod that is ready"):
        gate(mesh).abort("by hand")

    assert mesh.share == 100


def test_a_cluster_that_stops_answering_ends_the_run_and_not_the_weight() -> None:
    """A short silence is waited for; who cannot see must not go on."""

    def fail() -> None:
        if mesh.now > 10:
            raise ClusterError("no answer")

    mesh = FakeMesh()
    said: list[str] = []

    with pytest.raises(ClusterError):
        gate(mesh, said).step(10, judge(), {"callers": FakeSource(GOOD, fail)})

    assert mesh.share == 10
    assert "decision=wait weight=10 error=no answer" in said


def test_each_decision_is_one_line_with_the_numbers() -> None:
    """What a person reads afterwards."""
    said: list[str] = []

    gate(mesh := FakeMesh(), said).step(10, judge(), {"callers": FakeSource(GOOD)})

    assert said[0] == "decision=move weight=0->10 replicas=2"
    assert said[-1].startswith("decision=pass weight=10 callers: errors=0/1800->0/200 p50=<=10ms")
    assert not any("\n" in line for line in said)
    assert mesh.share == 10


def test_the_replicas_follow_the_weight() -> None:
    """Two at least; a fifth of five for each fifth of the weight, rounded up."""
    plan = Plan()

    assert [plan.replicas_for(weight) for weight in (0, 10, 25, 50, 61, 100)] == [2, 2, 2, 3, 4, 5]
