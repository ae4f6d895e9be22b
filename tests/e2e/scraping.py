"""Prometheus in the cluster, from the component `observability`, with an image made of Debian's.

Debian's Prometheus is built without discovery by Kubernetes. So it is told of every port of every
pod of the namespace, in the words that the discovery has for them; which of these it asks remains
the choice of the component's own rules. What the discovery would need beside is asked of the API
server: whether Prometheus's account may see pods.
"""

import contextlib
import json
import re
from collections.abc import Iterator

import yaml

from tests.e2e import objects
from tests.e2e.cluster import CommandFailed, Object
from tests.e2e.mesh.canary import Edit
from tests.e2e.space import Space
from tests.integration import clients
from tests.integration.prometheus import META, Prometheus
from tests.manifests.rendering import Rendering, render

OVERLAY = "overlays/stable"
NAMESPACE = "messenger-stable"
"""The overlay's own, in whose place a test has another."""

ADDED = ("canary-v2", "startup-probe", "observability")
"""Version 2.0, without a mesh; pods that are ready when they are; and Prometheus."""

TOLD = "prometheus-told"
"""The ConfigMap with the pods in it."""

PORT = 9090


def rendered(space: Space, edit: Edit) -> list[Object]:
    """Return both versions and the component, which runs no Prometheus yet, in this namespace."""
    text = json.dumps(render(Rendering(OVERLAY, ADDED)))
    mine: list[Object] = json.loads(text.replace(NAMESPACE, space.name))
    for each in mine:
        _fit(each)
        edit(each)
    return mine


def _fit(item: Object) -> None:
    """Change what belongs to a cluster that the overlay has for itself, and can pull."""
    if item["kind"] == "Service":
        for port in item["spec"]["ports"]:
            port.pop("nodePort", None)
    if (item["kind"], item["metadata"]["name"]) == ("Deployment", "prometheus"):
        item["spec"]["replicas"] = 0
        (container,) = item["spec"]["template"]["spec"]["containers"]
        container["image"] = objects.PROMETHEUS_IMAGE


def found(space: Space) -> list[Object]:
    """Return what the discovery by Kubernetes would find in a namespace: each port of each pod."""
    pods = space.cluster.get(f"/api/v1/namespaces/{space.name}/pods")["items"]
    return [
        _target(pod, port)
        for pod in pods
        for container in pod["spec"]["containers"]
        for port in container.get("ports", [])
    ]


def _target(pod: Object, port: Object) -> Object:
    labels = {
        f"{META}label_{re.sub(r'[^a-zA-Z0-9_]', '_', name)}": value
        for name, value in pod["metadata"]["labels"].items()
    }
    return {
        "targets": [f"{pod['status']['podIP']}:{port['containerPort']}"],
        "labels": {
            **labels,
            f"{META}name": pod["metadata"]["name"],
            f"{META}phase": pod["status"]["phase"],
            f"{META}container_port_name": port.get("name", ""),
        },
    }


@contextlib.contextmanager
def scraping(space: Space, pods: list[Object]) -> Iterator[Prometheus]:
    """Run the component's Prometheus on these pods until the block ends; see `found`."""
    deployed = space.cluster.get(f"/apis/apps/v1/namespaces/{space.name}/deployments/prometheus")
    (given,) = (
        each["configMap"]["name"]
        for each in deployed["spec"]["template"]["spec"]["volumes"]
        if each["name"] == "config"
    )
    config = space.cluster.get(f"/api/v1/namespaces/{space.name}/configmaps/{given}")
    said = yaml.safe_load(config["data"]["prometheus.yaml"])
    (job,) = said["scrape_configs"]
    del job["kubernetes_sd_configs"]
    job["static_configs"] = pods
    told = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": TOLD}}
    space.apply(told | {"data": config["data"] | {"prometheus.yaml": json.dumps(said)}})
    try:
        _scale(space, 1, volumes=[{"name": "config", "configMap": {"name": TOLD}}])
        with (
            space.cluster.forward(space.name, "service/prometheus", PORT) as port,
            clients.client(f"http://127.0.0.1:{port}") as client,
        ):
            yield Prometheus(client)
    finally:
        _scale(space, 0, volumes=[{"name": "config", "configMap": {"name": given}}])


def _scale(space: Space, replicas: int, *, volumes: list[Object]) -> None:
    change = {"replicas": replicas, "template": {"spec": {"volumes": volumes}}}
    space.patch_deployment("prometheus", {"spec": change})
    space.settle("deployment/prometheus")


def may_list(space: Space, what: str) -> bool:
    """Whether Prometheus's account may list objects of a kind in its namespace."""
    account = f"--as=system:serviceaccount:{space.name}:prometheus"
    try:
        space.kubectl("auth", "can-i", "list", what, account)
    except CommandFailed as error:
        if not str(error).rstrip().endswith(" no"):
            raise
        return False
    return True
