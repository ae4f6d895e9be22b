"""The experiment with processes that are beyond help: Messenger's, and plain ones beside them."""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.e2e import objects
from tests.e2e.cluster import Cluster, Object
from tests.e2e.load import Report, loading
from tests.e2e.space import PATIENT, Space, open_space
from tests.e2e.watch import Pod, Watch

FAULTS = {
    "threads": "deadlock=threads",
    "tasks": "deadlock=tasks",
    "mixed": "deadlock=mixed",
    "stall": "stall=sleep:120s",
}
"""What is done to one pod each, at the same time."""

HEALTHY = 2
"""How many pods nothing is done to."""

LIVENESS_BEGUN_SECONDS = 45.0
"""From this age of a pod on its liveness is probed: 30 s, and a period of 10 s."""

RESTARTED_SECONDS = 90.0
"""How long a restart is waited for: the plain one takes 61 s at most."""

TOLD_SECONDS = 120.0
"""How much later it is known how a container ended: at the latest when the kubelet next looks at
its pod, once a minute and a half at the most."""

WATCHED_SECONDS = 75.0
"""How long the plain deadlock is watched doing nothing: longer than any restart takes."""


@dataclass(frozen=True, slots=True)
class Case:
    """What became of one pod."""

    pod: str
    left_seconds: float | None
    """From the fault until no traffic was sent to it; None if that did not happen."""
    restarted_seconds: float | None
    """From the fault until its container was started again; None if that did not happen."""
    exit_code: int | None
    message: str
    described: str
    """What `kubectl describe pod` shows."""

    @property
    def figures(self) -> str:
        """The figures, in one line."""
        left, again = self.left_seconds, self.restarted_seconds
        return (
            f"left the endpoints after {None if left is None else round(left, 1)} s, "
            f"restarted after {None if again is None else round(again, 1)} s, "
            f"exit code {self.exit_code}, message of {len(self.message)} bytes"
        )


@dataclass(frozen=True, slots=True)
class Sickness:
    """What became of all of them."""

    cases: Mapping[str, Case]
    plain: Mapping[str, Case]
    report: Report
    """What clients of Messenger met with meanwhile."""
    pod: Object
    """One of Messenger's pods, as the API has it."""


def run(cluster: Cluster, all_settled: Callable[[], None]) -> Sickness:
    """Make pods sick, both kinds at the same time, and watch them.

    Args:
        cluster: Where.
        all_settled: Called when the load may begin; returns when it may everywhere.
    """
    with ThreadPoolExecutor() as threads:
        plain = threads.submit(_run_plain, cluster)
        cases, report, pod = _run_messenger(cluster, all_settled)
        return Sickness(cases=cases, plain=plain.result(), report=report, pod=pod)


def _run_messenger(
    cluster: Cluster, all_settled: Callable[[], None]
) -> tuple[dict[str, Case], Report, Object]:
    with open_space(cluster, "sick") as space:
        space.deploy(
            env={**PATIENT, "MESSENGER_FAULTS_ENABLED": "true"},
            replicas={"messenger": len(FAULTS) + HEALTHY, "downstream": 1},
        )
        space.settle_all()
        all_settled()
        with (
            space.pods("messenger") as pods,
            space.endpoints("messenger") as endpoints,
            loading(space, "prober", rate=20, seconds=240) as load,
        ):
            time.sleep(LIVENESS_BEGUN_SECONDS)
            victims = dict(zip(FAULTS, sorted(pod.name for pod in pods.now), strict=False))
            began = {}
            for name, pod in victims.items():
                began[name] = time.monotonic()
                space.order_fault(pod, FAULTS[name])
            _wait_for_restarts(pods, victims.values())
            report = load.stop()
            cases = {
                name: _read_case(space, pod, began[name], pods, endpoints)
                for name, pod in victims.items()
            }
            path = f"/api/v1/namespaces/{space.name}/pods/{victims['threads']}"
            return cases, report, cluster.get(path)


def _run_plain(cluster: Cluster) -> dict[str, Case]:
    with open_space(cluster, "sick-plain") as space:
        space.apply(*objects.plain(replicas=2))
        space.settle("deployment/plain")
        with (
            space.pods("plain") as pods,
            space.endpoints("messenger") as endpoints,
        ):
            time.sleep(LIVENESS_BEGUN_SECONDS)
            stalled, deadlocked = sorted(pod.name for pod in pods.now)
            began = time.monotonic()
            space.ask_pod(deadlocked, "/debug/deadlock")
            # It never answers: the request is left as soon as it is sent.
            space.leave_pod(stalled, "/debug/stall")
            _wait_for_restarts(pods, [stalled])
            time.sleep(max(0.0, began + WATCHED_SECONDS - time.monotonic()))
            return {
                name: _read_case(space, pod, began, pods, endpoints)
                for name, pod in (("stall", stalled), ("threads", deadlocked))
            }


def _wait_for_restarts(pods: Watch[Pod], names: Collection[str]) -> None:
    """Wait until these containers run again, and until it is known how they ended."""
    pods.wait_for(
        f"restarts of {names}",
        lambda now: {pod.name for pod in now if pod.restarts} >= set(names),
        within_seconds=RESTARTED_SECONDS,
    )
    pods.wait_for(
        f"how {names} ended",
        lambda now: {pod.name for pod in now if pod.exit_code is not None} >= set(names),
        within_seconds=TOLD_SECONDS,
    )


def _read_case(
    space: Space,
    name: str,
    began: float,
    pods: Watch[Pod],
    endpoints: Watch[frozenset[str]],
) -> Case:
    """Return what became of a pod since `began`."""
    left = (
        moment.at - began
        for moment in endpoints.history
        if moment.at > began and not any(name in ready for ready in moment.objects.values())
    )
    restarted = (
        moment.at - began
        for moment in pods.history
        if moment.at > began and name in moment.objects and moment.objects[name].restarts
    )
    last = next(pod for pod in pods.now if pod.name == name)
    return Case(
        pod=name,
        left_seconds=next(left, None),
        restarted_seconds=next(restarted, None),
        exit_code=last.exit_code,
        message=last.message,
        described=space.kubectl("describe", "pod", name),
    )
