"""Network policies: exactly the connections that are needed, by evaluating them.

Whether a cluster enforces them is its network's affair; what they say is ours.
"""

from itertools import product

import pytest

from tests.manifests.objects import Objects, find
from tests.manifests.relations.edges import Edge, Party, wrong
from tests.manifests.rendering import Rendering, render

CLIENT_LABELS = {"app": "client", "messenger-client": "true"}
PORTS = ((53, "TCP"), (53, "UDP"), (443, "TCP"), (6443, "TCP"), (8080, "TCP"), (9090, "TCP"))

GATEWAY = Party("gateway", "elsewhere", CLIENT_LABELS)
OUTSIDER = Party("outsider", "elsewhere", {"app": "messenger"})
GRAFANA = Party("grafana", "monitoring", {"app.kubernetes.io/name": "grafana"})
DNS = Party("dns", "kube-system", {"k8s-app": "kube-dns"})
REAL = Party("real downstream", "messenger-downstreams", {"app": "accounts"})
INTERNET = Party("internet")


class Here:
    """The parties inside the namespace of an overlay."""

    def __init__(self, namespace: str) -> None:
        self.messenger = Party("messenger", namespace, {"app": "messenger", "version": "1.0"})
        self.downstream = Party("downstream", namespace, {"app": "downstream"})
        self.delivery = Party("delivery", namespace, {"app": "delivery"})
        self.client = Party("client", namespace, CLIENT_LABELS)
        self.stranger = Party("stranger", namespace, {"app": "stranger"})
        self.prometheus = Party(
            "prometheus", namespace, {"app": "prometheus", "messenger-client": "true"}
        )
        self.all = (
            self.messenger,
            self.downstream,
            self.delivery,
            self.client,
            self.stranger,
            self.prometheus,
        )


def thinkable(here: Here) -> list[Edge]:
    """Return every connection of which the namespace has one end."""
    parties = (*here.all, GATEWAY, OUTSIDER, GRAFANA, DNS, REAL, INTERNET)
    return [
        Edge(source, target, port, protocol)
        for source, target, (port, protocol) in product(parties, parties, PORTS)
        if source != target and {source.name, target.name} & {party.name for party in here.all}
    ]


def names(source: Party) -> list[Edge]:
    """Return the connections by which somebody looks a name up."""
    return [Edge(source, DNS, 53, "UDP"), Edge(source, DNS, 53, "TCP")]


def wanted(here: Here, *downstreams: Party) -> list[Edge]:
    """Return the connections that are needed."""
    return [
        *(Edge(source, here.messenger, 8080) for source in (here.client, GATEWAY)),
        *(Edge(here.messenger, target, 8080) for target in downstreams),
        *names(here.messenger),
        *names(here.client),
        # By its label it is a client too.
        Edge(here.prometheus, here.messenger, 8080),
        *names(here.prometheus),
    ]


def with_prometheus(here: Here) -> list[Edge]:
    """Return what Prometheus needs beside: the API server, wherever it is, and its readers."""
    everywhere = (*here.all, GATEWAY, OUTSIDER, GRAFANA, DNS, REAL, INTERNET)
    return [
        Edge(GRAFANA, here.prometheus, 9090),
        *(
            Edge(here.prometheus, target, port)
            for target in everywhere
            for port in (443, 6443)
            # Inside the namespace the other end has to agree as well, and does not.
            if target not in here.all
        ),
    ]


def test_with_mocks_exactly_the_edges_that_are_needed_are_open() -> None:
    """The component, added to the overlay stable."""
    here = Here("messenger-stable")
    objects = render(Rendering("overlays/stable", ("network-policy",)))

    assert wrong(wanted(here, here.downstream, here.delivery), thinkable(here), objects) == []


@pytest.mark.parametrize("added", [(), ("observability",)], ids=["alone", "observability"])
def test_with_real_downstreams_exactly_the_edges_that_are_needed_are_open(
    added: tuple[str, ...],
) -> None:
    """The overlay production, alone and with Prometheus in it."""
    here = Here("messenger")
    objects = render(Rendering("overlays/production", added))
    needed = [*wanted(here, REAL), *(with_prometheus(here) if added else ())]

    assert wrong(needed, thinkable(here), objects) == []


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("deny-all", "downstream -> internet:443/TCP is allowed"),
        ("messenger", "messenger -> downstream:8080/TCP is refused"),
        ("downstreams", "messenger -> downstream:8080/TCP is refused"),
        ("clients", "client -> messenger:8080/TCP is refused"),
    ],
)
def test_without_one_of_the_policies_something_is_wrong(policy: str, message: str) -> None:
    """The control: each of them is needed."""
    here = Here("messenger-stable")
    objects = render(Rendering("overlays/stable", ("network-policy",)))
    objects.remove(find(objects, "NetworkPolicy", policy))

    assert message in wrong(wanted(here, here.downstream, here.delivery), thinkable(here), objects)


def test_a_policy_that_opens_too_much_is_found() -> None:
    """The control: a selector that was left empty lets everybody in."""
    here = Here("messenger-stable")
    objects: Objects = render(Rendering("overlays/stable", ("network-policy",)))
    rule = find(objects, "NetworkPolicy", "messenger")["spec"]["ingress"][0]
    rule["from"][0]["podSelector"] = {}

    problems = wrong(wanted(here, here.downstream, here.delivery), thinkable(here), objects)

    assert "outsider -> messenger:8080/TCP is allowed" in problems
    assert "internet -> messenger:8080/TCP is allowed" not in problems
