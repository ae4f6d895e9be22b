"""Proxy and application start and stop in the right order, whichever kind the sidecar is."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from tests.e2e.cluster import Cluster, Object
from tests.e2e.load import Report, loading
from tests.e2e.mesh.canary import (
    SWITCH,
    VERSIONS,
    Canary,
    bare_mocks,
    both,
    find,
    open_canary,
    patient,
    with_environment,
    with_replicas,
    without_retries,
)

pytestmark = pytest.mark.slow

LONG = {**SWITCH, "MESSENGER_FAULTS": "latency:8s@20%"}
"""What makes one request of five last 8 s: enough that some of them outlast any stop of 5 s. Of one
in twenty the control lost a single one."""

RATE = 12.0
"""Requests a second."""

PATIENCE_SECONDS = 400.0
"""How long the load lasts if nobody stops it."""

LEAVING_SECONDS = 45.0
"""How long after a roll-out the last of its pods may be there: the grace period, and some room."""

Record = Callable[[str, object], None]


def native(item: Object) -> None:
    """Have the proxy as a sidecar that Kubernetes starts first and stops last."""
    _annotate(item, "sidecar.istio.io/nativeSidecar", "true")


def classic(item: Object) -> None:
    """Have it as a container like any other."""
    _annotate(item, "sidecar.istio.io/nativeSidecar", "false")


def impatient(item: Object) -> None:
    """Have it so, with Istio's own 5 s until it ends."""
    classic(item)
    _annotate(item, "proxy.istio.io/config", "holdApplicationUntilProxyStarts: true\n")


def _annotate(item: Object, name: str, value: str) -> None:
    if item["kind"] == "Deployment" and item["metadata"]["name"] in VERSIONS:
        item["spec"]["template"]["metadata"]["annotations"][name] = value


@pytest.fixture(scope="module")
def space(mesh: Cluster) -> Iterator[Canary]:
    """Yield a canary with native sidecars, in which one request of five lasts 8 s."""
    edit = both(
        with_environment(LONG),
        patient,
        bare_mocks,
        with_replicas({"messenger": 3, "downstream": 2}),
        lambda item: without_retries(item) if _is_route(item) else None,
        native,
    )
    with open_canary(mesh, "sidecars", edit) as space:
        yield space


def _is_route(item: Object) -> bool:
    return (item["kind"], item["metadata"]["name"]) == ("VirtualService", "messenger")


def replace(space: Canary, name: str, edit: Callable[[Object], None]) -> Report:
    """Replace all pods of both versions under load, which shows how the old ones end.

    The new ones are what the next test of this file looks at: they run in their order, and whole.
    """
    with loading(space, name, rate=RATE, seconds=PATIENCE_SECONDS) as load:
        began = set(space.names_of(app="messenger"))
        for deployment in VERSIONS:
            changed = find(space.rendered(), "Deployment", deployment)
            edit(changed)
            space.apply(changed)
        space.settle(*(f"deployment/{each}" for each in VERSIONS))
        with space.pods("messenger") as pods:
            pods.wait_for(
                "the end of the old pods",
                lambda now: not began & {pod.name for pod in now},
                within_seconds=LEAVING_SECONDS,
            )
        time.sleep(1)
        return load.stop()


def seconds_of_start(space: Canary) -> Iterator[tuple[float, float]]:
    """Yield when the proxy and when the application of each pod was started."""
    found = json.loads(space.kubectl("get", "pods", "-l", "app=messenger", "-o", "json"))
    for pod in found["items"]:
        status = pod["status"]
        if "deletionTimestamp" in pod["metadata"]:
            continue
        containers = [*status["containerStatuses"], *status.get("initContainerStatuses", ())]
        at = {
            each["name"]: datetime.fromisoformat(each["state"]["running"]["startedAt"]).timestamp()
            for each in containers
            if "running" in each["state"]
        }
        yield at["istio-proxy"], at["messenger-app"]


@pytest.mark.parametrize(("kind", "then"), [("native", classic), ("classic", impatient)])
def test_sidecars_begin_before_the_application_and_end_after_it(
    space: Canary, kind: str, then: Callable[[Object], None], record_property: Record
) -> None:
    """A roll-out of both versions, without retries, loses nothing.

    Native ones are ordered by Kubernetes; classic ones wait, as long as the overlay tells them to.
    """
    starts = list(seconds_of_start(space))
    report = replace(space, kind, then)

    record_property(f"mesh roll-out, {kind} sidecars", report.figures)
    assert report.failed == 0, report.examples
    assert report.latency_seconds["all"]["p99"] >= 8
    assert all(proxy <= app for proxy, app in starts), starts


def test_classic_sidecars_by_default_cut_long_requests_off(
    space: Canary, record_property: Record
) -> None:
    """The control: after 5 s they end, and the 8 s requests with them."""
    report = replace(space, "impatient", native)

    record_property("mesh roll-out, classic sidecars that wait for 5 s", report.figures)
    assert report.failed > 0, report.figures
