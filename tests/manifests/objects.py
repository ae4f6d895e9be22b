"""What is in a rendered overlay: objects, and the pods that its workloads make."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Object = dict[str, Any]
"""One object of Kubernetes, as parsed."""

Objects = list[Object]
"""All objects of one rendering."""

OWN_IMAGES = ("messenger-v1", "messenger-v2", "messenger-downstream")
"""The images that are built from this repository and run in a pod of a workload."""


class Pods(NamedTuple):
    """The pods that one Deployment or StatefulSet makes."""

    owner: str
    """Such as "Deployment messenger"."""

    namespace: str
    labels: Mapping[str, str]
    selector: Object
    """By which the owner recognises its pods."""

    replicas: int
    """As given, or the least that an autoscaler leaves."""

    spec: Object

    @property
    def containers(self) -> list[Object]:
        """The containers of each pod."""
        containers: list[Object] = self.spec["containers"]
        return containers


def of_kind(objects: Objects, *kinds: str) -> Iterator[Object]:
    """Yield the objects of these kinds."""
    return (each for each in objects if each["kind"] in kinds)


def find(objects: Objects, kind: str, name: str) -> Object:
    """Return the object of this kind and name."""
    (found,) = (each for each in of_kind(objects, kind) if each["metadata"]["name"] == name)
    return found


def title(each: Object) -> str:
    """Return how messages name an object."""
    return f"{each['kind']} {each['metadata']['name']}"


def namespace(each: Object) -> str:
    """Return the namespace of an object, empty where none is given."""
    return str(each["metadata"].get("namespace", ""))


def pods(objects: Objects) -> Iterator[Pods]:
    """Yield the pods of every workload."""
    for each in of_kind(objects, "Deployment", "StatefulSet"):
        template = each["spec"]["template"]
        yield Pods(
            owner=title(each),
            namespace=namespace(each),
            labels=template["metadata"]["labels"],
            selector=each["spec"]["selector"],
            replicas=each["spec"].get("replicas", _least(objects, each)),
            spec=template["spec"],
        )


def _least(objects: Objects, workload: Object) -> int:
    """Return how many pods an autoscaler leaves to a workload; without one it is the default."""
    for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        if f"{target['kind']} {target['name']}" == title(workload):
            return int(scaler["spec"]["minReplicas"])
    return 1


def own_containers(objects: Objects) -> Iterator[tuple[Pods, Object]]:
    """Yield each container of ours, with its pods."""
    for each in pods(objects):
        for container in each.containers:
            if image_name(container) in OWN_IMAGES:
                yield each, container


def image_name(container: Object) -> str:
    """Return the name of a container's image, without its tag."""
    name, _, _ = str(container["image"]).rpartition(":")
    return name


def environment(container: Object) -> dict[str, str]:
    """Return the variables that are set to a given text."""
    return {each["name"]: each["value"] for each in container.get("env", ()) if "value" in each}


def selects(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Say whether a selector of Kubernetes selects what has these labels; an empty one does."""
    if selector is None:
        return False
    wanted: Mapping[str, str] = selector.get("matchLabels", {})
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(expression, labels) for expression in selector.get("matchExpressions", ())
    )


def _meets(expression: Object, labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case unknown:
            raise ValueError(unknown)
