"""Roll-outs under load, of Messenger and of what it is compared with."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from tests.e2e import objects
from tests.e2e.cluster import Cluster, Object
from tests.e2e.load import Load, Report, loading
from tests.e2e.space import PATIENT, Space, open_space

LONG = {"MESSENGER_FAULTS_ENABLED": "true", "MESSENGER_FAULTS": "latency:8s@5%"}
"""What makes one request of twenty last 8 s."""

LONG_SHARE = 0.05
"""The same for the plain control."""

STRATEGIES: Mapping[str, Object] = {
    "25/25": {"maxUnavailable": "25%", "maxSurge": "25%"},
    "0/1": {"maxUnavailable": 0, "maxSurge": 1},
}
"""Kubernetes' default, and the base's: unavailable and surplus pods in a roll-out."""

REPLICAS = 5

CONTROL_RATE = 40.0
"""Requests per second to each control: 120 together, none of which asks for much CPU."""

AFTER_SECONDS = 3.0
"""How long the load goes on behind a roll-out."""


def roll(space: Space, deployment: str, strategy: Object) -> float:
    """Replace all pods, and return how many seconds it took."""
    began = time.monotonic()
    change = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": strategy}}}
    space.patch_deployment(deployment, change)
    space.kubectl("rollout", "restart", f"deployment/{deployment}")
    space.settle(f"deployment/{deployment}", within_seconds=400)
    return time.monotonic() - began


def roll_under(load: Load, space: Space, strategy: Object) -> int:
    """Roll out again and again while the load lasts, and return how often."""
    rolls, took = 0, 0.0
    while not rolls or load.left_seconds > took:
        took = roll(space, "messenger", strategy)
        rolls += 1
    return rolls


def run_controls(cluster: Cluster, mocks: Space) -> Mapping[str, Report]:
    """Roll out what does not drain, all of it at the same time.

    Args:
        cluster: Where.
        mocks: The space whose downstreams are called.
    """
    plain = objects.plain(replicas=REPLICAS, long_share=LONG_SHARE)
    waiting = objects.plain(replicas=REPLICAS, long_share=LONG_SHARE, pre_stop=True)
    with ThreadPoolExecutor() as threads:
        reports = {
            "drain off": threads.submit(_roll_undrained, cluster, mocks),
            "plain uvicorn": threads.submit(_roll_plain, cluster, "plain", plain),
            "plain uvicorn, preStop sleep 5": threads.submit(
                _roll_plain, cluster, "prestop", waiting
            ),
        }
        return {name: report.result() for name, report in reports.items()}


def _roll_undrained(cluster: Cluster, mocks: Space) -> Report:
    with open_space(cluster, "undrained") as space:
        space.deploy(
            components=(),
            env={
                **PATIENT,
                **LONG,
                "MESSENGER_DRAIN_MIN_SECONDS": "0",
                "MESSENGER_DRAIN_MAX_SECONDS": "0",
                "MESSENGER_DOWNSTREAM_URL": f"http://{{service}}.{mocks.name}:8080",
            },
        )
        space.settle("deployment/messenger")
        return _roll_once(space, "messenger")


def _roll_plain(cluster: Cluster, name: str, plain: list[Object]) -> Report:
    with open_space(cluster, name) as space:
        space.apply(*plain)
        space.settle("deployment/plain")
        return _roll_once(space, "plain")


def _roll_once(space: Space, deployment: str) -> Report:
    with loading(space, "prober", rate=CONTROL_RATE, seconds=400) as load:
        roll(space, deployment, STRATEGIES["25/25"])
        time.sleep(AFTER_SECONDS)
        return load.stop()
