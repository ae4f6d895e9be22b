"""The overlay `canary` in a namespace of its own, and what is changed there while it runs."""

import contextlib
import copy
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.e2e.cluster import Cluster, Object
from tests.e2e.space import PATIENT, PREFIX, Space, passing
from tests.e2e.watch import read_pod
from tests.manifests.rendering import Rendering, render

OVERLAY = "overlays/canary"
NAMESPACE = "messenger-canary"
"""The overlay's own, in whose place each test has another."""

ALWAYS = ("startup-probe",)
"""Added to each: a pod is ready when it is, and not after 15 s. Half of the time here is starts."""

MOCK_WORKLOADS = ("statefulset/delivery", "deployment/downstream")
WORKLOADS = (*MOCK_WORKLOADS, "deployment/messenger")
BARE = {"sidecar.istio.io/inject": "false"}
"""The label of a pod that is to have no proxy."""

VERSIONS = ("messenger", "messenger-v2")
"""The Deployments of the two."""

SWITCH = {"MESSENGER_FAULTS_ENABLED": "true"}
"""Lets faults be ordered while it runs."""

DEADLINE_SECONDS = 3.0
"""A message's own, by which the overlay's time-outs are chosen."""

PATIENCE = float(PATIENT["MESSENGER_DOWNSTREAM_DEADLINE_SECONDS"]) / DEADLINE_SECONDS
"""How many times longer is waited where lateness is not what is looked at."""

SETTLED_SECONDS = 2.0
"""How long a change takes to be in all proxies, with some room: a tenth of a second for routes."""

DEPLOYED_SECONDS = 240.0
"""How long twelve pods with a proxy each may take to be ready when all start at once."""

REPLICAS_OF_NEW = ("get", "deployment/messenger-v2", "-o", "jsonpath={.spec.replicas}")
"""Asks how many pods version 2.0 is to have."""

Edit = Callable[[Object], None]
"""Changes an object before it is applied."""


class Canary(Space):
    """One namespace with both versions in it.

    Args:
        cluster: Where.
        name: The namespace.
        edit: Changes each object before it is applied.
        added: The components that it has beside those of the overlay.
    """

    def __init__(
        self, cluster: Cluster, name: str, edit: Edit = lambda _: None, added: Sequence[str] = ()
    ) -> None:
        super().__init__(cluster, name)
        self._edit = edit
        self._added = (*ALWAYS, *added)

    def rendered(self, *added: str) -> list[Object]:
        """Return the objects of the overlay with further components, in this namespace."""
        objects = render(Rendering(OVERLAY, (*self._added, *added)))
        mine: list[Object] = json.loads(json.dumps(objects).replace(NAMESPACE, self.name))
        for each in mine:
            self._edit(each)
        return mine

    def apply_all(self, *added: str) -> None:
        """Make the namespace what the overlay with these components says, and wait for it."""
        self.apply(*self.rendered(*added))
        self.settle_all()

    def settle_all(self) -> None:
        """Wait until both versions and their mocks are rolled out."""
        self.settle(*WORKLOADS, "deployment/messenger-v2", within_seconds=DEPLOYED_SECONDS)

    @contextlib.contextmanager
    def having(self, *added: str) -> Iterator[None]:
        """Have further components for a while; then all is as it was."""
        before, after = self.rendered(), self.rendered(*added)
        try:
            self._change(before, after)
            yield
        finally:
            self._change(after, before)

    def _change(self, before: Sequence[Object], after: Sequence[Object]) -> None:
        """Make of the one what the other is."""
        wanted = {_name(each) for each in after}
        self.delete(*(each for each in before if _name(each) not in wanted))
        self.apply(*after)
        self.settle_all()
        time.sleep(SETTLED_SECONDS)

    def delete(self, *objects: Object) -> None:
        """Take objects away, and wait until they are gone."""
        if objects:
            items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
            self.cluster.kubectl(
                *("-n", self.name, "delete", "--ignore-not-found", "-f", "-"),
                stdin=json.dumps(items),
            )

    def route(self, *added: str) -> Object:
        """Return the VirtualService of Messenger as it is rendered with these components."""
        return find(self.rendered(*added), "VirtualService")

    def go_to(self, state: str, edit: Edit = lambda _: None) -> None:
        """Go to a state of the roll-out: no version has weight without the pods for it.

        Args:
            state: Its name, such as "50-50".
            edit: Changes the route before it is applied.
        """
        objects = self.rendered(state)
        new, route = find(objects, "Deployment", "messenger-v2"), find(objects, "VirtualService")
        edit(route)
        wanted = new["spec"]["replicas"]
        has_more = int(self.kubectl(*REPLICAS_OF_NEW)) > wanted
        for each in (route, new) if has_more else (new, route):
            self.apply(each)
            self.settle("deployment/messenger-v2")
            time.sleep(SETTLED_SECONDS)

    def weigh(self, weight: int) -> None:
        """Give version 2.0 a weight that is no state's, in every rule."""
        route = self.route()
        for rule in route["spec"]["http"]:
            for part, share in zip(rule["route"], (100 - weight, weight), strict=True):
                part["weight"] = share
        self.apply(route)
        time.sleep(SETTLED_SECONDS)

    def weights(self) -> set[int]:
        """Return the weights that version 2.0 has in the rules that share out."""
        path = f"/apis/networking.istio.io/v1/namespaces/{self.name}/virtualservices/messenger"
        rules = (rule["route"] for rule in self.cluster.get(path)["spec"]["http"])
        return {
            part.get("weight", 0)
            for parts in rules
            for part in parts
            if len(parts) > 1 and part["destination"]["subset"] == "v2"
        }

    def names_of(self, **labels: str) -> list[str]:
        """Return the names of the pods with these labels that are ready and stay, sorted."""
        wanted = ",".join(f"{key}={value}" for key, value in labels.items())
        path = f"/api/v1/namespaces/{self.name}/pods?labelSelector={wanted}"
        pods = map(read_pod, self.cluster.get(path)["items"])
        return sorted(pod.name for pod in pods if pod.is_serving)

    def clear_faults(self, pod: str, service: str = "") -> None:
        """Take the faults of a pod back, of a mock's those of one service."""
        path = f"/debug/faults/{service}".rstrip("/")
        status, text = self.ask_pod(pod, path, method="DELETE")
        assert status == 200, f"{pod} kept its faults: {status} {text}"

    def set_environment(self, deployment: str, env: Mapping[str, str | None]) -> None:
        """Change variables of one version; None takes one away. It is a roll-out."""
        words = (f"{name}-" if value is None else f"{name}={value}" for name, value in env.items())
        self.kubectl("set", "env", f"deployment/{deployment}", "-c", "messenger-app", *words)


def with_environment(env: Mapping[str, str]) -> Edit:
    """Return what sets variables in both versions."""

    def edit(item: Object) -> None:
        if item["kind"] == "Deployment" and item["metadata"]["name"] in VERSIONS:
            (container,) = item["spec"]["template"]["spec"]["containers"]
            others = [each for each in container["env"] if each["name"] not in env]
            set_here = [{"name": name, "value": value} for name, value in env.items()]
            container["env"] = others + set_here

    return edit


def patient(item: Object) -> None:
    """Have Messenger wait as long as `PATIENT` says, and the mesh behind it in proportion.

    For experiments that are not about lateness: a proxy and an application in each pod keep two
    cores busy by themselves, and where pods start beside them a mock may be late by seconds.
    """
    with_environment(PATIENT)(item)
    if item["kind"] == "VirtualService" and item["metadata"]["name"] != "messenger":
        for rule in item["spec"].get("http", ()):
            for waits in (rule, rule.get("retries", {})):
                for name in ("timeout", "perTryTimeout"):
                    if name in waits:
                        waits[name] = _longer(waits[name])


def _longer(duration: str) -> str:
    """Return a duration such as "1800ms" or "3s", longer by as much as the deadline is."""
    number, unit = duration.removesuffix("ms").removesuffix("s"), duration.lstrip("0123456789")
    return f"{int(number) * PATIENCE:.0f}{unit}"


def with_replicas(counts: Mapping[str, int]) -> Edit:
    """Return what sets numbers of replicas, by the names of Deployments."""

    def edit(item: Object) -> None:
        name = item["metadata"]["name"]
        if item["kind"] == "Deployment" and name in counts:
            item["spec"]["replicas"] = counts[name]

    return edit


def bare_mocks(item: Object) -> None:
    """Leave the mocks without proxies, and half of the work of a message with them.

    For experiments that are about Messenger's own proxies, on a machine of few cores. What the
    mesh does for a downstream is done by the proxy that calls it.
    """
    if f"{item['kind'].lower()}/{item['metadata']['name']}" in MOCK_WORKLOADS:
        item["spec"]["template"]["metadata"]["labels"].update(BARE)


def without_retries(route: Object) -> None:
    """Have a route send everything once."""
    for rule in route["spec"]["http"]:
        rule["retries"] = {"attempts": 0}


def both(*edits: Edit) -> Edit:
    """Return what makes all these changes."""

    def edit(item: Object) -> None:
        for each in edits:
            each(item)

    return edit


def find(objects: Sequence[Object], kind: str, name: str = "messenger") -> Object:
    """Return a copy of the one object of this kind and name."""
    (found,) = (e for e in objects if (e["kind"], e["metadata"]["name"]) == (kind, name))
    return copy.deepcopy(found)


@contextlib.contextmanager
def open_canary(
    cluster: Cluster, purpose: str, edit: Edit = lambda _: None, added: Sequence[str] = ()
) -> Iterator[Canary]:
    """Yield the overlay in a new namespace, deployed and ready; delete it."""
    canary = Canary(cluster, f"{PREFIX}{purpose}-{secrets.token_hex(2)}", edit, added)
    with passing(canary):
        canary.apply_all()
        yield canary


def _name(item: Object) -> tuple[str, str, str]:
    # With its group: two of them have a kind called Gateway.
    return item["apiVersion"], item["kind"], item["metadata"]["name"]
