"""Messages per second of one to five replicas on a cluster, of a fifth or a tenth of a core each.

What is asked is whether five do at least four times what one does. Five of a fifth take a core; so
do mocks, load and the cluster itself, and that is all that a machine of two has: with both at work
a message was seen to take 7.2 ms of CPU, with half of the machine idle 4.8 ms. Then it is the
machine that is measured. Five of a tenth leave it room.
"""

import contextlib
from dataclasses import dataclass

from tests.e2e.cluster import Cluster, NoCluster, find_context, open_cluster, wait_for
from tests.e2e.load import Report, loading
from tests.e2e.space import PATIENT, Space, open_space, patch

from .plot import Plot
from .row import Length, Row

REPLICAS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Size:
    """What a pod may use, and what is asked of it."""

    cpu: str
    """The limit of its CPU."""
    rate: float
    """Messages offered for each pod and second: a fifth more than it serves, so that each has
    enough, though chance gives one more than another."""
    limit: str
    """Messages that a pod has in work at most: what it does in about a second. With more, what is
    refused in the end would have taken the processor from what is not."""


SIZES = (Size("200m", rate=50.0, limit="30"), Size("100m", rate=25.0, limit="15"))

SETTLE_SECONDS = 400.0
"""How long pods may take to be ready: a start takes most of a second of CPU, of which a pod of the
smaller size gets a tenth."""

GONE_SECONDS = 60.0
"""How long pods may take to end: twice their grace period."""

LEAST_RATIO = 4.0
"""What five replicas have to do beside one."""

TARGET = f"five at least {LEAST_RATIO:g} times one"
WHAT = f"messages accepted per second, {REPLICAS[0]} to {REPLICAS[-1]} replicas of "


def rows(length: Length) -> list[Row]:
    """Measure each number of replicas of each size on the cluster that answers, if one does."""
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(open_cluster(find_context()))
        except NoCluster as reason:
            missing = f"no cluster ({reason}): not measured"
            return [Row(WHAT + size.cpu, "-", missing, TARGET, None) for size in SIZES]
        seconds = length.of(quick=15, usual=40)
        return [_row(cluster, size, seconds) for size in SIZES]


def _row(cluster: Cluster, size: Size, seconds: float) -> Row:
    """Measure each number of replicas of one size."""
    with open_space(cluster, f"replicas-{size.cpu}") as space:
        space.deploy(
            env=PATIENT | {"MESSENGER_CONCURRENCY_LIMIT": size.limit}, patches=[_limited(size.cpu)]
        )
        space.settle("statefulset/delivery", "deployment/downstream")
        line = [(count, _throughput(space, count, size.rate, seconds)) for count in REPLICAS]
    ratio = line[-1][1] / line[0][1]
    return Row(
        WHAT + size.cpu,
        f"{line[0][1]:.0f}",
        ", ".join(f"{count}: {value:.0f}" for count, value in line),
        f"{TARGET}: {ratio:.2f}",
        ratio >= LEAST_RATIO,
        Plot(
            f"replicas-{size.cpu}",
            f"Replicas of {size.cpu} CPU",
            "replicas",
            "messages / s",
            {"messenger": line},
        ),
    )


def _limited(cpu: str) -> dict[str, object]:
    """Return a patch that limits the CPU of each pod."""
    resources = {"limits": {"cpu": cpu}, "requests": {"cpu": cpu}}
    return patch("messenger", containers=[{"name": "messenger-app", "resources": resources}])


def _throughput(space: Space, count: int, rate: float, seconds: float) -> float:
    """Return what so many replicas accept of more than they can take."""
    space.kubectl("scale", "deployment/messenger", f"--replicas={count}")
    space.settle("deployment/messenger", within_seconds=SETTLE_SECONDS)
    # A roll-out is complete when enough pods are there, not when those too many are gone: while
    # they drain they would take some of the processor, and answer.
    wait_for(
        f"{count} pods",
        lambda: space.kubectl("get", "pods", "-l", "app=messenger", "-o", "name").split(),
        until=lambda pods: len(pods) == count,
        within_seconds=GONE_SECONDS,
    )
    with loading(space, f"r{count}", rate=count * rate, seconds=seconds) as load:
        report: Report = load.report()
    return report.ok / report.elapsed_seconds
