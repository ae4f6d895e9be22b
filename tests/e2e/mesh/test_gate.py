"""The gate on a real mesh: it lets a good version through, and takes the weight from a bad one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.load import loading
from tests.e2e.mesh.canary import (
    SWITCH,
    Canary,
    bare_mocks,
    both,
    find,
    open_canary,
    with_environment,
    with_replicas,
)
from tests.e2e.mesh.gating import Gate, gate, gating
from tests.e2e.objects import BAD_IMAGE

pytestmark = pytest.mark.slow

RATE = 30.0
"""Requests a second, a tenth of which version 2.0 gets at first. At 45 two cores were full."""

HOURS = 3600.0
"""How long the load lasts if nobody stops it."""

PAUSE = "--pause-seconds=20"
"""A third of the usual: what is judged here is bad enough, or good enough."""

ABORTED_SECONDS = 60.0
"""From the first weight until it is gone."""

REPLICAS = {"messenger": 3, "downstream": 2}
"""Fewer than usual, and the gate is told so: each step needs fewer new pods."""

PROMOTED = (0, 3)
"""The replicas of both versions in the end."""

Record = Callable[[str, object], None]


class Bad(NamedTuple):
    """A version 2.0 that must not be let through."""

    kind: str
    faults: str = ""
    command: tuple[str, ...] = ()
    image: str = ""


GOOD = Bad("good")
"""Its opposite."""

BAD = (
    Bad("errors", image=BAD_IMAGE),
    Bad("slow", "latency:200ms"),
    Bad("crashing", command=("timeout", "--signal=KILL", "30", "python", "-m", "messenger")),
)
"""Those that are bad from the start on; the crash comes when it is ready and has some weight."""


@pytest.fixture(scope="module")
def space(mesh: Cluster) -> Iterator[Canary]:
    """Yield a canary before its roll-out, under load."""
    edit = both(with_environment(SWITCH), with_replicas(REPLICAS), bare_mocks)
    with (
        open_canary(mesh, "gate", edit, ["100-0"]) as space,
        loading(space, "prober", rate=RATE, seconds=HOURS),
    ):
        yield space


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the gate keeps what it has seen."""
    return tmp_path_factory.mktemp("recordings")


def callers(space: Canary) -> str:
    """Return the gate's argument for the prober."""
    return f"--callers={space.name}/app=prober"


def replicas(space: Canary) -> tuple[int, ...]:
    """Return how many pods both versions are to have."""
    words = ("get", "deployment", "-o", "jsonpath={.spec.replicas}")
    return tuple(int(space.kubectl(*words, name)) for name in ("messenger", "messenger-v2"))


def prepare(space: Canary, version: Bad) -> None:
    """Have this version 2.0 without weight, and as yet without pods."""
    objects = space.rendered()
    new = find(objects, "Deployment", "messenger-v2")
    (container,) = new["spec"]["template"]["spec"]["containers"]
    if version.faults:
        container["env"].append({"name": "MESSENGER_FAULTS", "value": version.faults})
    if version.command:
        container["command"] = list(version.command)
    container["image"] = version.image or container["image"]
    new["spec"]["replicas"] = 0
    space.apply(find(objects, "Deployment"))
    space.settle("deployment/messenger")
    space.apply(find(objects, "VirtualService"), new)
    space.settle("deployment/messenger-v2")


def test_a_good_version_is_promoted_by_a_gate_that_is_killed_again_and_again(
    space: Canary, recordings: Path, record_property: Record
) -> None:
    """Each time the weight is defined and has pods, and the next gate goes on from there."""
    prepare(space, GOOD)
    run = ("run", PAUSE, callers(space))
    for last_words in (
        "decision=scale",
        r"decision=move weight=0->10",
        r"decision=move weight=.*->25",
    ):
        with gating(space, *run) as killed:
            killed.wait_for(last_words)
            killed.kill()
        (weight,) = space.weights()
        assert weight in {0, 10, 25}
        assert weight == 0 or space.names_of(app="messenger", version="2.0")
    status, said = gate(space, *run, f"--record={recordings / 'good.jsonl'}")

    record_property("mesh gate, a good version", said.splitlines()[-2:])
    assert status == 0, said
    assert space.weights() == {100}
    assert replicas(space) == PROMOTED


def test_a_promoted_version_can_be_aborted(space: Canary) -> None:
    """The old one gets its pods back first, and then its weight."""
    status, said = gate(space, "abort")

    assert status == 0, said
    assert space.weights() == {0}
    assert replicas(space) == (3, 2)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.kind)
def test_a_bad_version_loses_its_weight_within_a_minute(
    space: Canary, recordings: Path, record_property: Record, bad: Bad
) -> None:
    """From the moment that it has any."""
    prepare(space, bad)
    record = f"--record={recordings / bad.kind}.jsonl"
    with gating(space, "run", callers(space), record) as run:
        status = run.end()

    record_property(f"mesh gate, {bad.kind}", f"{seconds(run):.0f} s, {run.lines[-1][1]}")
    assert status == 1, run.said
    assert seconds(run) <= ABORTED_SECONDS, run.said
    assert space.weights() == {0}


def test_a_version_that_deadlocks_loses_its_weight_within_a_minute(
    space: Canary, record_property: Record
) -> None:
    """It hangs as soon as somebody uses it."""
    prepare(space, GOOD)
    with gating(space, "run", callers(space)) as run:
        run.wait_for(r"decision=move weight=0->10")
        for pod in space.names_of(app="messenger", version="2.0"):
            space.order_fault(pod, "deadlock=mixed")
        status = run.end()

    record_property("mesh gate, deadlocking", f"{seconds(run):.0f} s, {run.lines[-1][1]}")
    assert status == 1, run.said
    assert seconds(run) <= ABORTED_SECONDS, run.said
    assert space.weights() == {0}


def test_a_version_that_is_never_ready_gets_no_weight(
    space: Canary, record_property: Record
) -> None:
    """It is given up within a minute of its pods' start, without a single request."""
    prepare(space, Bad("never ready", "never-ready"))
    with gating(space, "run", callers(space)) as run:
        status = run.end()
    started, aborted = run.time_of("decision=scale"), run.time_of("decision=abort")

    record_property("mesh gate, never ready", run.said)
    assert status == 1, run.said
    assert run.time_of("decision=move") is None, run.said
    assert started is not None, run.said
    assert aborted is not None, run.said
    assert aborted - started <= ABORTED_SECONDS, run.said
    assert space.weights() == {0}


def test_a_blind_gate_promotes_the_bad(space: Canary, record_property: Record) -> None:
    """The control: it is the judge that has stopped the others."""
    prepare(space, BAD[0])
    status, said = gate(space, "run", "--blind", "--pause-seconds=3", callers(space))
    weights = space.weights()
    gate(space, "abort")

    record_property("mesh gate, blind", said.splitlines()[-1:])
    assert status == 0, said
    assert weights == {100}


@pytest.mark.parametrize(("kind", "status"), [("good", 0), ("errors", 1), ("slow", 1)])
def test_a_recording_is_judged_as_it_was_live(
    space: Canary, recordings: Path, kind: str, status: int
) -> None:
    """The judge needs no cluster to come to the same verdict."""
    assert gate(space, "replay", str(recordings / f"{kind}.jsonl"))[0] == status


def test_it_refuses_where_two_objects_route(space: Canary) -> None:
    """Nothing is changed, and both are named."""
    parent = {"group": "", "kind": "Service", "name": "messenger", "port": 80}
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "rival"},
        "spec": {
            "parentRefs": [parent],
            "rules": [{"backendRefs": [{"name": "messenger", "port": 80}]}],
        },
    }
    before = space.weights()
    space.apply(route)
    try:
        status, said = gate(space, "run", callers(space))
    finally:
        space.delete(route)

    assert status == 3, said
    assert "HTTPRoute" in said
    assert "VirtualService" in said
    assert space.weights() == before


def seconds(run: Gate) -> float:
    """Return how long the version had any weight."""
    first, last = run.time_of(r"decision=move weight=0->"), run.time_of("decision=abort")
    assert last is not None, run.said
    return 0.0 if first is None else last - first
