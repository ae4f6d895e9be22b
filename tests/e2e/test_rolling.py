"""A release loses no request, whichever way the pods are replaced."""

import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.e2e import rolling
from tests.e2e.cluster import Cluster
from tests.e2e.load import Report, loading
from tests.e2e.rolling import LONG, REPLICAS, STRATEGIES
from tests.e2e.space import PATIENT, Space, open_space

RATES = {"25/25": 40.0, "0/1": 60.0}
"""Requests per second: each asks seven mocks, and 60 take half of two cores. That leaves enough for
one pod to start, and too little for three at once: at 70, 43 of 10,000 met with a late mock."""

DELETE_RATE = 40.0
"""Requests per second while pods are deleted, two of which then start at once."""

REQUESTS = {"25/25": 5_000, "0/1": 15_000}
"""How many for each strategy, so that there are 20,000 together."""

FULL_REQUESTS = 100_000
"""How many with `--full`, for each."""


@pytest.fixture(scope="module")
def space(alone: Cluster) -> Iterator[Space]:
    """Yield a namespace in which one request of twenty lasts 8 s."""
    with open_space(alone, "rolling") as space:
        space.deploy(env=PATIENT | LONG)
        space.settle_all()
        yield space


@pytest.fixture(scope="module")
def controls(alone: Cluster, space: Space) -> Mapping[str, Report]:
    """Return what a roll-out costs where nothing drains."""
    return rolling.run_controls(alone, space)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_request_is_lost_in_a_rolling_update(
    space: Space,
    strategy: str,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    """Not one of thousands fails, the long ones included, and each was delivered once."""
    requests = FULL_REQUESTS if request.config.getoption("--full") else REQUESTS[strategy]
    rate = RATES[strategy]
    name = f"roll-{strategy.replace('/', '-')}"
    before = space.deliveries()

    with loading(space, name, rate=rate, seconds=requests / rate) as load:
        rolls = rolling.roll_under(load, space, STRATEGIES[strategy])
        report = load.report()
    record_property(f"rolling {strategy}", f"{rolls} roll-outs, {report.figures}")
    after = space.deliveries()

    assert report.failed == 0, report.examples
    assert report.sent >= requests
    assert len(report.pods) >= REPLICAS * (rolls + 1), report.pods
    assert report.latency_seconds["all"]["p99"] >= 8
    assert after["deliveries"] - before["deliveries"] == report.ok
    assert after["duplicates"] == 0


def test_no_pod_has_a_pre_stop_hook(space: Space) -> None:
    """What the roll-outs show is the process's own doing."""
    deployment = space.kubectl("get", "deployment/messenger", "-o", "json")

    assert "preStop" not in deployment


def test_no_request_is_lost_when_pods_are_deleted(
    space: Space, record_property: Callable[[str, object], None]
) -> None:
    """Whoever deletes a pod by hand does no harm."""
    with (
        space.pods("messenger") as pods,
        loading(space, "delete", rate=DELETE_RATE, seconds=120) as load,
    ):
        victims = sorted(pod.name for pod in pods.now)[:2]
        for victim in victims:
            space.kubectl("delete", "pod", victim, "--wait=false")
            time.sleep(3)
        pods.wait_for(
            f"the end of {victims}",
            lambda now: not any(pod.name in victims for pod in now),
            within_seconds=60,
        )
        space.settle("deployment/messenger")
        report = load.stop()

    record_property("deletion of two pods", report.figures)
    assert report.failed == 0, report.examples


def test_requests_are_lost_where_messenger_does_not_drain(
    controls: Mapping[str, Report], record_property: Callable[[str, object], None]
) -> None:
    """The control: the same service with its drain turned off."""
    report = controls["drain off"]
    record_property("rolling control, drain off", report.figures)

    assert report.failed > 0, report.figures


def test_requests_are_lost_by_a_plain_application(
    controls: Mapping[str, Report], record_property: Callable[[str, object], None]
) -> None:
    """The control: uvicorn as it comes, which closes its door at SIGTERM."""
    report = controls["plain uvicorn"]
    record_property("rolling control, plain uvicorn", report.figures)

    assert report.failed > 0, report.figures


def test_common_advice_is_measured(
    controls: Mapping[str, Report], record_property: Callable[[str, object], None]
) -> None:
    """What a sleep of 5 s before SIGTERM is worth is told, and nothing is claimed."""
    report = controls["plain uvicorn, preStop sleep 5"]
    record_property("rolling control, plain uvicorn, preStop sleep 5", report.figures)

    assert report.sent > 0
