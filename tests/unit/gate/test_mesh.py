"""The mesh in a cluster, with an API that answers from memory."""

import json
from typing import Any

import pytest

from istio.gate.api import Api
from istio.gate.mesh import Crew, IstioMesh
from istio.gate.weights import Object, Refused


class FakeApi(Api):
    """Lists objects by kind; a kind that is not there is one the cluster does not know."""

    def __init__(self, **objects: list[Object]) -> None:
        super().__init__("", "shop")
        self.objects = objects
        self.patches: list[tuple[str, Any]] = []

    def ask(
        self, path: str, *, body: object = None, kind: str = "", within: float = 0
    ) -> str | None:
        """Answer what is asked for, and remember what is changed."""
        del within
        if body is not None:
            self.patches.append((path, body))
            assert kind
            return ""
        if "/deployments/" in path:
            return json.dumps(self.objects["deployments"][0])
        found = self.objects.get(path.partition("?")[0].rpartition("/")[2])
        return None if found is None else json.dumps({"items": found})


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
        virtual_service("presence", name="presence"),
        virtual_service("messenger", namespace="elsewhere"),
        virtual_service("messenger.example.org", name="public"),
    ]

    assert IstioMesh(FakeApi(virtualservices=[OURS, *others])).weight() == 10


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
    api = FakeApi(**objects)
    mesh = IstioMesh(api)

    with pytest.raises(Refused, match=message):
        mesh.weight()
    with pytest.raises(Refused, match=message):
        mesh.set_weight(0)

    assert api.patches == []


def test_a_weight_is_set_by_one_command() -> None:
    """For every rule at once."""
    api = FakeApi(virtualservices=[OURS])

    IstioMesh(api).set_weight(25)

    ((path, body),) = api.patches
    assert path == "/apis/networking.istio.io/v1/namespaces/shop/virtualservices/messenger"
    assert [each["value"] for each in body] == ["1", 75, 25]


def test_a_version_is_scaled_by_its_deployment() -> None:
    """By the sub-resource, which leaves the rest of it alone."""
    api = FakeApi()

    IstioMesh(api).scale("v2", 3)

    assert api.patches == [
        ("/apis/apps/v1/namespaces/shop/deployments/messenger-v2/scale", {"spec": {"replicas": 3}})
    ]


def counts(**status: int) -> Object:
    """Return the status of a Deployment."""
    return dict(status)


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        pytest.param(counts(replicas=3, updatedReplicas=1, readyReplicas=2), 0, id="none is"),
        pytest.param(counts(replicas=3, updatedReplicas=2, readyReplicas=3), 2, id="two are"),
        pytest.param(counts(replicas=2, updatedReplicas=2, readyReplicas=2), 2, id="it is over"),
        pytest.param(counts(), 0, id="nothing has begun"),
    ],
)
def test_pods_of_the_release_before_do_not_count(status: Object, ready: int) -> None:
    """In a roll-out that gets stuck they go on serving, and would be judged in its place."""
    deployment: Object = {
        "metadata": {"generation": 1},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "messenger"}}},
        "status": {"observedGeneration": 1, **status},
    }

    assert IstioMesh(FakeApi(deployments=[deployment], pods=[])).crew("v2") == Crew(2, ready, 0)


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
        "status": counts(observedGeneration=2, replicas=3, updatedReplicas=3, readyReplicas=3),
    }
    api = FakeApi(deployments=[deployment], pods=[pod, gone])

    before = IstioMesh(api).crew("v2")
    deployment["status"]["observedGeneration"] = 3

    assert (before, IstioMesh(api).crew("v2")) == (Crew(3, 0, 2), Crew(3, 3, 2))
