"""The experiment of two minutes without any downstream."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.e2e.cluster import Cluster
from tests.e2e.load import Report, loading
from tests.e2e.space import open_space
from tests.e2e.watch import Moment, Pod

REPLICAS = 5
RATE = 20.0

DEAD_SECONDS = 120.0
"""How long there is no downstream: four times what three failed liveness probes take."""

AFTER_SECONDS = 15.0
"""How long the service is watched being well again."""


@dataclass(frozen=True, slots=True)
class Outage:
    """What was seen."""

    moments: Sequence[Moment[Pod]]
    """Messenger's pods, from before the outage until after it."""
    report: Report
    dead_from_second: float
    """When the downstreams were killed, after the first request."""
    back_at_second: float
    """When they were ready again."""


def run(cluster: Cluster, all_settled: Callable[[], None]) -> Outage:
    """Kill all downstreams, and bring them back after two minutes.

    Args:
        cluster: Where.
        all_settled: Called when the load may begin; returns when it may everywhere.
    """
    with open_space(cluster, "outage") as space:
        space.deploy(replicas={"messenger": REPLICAS, "downstream": 1})
        space.settle_all()
        all_settled()
        with (
            space.pods("messenger") as pods,
            loading(space, "prober", rate=RATE, seconds=400) as load,
        ):
            began = time.monotonic()
            time.sleep(5)
            dead_from = time.time()
            space.kubectl("scale", "deployment/downstream", "statefulset/delivery", "--replicas=0")
            # Killed, and not stopped: nobody drains in an outage.
            space.kubectl(
                *("delete", "pods", "--force", "--grace-period=0"),
                *("-l", "app in (downstream, delivery)"),
            )
            time.sleep(max(0.0, dead_from + DEAD_SECONDS - time.time()))
            space.kubectl("scale", "deployment/downstream", "statefulset/delivery", "--replicas=1")
            space.settle("statefulset/delivery", "deployment/downstream")
            back_at = time.time()
            time.sleep(AFTER_SECONDS)
            report = load.stop()
            return Outage(
                moments=pods.since(began),
                report=report,
                dead_from_second=report.second(dead_from),
                back_at_second=report.second(back_at),
            )
