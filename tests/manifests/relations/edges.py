"""Network policies, evaluated: who may open a connection to whom.

The rules of Kubernetes: a pod that no policy selects for a direction is free in it; any other may
do what one of its policies allows. A connection needs the leave of both ends.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from tests.manifests.objects import Object, Objects, namespace, of_kind, selects


class Party(NamedTuple):
    """Somebody who may call or be called."""

    name: str
    namespace: str = ""
    """Empty for what is no pod, such as the internet."""

    labels: Mapping[str, str] = {}


class Edge(NamedTuple):
    """A connection that somebody may want."""

    source: Party
    target: Party
    port: int
    protocol: str = "TCP"

    def __str__(self) -> str:
        """Return how messages name it."""
        return f"{self.source.name} -> {self.target.name}:{self.port}/{self.protocol}"


def is_allowed(edge: Edge, objects: Objects) -> bool:
    """Say whether both ends let a connection be."""
    policies = list(of_kind(objects, "NetworkPolicy"))
    return _agrees(edge, edge.source, edge.target, "Egress", policies) and _agrees(
        edge, edge.target, edge.source, "Ingress", policies
    )


def _agrees(edge: Edge, here: Party, there: Party, direction: str, policies: Objects) -> bool:
    """Say whether one end lets a connection be."""
    mine = [
        policy["spec"]
        for policy in policies
        if here.namespace
        and namespace(policy) == here.namespace
        and selects(policy["spec"]["podSelector"], here.labels)
        and direction in policy["spec"]["policyTypes"]
    ]
    rules = [rule for spec in mine for rule in spec.get(direction.lower(), ())]
    peers = "to" if direction == "Egress" else "from"
    return not mine or any(
        _covers(rule.get("ports"), edge) and _names(rule.get(peers), there, here) for rule in rules
    )


def _covers(ports: list[Object] | None, edge: Edge) -> bool:
    """Say whether the ports of a rule include that of a connection; without ports all are."""
    if ports is None:
        return True
    return any(
        port["port"] == edge.port and port.get("protocol", "TCP") == edge.protocol for port in ports
    )


def _names(peers: list[Object] | None, there: Party, here: Party) -> bool:
    """Say whether the peers of a rule include somebody; without peers everybody is."""
    return peers is None or any(_is(peer, there, here) for peer in peers)


def _is(peer: Object, there: Party, here: Party) -> bool:
    if not there.namespace:
        return False
    spaces = peer.get("namespaceSelector")
    is_space = (
        there.namespace == here.namespace
        if spaces is None
        else selects(spaces, {"kubernetes.io/metadata.name": there.namespace})
    )
    return is_space and selects(peer.get("podSelector", {}), there.labels)


def wrong(wanted: Collection[Edge], every: Iterable[Edge], objects: Objects) -> list[str]:
    """Return which of all thinkable edges are allowed and not wanted, or wanted and not allowed."""
    return [
        f"{edge} is {'refused' if edge in wanted else 'allowed'}"
        for edge in every
        if is_allowed(edge, objects) != (edge in wanted)
    ]
