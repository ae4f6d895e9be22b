"""The mesh in a cluster, with a kubectl that answers from memory."""

import json

import pytest

from istio.gate.kubectl import ClusterError, Kubectl
from istio.gate.mesh import Crew, IstioMesh
from istio.gate.weights import Object, Refused


class FakeKubectl(Kubectl):
    """Lists objects by kind; a kind that is not there is one the cluster does not know."""

    def __init__(self, **objects: list[Object]) -> None:
        super().__init__("none", "shop")
        self.objects = objects
        self.commands: list[tuple[str, ...]] = []

    def run(self, *arguments: str) -> str:
        """Answer `get`, and remember all the rest."""
        self.commands.append(arguments)
        if arguments[0] != "get":
            return ""
        kind = arguments[1].partition(".")[0]
        if kind not in self.objects:
            raise ClusterError(f"error: the server doesn't have a resource type {kind!r}")
        found = self.objects[kind]
        return json.dumps(found[0] if kind == "deployment" else {"items": found})


def virtual_service(*hosts: str, name: str = "messenger", namespace: str = "shop") -> Object:
    """Return one that gives a tenth to version 2.0."""
    parts = [
        {"destination": {"host": "messenger", "subset": "v1"}, "weight": 90},
        {"destination": {"host": "messenger", "subset": "v2"}, "weight": 10},
    ]
    return {
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": namespace, "resourceVersion": "1"},
        "spec": {"hosts": list(hosts), "http": [{"route": parts}]},
    }


HTTP_ROUTE: Object = {
    "kind": "HTTPRoute",
    "metadata": {"name": "messenger", "namespace": "shop"},
    "spec": {"parentRefs": [{"group": "", "kind": "Service", "name": "messenger"}]},
}
CANARY: Object = {
    "kind": "Canary",
    "metadata": {"name": "messenger", "namespace": "shop"},
    "spec": {"targetRef": {"kind": "Deployment", "name": "messenger"}},
}
OURS = virtual_service("messenger", "messenger.localhost")


def test_the_one_route_has_the_weight() -> None:
    """VirtualServices for other hosts do not count, wherever they are."""
    others = [
        virtual_service("consent", name="consent"),
        virtual_service("messenger", namespace="elsewhere"),
        virtual_service("messenger.example.org", name="public"),
    ]

    assert IstioMesh(FakeKubectl(virtualservices=[OURS, *others])).weight() == 10


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        pytest.param(
            {
                "virtualservices": [
                    OURS,
                    virtual_service("messenger.shop.svc.cluster.local", namespace="elsewhere"),
                ]
            },
            "2 objects route messenger: VirtualService shop/messenger, VirtualService elsewhere",
            id="two VirtualServices",
        ),
        pytest.param(
            {"virtualservices": [OURS], "httproutes": [HTTP_ROUTE]},
            "2 objects route messenger: VirtualService shop/messenger, HTTPRoute shop/messenger",
            id="an HTTPRoute as well",
        ),
        pytest.param(
            {"virtualservices": [OURS], "canaries": [CANARY]},
            "2 objects route messenger: VirtualService shop/messenger, Canary shop/messenger",
            id="an engine as well",
        ),
        pytest.param({"virtualservices": []}, "0 objects route messenger: none", id="nobody"),
        pytest.param({}, "0 objects route messenger: none", id="no mesh"),
        pytest.param(
            {"httproutes": [HTTP_ROUTE]},
            "HTTPRoute shop/messenger routes messenger, which this gate does not change",
            id="an HTTPRoute alone",
        ),
    ],
)
def test_it_refuses_to_run_where_the_route_is_not_its_own(
    objects: dict[str, list[Object]], message: str
) -> None:
    """Reading and changing alike; nothing is changed."""
    kubectl = FakeKubectl(**objects)
    mesh = IstioMesh(kubectl)

    with pytest.raises(Refused, match=message):
        mesh.weight()
    with pytest.raises(Refused, match=message):
        mesh.set_weight(0)

    assert {command[0] for command in kubectl.commands} == {"get"}


def test_a_weight_is_set_by_one_command() -> None:
    """For every rule at once."""
    kubectl = FakeKubectl(virtualservices=[OURS])

    IstioMesh(kubectl).set_weight(25)

    (patch,) = [command for command in kubectl.commands if command[0] == "patch"]
    assert patch[2:4] == ("messenger", "--type=json")
    assert json.loads(patch[4].removeprefix("--patch="))[1]["value"] == 75


def test_a_crew_is_counted_when_the_cluster_has_seen_what_is_wanted() -> None:
    """Before that, those ready are of another number; restarts of the proxy are not ours."""
    pod = {
        "metadata": {"name": "a"},
        "status": {
            "containerStatuses": [
                {"name": "messenger-app", "restartCount": 2},
                {"name": "istio-proxy", "restartCount": 5},
            ]
        },
    }
    gone = {**pod, "metadata": {"name": "b", "deletionTimestamp": "now"}}
    deployment: Object = {
        "metadata": {"generation": 3},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "messenger"}}},
        "status": {"observedGeneration": 2, "readyReplicas": 3},
    }
    kubectl = FakeKubectl(deployment=[deployment], pods=[pod, gone])

    before = IstioMesh(kubectl).crew("v2")
    deployment["status"]["observedGeneration"] = 3

    assert (before, IstioMesh(kubectl).crew("v2")) == (Crew(3, 0, 2), Crew(3, 3, 2))
