"""The number of pods follows the load, up and down, and no request is lost by it."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.cluster import Cluster, Object, wait_for
from tests.e2e.load import loading
from tests.e2e.space import Space, open_space

LEAST, MOST = 5, 8

CALM_RATE, BUSY_RATE = 5.0, 40.0
"""Requests per second, before and after the rush, and in it."""

CALM_SECONDS = 30
"""How long it must be calm before pods are taken away; five minutes by default."""

SCALE_SECONDS = 180.0
"""How long a change of the number may take: metrics of 15 s, decisions of 15 s, and a start."""


@pytest.fixture(scope="module")
def space(alone: Cluster) -> Iterator[Space]:
    """Yield a namespace with the component `autoscaling`, its thresholds brought into reach."""
    status, text = alone.ask("/apis/metrics.k8s.io/v1beta1/nodes")
    if status != 200:
        pytest.skip(f"no metrics API answers: {status} {text[:200]}")
    with open_space(alone, "autoscaling") as space:
        space.deploy(components=("downstreams", "autoscaling"), patches=[_within_reach()])
        space.settle_all()
        yield space


def test_no_request_is_lost_from_five_pods_to_eight_and_back(
    space: Space, record_property: Callable[[str, object], None]
) -> None:
    """Pods come with a rush and go after it, and nobody notices."""
    with space.pods("messenger") as pods:
        _wait_for_pods(space, LEAST)
        with loading(space, "calm", rate=CALM_RATE, seconds=600) as calm:
            with loading(space, "rush", rate=BUSY_RATE, seconds=400) as rush:
                _wait_for_pods(space, MOST)
                space.settle("deployment/messenger")
                of_rush = rush.stop()
            _wait_for_pods(space, LEAST)
            pods.wait_for(
                "the end of surplus pods", lambda now: len(now) == LEAST, within_seconds=60
            )
            of_calm = calm.stop()
        most = max(len(moment.objects) for moment in pods.history)

    record_property("autoscaling, rush", of_rush.figures)
    record_property("autoscaling, throughout", of_calm.figures)
    assert of_rush.failed == 0, of_rush.examples
    assert of_calm.failed == 0, of_calm.examples
    assert most == MOST


def _wait_for_pods(space: Space, count: int) -> None:
    def look() -> str:
        return space.kubectl("get", "deployment/messenger", "-o", "jsonpath={.spec.replicas}")

    wait_for(
        f"{count} pods",
        look,
        until=lambda replicas: replicas == str(count),
        within_seconds=SCALE_SECONDS,
    )


def _within_reach() -> Object:
    """Return a patch that has a rush of this size ask for all the pods, and calm come soon.

    The rush takes about half of what five pods request, the calm less than 10 %.
    """
    target = {"type": "Utilization", "averageUtilization": 25}
    cpu = {"name": "cpu", "container": "messenger-app", "target": target}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "messenger"},
        "spec": {
            "minReplicas": LEAST,
            "maxReplicas": MOST,
            "metrics": [{"type": "ContainerResource", "containerResource": cpu}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": CALM_SECONDS}},
        },
    }
