"""istio/mesh.yaml installs what the canary and its gate find on the cluster of k8s/kind.yaml."""

import re

import pytest

from tests.manifests.objects import Object
from tests.manifests.rendering import ISTIO, K8S, load

MESH: Object = load(ISTIO / "mesh.yaml")["spec"]
GATEWAY = "istio-ingressgateway"

OF_MESSENGER = "cluster.outbound|80|v2|messenger.messenger-canary.svc.cluster.local"


def is_kept(counter: str) -> bool:
    """Whether a proxy shows a counter."""
    kept = MESH["meshConfig"]["defaultConfig"]["proxyStatsMatcher"]["inclusionRegexps"]
    # As Envoy does it: the whole name has to match.
    return any(re.fullmatch(each, counter) for each in kept)


@pytest.mark.parametrize(
    "counter", ["upstream_rq_200", "external.upstream_rq_503", "upstream_rq_time"]
)
def test_proxies_keep_what_the_gate_judges_by(counter: str) -> None:
    """Answers by status and time, to each version."""
    assert is_kept(f"{OF_MESSENGER}.{counter}")


def test_proxies_do_not_keep_everything() -> None:
    """The control, and a matter of memory."""
    assert not is_kept(f"{OF_MESSENGER}.upstream_cx_total")


def test_the_gateway_is_where_the_machine_looks_for_it() -> None:
    """At a port of the nodes that kind leads to, by the name from which its label is made."""
    (enabled,) = MESH["components"]["ingressGateways"]
    ports = {each["name"]: each for each in MESH["values"]["gateways"][GATEWAY]["ports"]}
    led = {
        mapping["containerPort"]
        for node in load(K8S / "kind.yaml")["nodes"]
        for mapping in node.get("extraPortMappings", ())
    }
    selector = load(ISTIO / "base" / "gateway.yaml")["spec"]["selector"]["istio"]

    assert enabled == {"name": GATEWAY, "enabled": True}
    assert ports["http2"]["nodePort"] in led
    assert f"istio-{selector}" == GATEWAY
