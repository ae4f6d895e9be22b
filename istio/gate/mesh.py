"""What is in the cluster: who routes, with what weight, and the pods of both versions."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from istio.gate import weights
from istio.gate.api import JSON_PATCH, MERGE_PATCH, Api
from istio.gate.weights import Object, Refused

SERVICE = "messenger"
"""The name that callers use; the VirtualService and version 1.0 have it too."""

DEPLOYMENTS = {weights.OLD: "messenger", weights.NEW: "messenger-v2"}
"""The Deployments behind the subsets."""

ROUTES = "/apis/networking.istio.io/v1"
HTTP_ROUTES = "/apis/gateway.networking.k8s.io/v1/httproutes"
CANARIES = "/apis/flagger.app/v1beta1"


class Crew(NamedTuple):
    """The pods of one version."""

    wanted: int
    ready: int
    restarts: int


class Mesh(Protocol):
    """What a roll-out changes and looks at."""

    def weight(self) -> int:
        """Return the weight of the new version."""
        ...

    def set_weight(self, weight: int) -> None:
        """Give the new version this weight, in every rule at once."""
        ...

    def crew(self, subset: str) -> Crew:
        """Return the pods of a version."""
        ...

    def scale(self, subset: str, replicas: int) -> None:
        """Want so many pods of a version."""
        ...


class IstioMesh:
    """The mesh as it is in a cluster.

    Args:
        api: How it is reached.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def weight(self) -> int:
        """Return the weight of the new version.

        Raises:
            Refused: It is not defined, or somebody else routes as well.
        """
        return weights.read(self._route())

    def set_weight(self, weight: int) -> None:
        """Give the new version this weight, in every rule at once."""
        path = f"{ROUTES}/namespaces/{self._api.namespace}/virtualservices/{SERVICE}"
        self._api.ask(path, body=weights.patch(self._route(), weight), kind=JSON_PATCH)

    def crew(self, subset: str) -> Crew:
        """Return the pods of a version."""
        found = self._api.get(self._deployment(subset))
        spec, status = found["spec"], found.get("status", {})
        is_seen = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
        return Crew(
            wanted=int(spec.get("replicas", 1)),
            ready=_ready(status) if is_seen else 0,
            restarts=sum(_restarts(pod) for pod in self._pods_of(found)),
        )

    def scale(self, subset: str, replicas: int) -> None:
        """Want so many pods of a version."""
        scale = {"spec": {"replicas": replicas}}
        self._api.ask(f"{self._deployment(subset)}/scale", body=scale, kind=MERGE_PATCH)

    def pods(self, subset: str) -> list[Object]:
        """Return the pods of a version that are not on their way out."""
        return self._pods_of(self._api.get(self._deployment(subset)))

    def _pods_of(self, deployment: Object) -> list[Object]:
        labels = deployment["spec"]["selector"]["matchLabels"]
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        return self._api.pods(self._api.namespace, selector)

    def _deployment(self, subset: str) -> str:
        home = f"/apis/apps/v1/namespaces/{self._api.namespace}/deployments"
        return f"{home}/{DEPLOYMENTS[subset]}"

    def _route(self) -> Object:
        """Return the one object that routes.

        Raises:
            Refused: There is none, it is another one, or there are two.
        """
        owners = list(self.owners())
        names = [
            f"{each['kind']} {each['metadata']['namespace']}/{each['metadata']['name']}"
            for each in owners
        ]
        if len(owners) != 1:
            raise Refused(f"{len(owners)} objects route {SERVICE}: {', '.join(names) or 'none'}")
        if owners[0]["kind"] != "VirtualService" or owners[0]["metadata"]["name"] != SERVICE:
            raise Refused(f"{names[0]} routes {SERVICE}, which this gate does not change")
        return owners[0]

    def owners(self) -> Iterator[Object]:
        """Yield every object that decides who gets a request for Messenger."""
        home = self._api.namespace
        for each in _kind("VirtualService", self._api.items(f"{ROUTES}/virtualservices")):
            if any(_is_ours(host, each, home) for host in each["spec"].get("hosts", ())):
                yield each
        for each in _kind("HTTPRoute", self._api.items(HTTP_ROUTES)):
            for parent in each["spec"].get("parentRefs", ()):
                space = parent.get("namespace", each["metadata"]["namespace"])
                if (parent.get("kind"), parent["name"], space) == ("Service", SERVICE, home):
                    yield each
        for each in _kind("Canary", self._api.items(f"{CANARIES}/namespaces/{home}/canaries")):
            if each["spec"]["targetRef"]["name"] == SERVICE:
                yield each


def _kind(name: str, items: list[Object]) -> Iterator[Object]:
    """Yield objects with their kind, which a list leaves out."""
    return ({**each, "kind": name} for each in items)


def _is_ours(host: str, route: Object, home: str) -> bool:
    """Say whether a host in a VirtualService is Messenger's Service."""
    name, _, rest = host.partition(".")
    space = rest.partition(".")[0] or route["metadata"]["namespace"]
    is_of_a_service = (
        not rest or rest.removesuffix(".svc.cluster.local").removesuffix(".svc") == space
    )
    return name == SERVICE and space == home and is_of_a_service


def _ready(status: Object) -> int:
    """Return how many pods are ready, those of an earlier roll-out left out.

    A release that is never ready leaves the pods of the one before it at work: they would be judged
    in its place.
    """
    earlier = int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))
    return max(0, int(status.get("readyReplicas", 0)) - earlier)


def _restarts(pod: Object) -> int:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    return sum(int(each["restartCount"]) for each in statuses if each["name"] == "messenger-app")
