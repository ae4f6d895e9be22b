"""A node may be taken away with notice at no cost, and without notice at a known one."""

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.cluster import Cluster, CommandFailed, Object, run, wait_for
from tests.e2e.load import loading
from tests.e2e.space import PATIENT, Space, open_space, patch
from tests.e2e.watch import Pod, Watch

RATE = 35.0
"""Requests per second: what is drained starts anew on one worker, mocks and all, and needs its part
of two cores for that."""

REPLICAS = 5

LEAST_READY = 4
"""What `minAvailable: 80%` of five pods promises."""

DRAIN_SECONDS = 300.0
"""How long a drain may take: its evictions wait for each other."""

BEFORE_SECONDS, AFTER_SECONDS = 10.0, 25.0
"""How long the load lasts before a node is lost, and after it is missed."""

MARGIN_SECONDS = 10.0
"""How much later than the node is missed the last request may fail: its endpoints go one by one."""

FREEZE_SECONDS = 30.0
"""How long a node may refuse to stand still: it does so while its pods are still starting."""

UNFROZEN = "unable to freeze"
"""What runc says of a cgroup of version 1 in which new processes keep appearing; it has thawed it
then, and may be asked again (runc's fs/freezer.go)."""

LOST_SECONDS = 120.0
"""How long the control plane may take to miss a node; by default 50 s."""


@pytest.fixture(scope="module")
def workers(alone: Cluster) -> tuple[str, str]:
    """Return the worker that stays and the one that goes."""
    names = alone.workers()
    if len(names) < 2:
        pytest.skip(f"two workers are needed: {names}")
    return names[0], names[1]


@pytest.fixture(scope="module")
def space(alone: Cluster, workers: tuple[str, str]) -> Iterator[Space]:
    """Yield a namespace whose `delivery`, of which there is one, is on the worker that stays."""
    with open_space(alone, "nodes") as space:
        space.deploy(env=PATIENT, patches=[_pinned(workers[0])])
        space.settle_all()
        yield space


@pytest.fixture
def unprotected(alone: Cluster, space: Space, workers: tuple[str, str]) -> Iterator[Space]:
    """Yield a namespace with the same service without a disruption budget.

    It is on the worker that is drained and may be on no other: what would start elsewhere at once
    would take the processors from the service that is measured beside it.
    """
    with open_space(alone, "unprotected") as bare:
        bare.deploy(
            components=(),
            env={"MESSENGER_DOWNSTREAM_URL": f"http://{{service}}.{space.name}:8080"},
            patches=[patch("messenger", nodeSelector={"kubernetes.io/hostname": workers[1]})],
        )
        bare.kubectl("delete", "poddisruptionbudget", "messenger-pdb")
        bare.settle("deployment/messenger")
        yield bare


def test_worker_lost_without_warning_costs_what_it_costs(
    space: Space, workers: tuple[str, str], record_property: Callable[[str, object], None]
) -> None:
    """Requests fail until the node is missed, none later, and no pod that slept is restarted."""
    stays, lost = workers
    with space.pods("messenger") as pods:
        asleep = [pod.name for pod in pods.now if pod.node == lost]
        with loading(space, "lost", rate=RATE, seconds=400, node=stays) as load:
            time.sleep(BEFORE_SECONDS)
            with paused(lost):
                lost_at = time.time()
                missed_after = _wait_until_missed(space.cluster, lost)
                time.sleep(AFTER_SECONDS)
                report = load.stop()
        _wait_until_back(space.cluster, lost)
        pods.wait_for("the pods", _are_all_ready, within_seconds=90)
        restarts = sum(pod.restarts for pod in pods.now)

    record_property(
        "worker lost",
        f"node missed after {missed_after:.1f} s, {len(asleep)} pods of {REPLICAS} on it, "
        f"{report.figures}",
    )
    assert _delivery_node(space) == stays
    assert asleep, "no pod was on the worker that was lost"
    assert report.failed > 0, "the loss of a worker cost nothing: was it lost?"
    last_failed = report.failing_seconds[-1][1] - report.second(lost_at)
    assert last_failed <= missed_after + MARGIN_SECONDS, report.figures
    assert restarts == 0


def test_drained_worker_costs_nothing_behind_the_budget(
    space: Space,
    unprotected: Space,
    workers: tuple[str, str],
    record_property: Callable[[str, object], None],
) -> None:
    """Evictions are refused until four pods are ready without them, then carried out."""
    stays, drained = workers
    with (
        space.pods("messenger") as pods,
        unprotected.pods("messenger") as bare,
        loading(space, "drain", rate=RATE, seconds=400, node=stays) as load,
        cordoned(space.cluster, drained),
    ):
        moved = [pod.name for pod in pods.now if pod.node == drained]
        told, took = _drain(space.cluster, drained)
        space.settle("deployment/messenger")
        time.sleep(5)
        report = load.stop()

    refused = sum("429" in line and space.name in line for line in told.splitlines())
    least, least_bare = _least_ready(pods), _least_ready(bare)
    record_property(
        "drain",
        f"{took:.1f} s, {len(moved)} pods moved, {refused} evictions refused, at least {least} "
        f"ready, without a budget {least_bare}, {report.figures}",
    )
    assert _delivery_node(space) == stays
    assert len(moved) >= 2, "too few pods were on the worker to refuse one"
    assert report.failed == 0, report.examples
    assert refused > 0, told
    assert least >= LEAST_READY
    assert least_bare == 0, "the control: without a budget they all go at once"


def _pinned(node: str) -> Object:
    spec = {"template": {"spec": {"nodeSelector": {"kubernetes.io/hostname": node}}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "delivery"},
        "spec": spec,
    }


def _delivery_node(space: Space) -> str:
    return space.kubectl("get", "pod/delivery-0", "-o", "jsonpath={.spec.nodeName}")


def _are_all_ready(pods: list[Pod]) -> bool:
    return sum(pod.is_serving for pod in pods) == REPLICAS


def _least_ready(pods: Watch[Pod]) -> int:
    return min(sum(pod.is_serving for pod in moment.objects.values()) for moment in pods.history)


@contextlib.contextmanager
def paused(node: str) -> Iterator[None]:
    """Freeze a node: its processes stand still, and nobody is told."""
    wait_for(
        f"{node} to stand still",
        lambda: _said_of_pausing(node),
        until=lambda said: UNFROZEN not in said,
        within_seconds=FREEZE_SECONDS,
    )
    try:
        yield
    finally:
        run(["docker", "unpause", node])


def _said_of_pausing(node: str) -> str:
    """Pause a node, and return what docker said; anything but the one refusal is an error."""
    try:
        return run(["docker", "pause", node])
    except CommandFailed as error:
        if UNFROZEN not in str(error):
            raise
        return str(error)


@contextlib.contextmanager
def cordoned(cluster: Cluster, node: str) -> Iterator[None]:
    """Have a node admitted again at the end."""
    try:
        yield
    finally:
        cluster.kubectl("uncordon", node)


def _wait_until_missed(cluster: Cluster, node: str) -> float:
    """Wait until the control plane misses a node, and return how many seconds that took."""
    began = time.monotonic()
    wait_for(
        f"{node} to be missed",
        lambda: cluster.is_node_ready(node),
        until=lambda is_ready: not is_ready,
        within_seconds=LOST_SECONDS,
    )
    return time.monotonic() - began


def _wait_until_back(cluster: Cluster, node: str) -> None:
    wait_for(
        f"{node} to be back",
        lambda: cluster.is_node_ready(node),
        until=lambda is_ready: is_ready,
        within_seconds=90,
    )


def _drain(cluster: Cluster, node: str) -> tuple[str, float]:
    """Drain a node as its keeper does; return what kubectl told, with each answer, and how long."""
    began = time.monotonic()
    command = ("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "-v=6")
    try:
        told = cluster.kubectl(*command, timeout_seconds=DRAIN_SECONDS)
    except CommandFailed as error:
        error.add_note("a drain that does not end: is there a budget that allows no eviction?")
        raise
    return told, time.monotonic() - began
