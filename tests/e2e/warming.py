"""The experiment of pods that take long to be warm, with readiness and without."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.e2e.cluster import Cluster, Object, wait_for
from tests.e2e.load import Report, loading
from tests.e2e.space import PATIENT, Space, open_space, patch
from tests.e2e.watch import Pod, Watch

WARM = 2
"""How many pods are warm from before."""

COLD = 2
"""How many are added cold."""

PAGES = 10
PEOPLE = 1000 * PAGES
"""Enough for ten pages of accounts, at a thousand a page."""

PAGE_FAULT = "latency:2500ms"
"""What makes them last 25 s together, none so long as the deadline of a call, which is 3 s."""

WARM_UP_SECONDS = 25.0

RATE = 20.0


@dataclass(frozen=True, slots=True)
class Warming:
    """What was seen."""

    report: Report
    """What clients met with while cold pods warmed up behind their readiness probes."""
    unready_seconds: Sequence[float]
    """How long each added pod was not ready, from when it answered a probe first."""
    alive: Sequence[int]
    """The statuses of liveness meanwhile."""
    ready: Sequence[int]
    """Those of readiness."""
    gates: str
    """What readiness said of its gates, in full, at the last look but the first that was 200."""
    restarts: int
    control: Report
    """What clients met with when there were no readiness probes."""


@dataclass(slots=True)
class _Looks:
    """What the probes of a pod answered."""

    alive: list[int]
    ready: list[int]
    gates: str = ""
    began: float = 0.0
    ended: float = 0.0


def run(cluster: Cluster, all_settled: Callable[[], None]) -> Warming:
    """Add cold pods to warm ones, under load; then the same without readiness probes.

    Args:
        cluster: Where.
        all_settled: Called when the load may begin; returns when it may everywhere.
    """
    with open_space(cluster, "warming") as space:
        space.deploy(
            env=PATIENT,
            replicas={"messenger": WARM, "downstream": 1},
            patches=[_many_people()],
        )
        space.settle_all()
        all_settled()
        with space.pods("downstream") as mocks:
            for pod in mocks.now:
                space.order_fault(pod.name, PAGE_FAULT, "accounts")
        with space.pods("messenger") as pods:
            with loading(space, "prober", rate=RATE, seconds=200) as load:
                looks = _add_cold_pods(space, pods)
                report = load.stop()
            restarts = sum(pod.restarts for pod in pods.now)
        return Warming(
            report=report,
            unready_seconds=[look.ended - look.began for look in looks],
            alive=[status for look in looks for status in look.alive],
            ready=[status for look in looks for status in look.ready[:-1]],
            gates=looks[0].gates,
            restarts=restarts,
            control=_run_control(space),
        )


def _add_cold_pods(space: Space, pods: Watch[Pod]) -> list[_Looks]:
    """Add cold pods, and ask their probes until they are ready."""
    warm = {pod.name for pod in pods.now}
    space.kubectl("scale", "deployment/messenger", f"--replicas={WARM + COLD}")
    found = pods.wait_for("cold pods", lambda now: len(now) == WARM + COLD, within_seconds=30)
    looks = {pod.name: _Looks([], []) for pod in found if pod.name not in warm}

    def look() -> dict[str, int]:
        return {name: _look(space, name, seen) for name, seen in looks.items()}

    wait_for(
        "cold pods to be warm",
        look,
        until=lambda statuses: all(status == 200 for status in statuses.values()),
        within_seconds=120,
    )
    # With what the kubelet needs to see it, and what a client needs to be sent there.
    space.settle("deployment/messenger")
    time.sleep(5)
    return list(looks.values())


def _look(space: Space, pod: str, seen: _Looks) -> int:
    """Ask a pod's probes, and return the status of readiness, 0 before there is an answer."""
    if seen.ready[-1:] == [200]:
        return 200
    try:
        status, text = space.ask_pod(pod, "/health/ready?verbose")
        alive, _ = space.ask_pod(pod, "/health/alive")
    except OSError:
        return 0
    # From the API server itself: it has not reached the pod, which may have no address yet.
    if '"kind":"Status"' in text:
        return 0
    seen.alive.append(alive)
    seen.ready.append(status)
    seen.began = seen.began or time.monotonic()
    seen.ended = time.monotonic()
    if status != 200:
        seen.gates = text
    return status


def _run_control(space: Space) -> Report:
    """Roll out without a readiness probe, under load."""
    with loading(space, "prober-control", rate=RATE, seconds=200) as load:
        space.patch_deployment(
            "messenger",
            patch("messenger", containers=[{"name": "messenger-app", "readinessProbe": None}]),
        )
        space.settle("deployment/messenger")
        time.sleep(5)
        return load.stop()


def _many_people() -> Object:
    env = [{"name": "DOWNSTREAM_PEOPLE", "value": str(PEOPLE)}]
    return patch("downstream", containers=[{"name": "downstream", "env": env}])
