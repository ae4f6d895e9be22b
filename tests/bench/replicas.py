"""Messages per second of one to five replicas on a cluster, a fifth of a core each."""

import contextlib

from tests.e2e.cluster import NoCluster, find_context, open_cluster, wait_for
from tests.e2e.load import Report, loading
from tests.e2e.space import PATIENT, Space, open_space, patch

from .plot import Plot
from .row import Length, Row

REPLICAS = (1, 2, 3, 4, 5)

POD_CPU = "200m"
"""What each pod may use: five take one core, and leave one to mocks and load."""

RATE_PER_POD = 50.0
"""Messages offered for each pod and second, where a fifth of a core serves 35: enough for each pod,
though chance gives one more than another. With 90 five did 3.1 times what one did, on two cores:
whoever is refused takes them from those who are not, on the side of the load too."""

POD_LIMIT = "30"
"""Messages that a pod has in work at most: what it does in a second. With more, what is
refused in the end would have taken the processor from what is not."""

GONE_SECONDS = 60.0
"""How long pods may take to end: twice their grace period."""

LEAST_RATIO = 4.0
"""What five replicas have to do beside one."""

WHAT = f"messages accepted per second, {REPLICAS[0]} to {REPLICAS[-1]} replicas of {POD_CPU} CPU"


def rows(length: Length) -> list[Row]:
    """Measure each number of replicas on the cluster that answers, if one does."""
    target = f"five at least {LEAST_RATIO:g} times one"
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(open_cluster(find_context()))
        except NoCluster as reason:
            return [Row(WHAT, "-", f"no cluster ({reason}): not measured", target, None)]
        space = stack.enter_context(open_space(cluster, "replicas"))
        space.deploy(env=PATIENT | {"MESSENGER_CONCURRENCY_LIMIT": POD_LIMIT}, patches=[_limited()])
        space.settle_all()
        seconds = length.of(quick=15, usual=40)
        line = [(count, _throughput(space, count, seconds)) for count in REPLICAS]
    ratio = line[-1][1] / line[0][1]
    return [
        Row(
            WHAT,
            f"{line[0][1]:.0f}",
            ", ".join(f"{count}: {value:.0f}" for count, value in line),
            f"{target}: {ratio:.2f}",
            ratio >= LEAST_RATIO,
            Plot("replicas", "Replicas", "replicas", "messages / s", {"messenger": line}),
        )
    ]


def _limited() -> dict[str, object]:
    """Return a patch that limits the CPU of each pod."""
    resources = {"limits": {"cpu": POD_CPU}, "requests": {"cpu": POD_CPU}}
    return patch("messenger", containers=[{"name": "messenger-app", "resources": resources}])


def _throughput(space: Space, count: int, seconds: float) -> float:
    """Return what so many replicas accept of more than they can take."""
    space.kubectl("scale", "deployment/messenger", f"--replicas={count}")
    space.settle("deployment/messenger")
    # A roll-out is complete when enough pods are there, not when those too many are gone: while
    # they drain they would take some of the processor, and answer.
    wait_for(
        f"{count} pods",
        lambda: space.kubectl("get", "pods", "-l", "app=messenger", "-o", "name").split(),
        until=lambda pods: len(pods) == count,
        within_seconds=GONE_SECONDS,
    )
    with loading(space, f"r{count}", rate=count * RATE_PER_POD, seconds=seconds) as load:
        report: Report = load.report()
    return report.ok / report.elapsed_seconds
