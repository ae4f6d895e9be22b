"""How manifests are broken on purpose: one value set, taken out, or told to a container."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.manifests.objects import Object, Objects, find
from tests.manifests.rendering import Rendering

STABLE = Rendering("overlays/stable")
DEV = Rendering("overlays/dev")
CANARY = Rendering("overlays/stable", ("canary-v2",))
MESH = Rendering("overlays/canary")
SCALED = Rendering("overlays/stable", ("autoscaling",))

Relation = Callable[[Objects], list[str]]
Break = Callable[[Objects], None]


class Case(NamedTuple):
    """A relation, what breaks it, and the first thing that it then says."""

    relation: Relation
    breaking: Break
    message: str
    rendering: Rendering = STABLE


def container(objects: Objects, name: str = "messenger") -> Object:
    """Return the container of a Deployment."""
    found: Object = pod(objects, name)["containers"][0]
    return found


def pod(objects: Objects, name: str = "messenger") -> Object:
    """Return the specification of a Deployment's pods."""
    spec: Object = find(objects, "Deployment", name)["spec"]["template"]["spec"]
    return spec


def put(
    value: Any,  # noqa: ANN401 - any value of YAML
    *path: str | int,
    kind: str = "Deployment",
    name: str = "messenger",
) -> Break:
    """Return what sets a value in an object, by the keys that lead to it."""

    def breaking(objects: Objects) -> None:
        part: Any = find(objects, kind, name)
        for key in path[:-1]:
            part = part[key] if isinstance(key, int) else part.setdefault(key, {})
        part[path[-1]] = value

    return breaking


def tell(variable: str, value: str, name: str = "messenger") -> Break:
    """Return what sets a variable of a container."""

    def breaking(objects: Objects) -> None:
        env = container(objects, name)["env"]
        env[:] = [each for each in env if each["name"] != variable]
        env.append({"name": variable, "value": value})

    return breaking


def drop(*path: str | int, kind: str = "Deployment", name: str = "messenger") -> Break:
    """Return what takes a value out of an object."""

    def breaking(objects: Objects) -> None:
        part: Any = find(objects, kind, name)
        for key in path[:-1]:
            part = part[key]
        del part[path[-1]]

    return breaking


def without(kind: str, name: str) -> Break:
    """Return what takes an object away."""

    def breaking(objects: Objects) -> None:
        objects.remove(find(objects, kind, name))

    return breaking


SPEC = ("spec", "template", "spec")
"""Leads from a Deployment to the specification of its pods."""

CONTAINER = (*SPEC, "containers", 0)
"""Leads from a Deployment to its one container."""
