"""Prometheus sees both versions, and everything that it is asked has something to show."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e import scraping
from tests.e2e.cluster import Cluster, Object, wait_for
from tests.e2e.load import loading
from tests.e2e.mesh.canary import SWITCH, both, with_environment, with_replicas
from tests.e2e.space import PATIENT, Space, open_space
from tests.integration.prometheus import META
from tests.manifests.promtool import rules
from tests.manifests.queries import queries

VERSIONS = {"1.0", "2.0"}

REPLICAS = {"messenger": 2, "messenger-v2": 1, "downstream": 1}
"""One of version 1.0 falls ill, and the other goes on."""

RATE = 20.0
"""Requests a second, of which half lack the presence."""

UP_SECONDS = 60.0
"""Until each pod was asked: every 15 s, in turns."""

PATIENCE_SECONDS = 180.0
"""Until everything has something to show: what is recorded of a minute of what is recorded."""

BOTH_SECONDS = 60.0
"""Until the later version has been asked as often as a rate takes."""

LOAD_SECONDS = UP_SECONDS + PATIENCE_SECONDS + BOTH_SECONDS


@pytest.fixture(scope="module")
def space(alone: Cluster) -> Iterator[Space]:
    """Yield both versions without a mesh, and the component with no Prometheus yet."""
    with open_space(alone, "observability") as space:
        edit = both(with_environment(PATIENT | SWITCH), with_replicas(REPLICAS))
        space.apply(*scraping.rendered(space, edit))
        space.settle_all()
        space.settle("deployment/messenger-v2")
        yield space


def names(space: Space, **labels: str) -> list[str]:
    """Return the names of the pods with these labels."""
    wanted = ",".join(f"{key}={value}" for key, value in labels.items())
    path = f"/api/v1/namespaces/{space.name}/pods?labelSelector={wanted}"
    return [pod["metadata"]["name"] for pod in space.cluster.get(path)["items"]]


def misnamed(target: Object) -> Object:
    """Return a target whose port has another name than the one that is asked."""
    return target | {"labels": target["labels"] | {f"{META}container_port_name": "web"}}


def test_every_panel_and_every_rule_has_data_of_both_versions(
    space: Space, record_property: Callable[[str, object], None]
) -> None:
    """Under load, with a downstream that fails and a pod that has a deadlock; nothing is excepted.

    Who is found and is not Messenger, such as its mocks, is asked nothing.
    """
    (mock,), ours = names(space, app="downstream"), names(space, app="messenger")
    sick, _ = names(space, app="messenger", version="1.0")
    space.order_fault(mock, "error:50%", "presence")
    with (
        loading(space, "seen", rate=RATE, seconds=LOAD_SECONDS) as load,
        scraping.scraping(space, scraping.found(space)) as prometheus,
    ):
        wait_for(
            "an answer of each pod",
            lambda: {labels["pod"] for labels in prometheus.query('up{job="messenger"} == 1')},
            until=lambda up: up == set(ours),
            within_seconds=UP_SECONDS,
        )
        # Now, since the kubelet restarts it after half a minute.
        space.order_fault(sick, "deadlock=threads")
        prometheus.wait_for(queries(), PATIENCE_SECONDS)
        wait_for(
            "records of both versions",
            lambda: {
                name: {labels.get("version") for labels in prometheus.query(name)}
                for name in rules("record")
            },
            until=lambda versions: all(each == VERSIONS for each in versions.values()),
            within_seconds=BOTH_SECONDS,
        )
        asked, others = prometheus.pods()
        report = load.stop()

    record_property("seen by Prometheus", f"{len(queries())} queries, {report.figures}")
    assert asked == set(ours)
    assert others > 0


def test_pods_that_are_not_found_show_nothing(space: Space) -> None:
    """The control: with a port of another name nobody is asked, and no query has anything."""
    targets = [misnamed(each) for each in scraping.found(space)]
    with scraping.scraping(space, targets) as prometheus:
        wait_for(
            "every pod to be passed over",
            prometheus.pods,
            until=lambda pods: pods == (set(), len(targets)),
            within_seconds=UP_SECONDS,
        )
        told = {name for name, query in queries().items() if prometheus.query(query)}

    assert told == set()


def test_prometheus_may_see_pods_and_nothing_else(space: Space) -> None:
    """Which is what finding them takes; a Secret is the control."""
    assert scraping.may_list(space, "pods")
    assert not scraping.may_list(space, "secrets")
