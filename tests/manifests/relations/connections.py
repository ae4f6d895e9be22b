"""Ports and names: who is asked where, and whether somebody listens there."""

from urllib.parse import urlsplit

from downstream.settings import SERVICES
from messenger.settings import Settings as MessengerSettings
from tests.manifests.objects import (
    Object,
    Objects,
    Pods,
    namespace,
    of_kind,
    own_containers,
    pods,
    selects,
    title,
)
from tests.manifests.relations.settings import read


def services_reach_a_port(objects: Objects) -> list[str]:
    """Every Service selects pods, and each of them has the port that it sends to."""
    problems = []
    for service in of_kind(objects, "Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        behind = [
            each
            for each in pods(objects)
            if each.namespace == namespace(service) and selects(selector, each.labels)
        ]
        if not behind:
            problems.append(f"{title(service)} selects no pods")
        problems += [
            f"{title(service)} sends to port {port.get('targetPort')}, which {each.owner} lacks"
            for port in service["spec"]["ports"]
            for each in behind
            if port.get("targetPort", port["port"]) not in _ports(each)
        ]
    return problems


def services_say_they_speak_http(objects: Objects) -> list[str]:
    """A mesh takes a port whose name does not begin with http for a stream of bytes."""
    return [
        f"{title(service)}: the port {port.get('name')} does not say http"
        for service in of_kind(objects, "Service")
        for port in service["spec"]["ports"]
        if not str(port.get("name")).startswith("http")
    ]


def containers_listen_where_they_are_asked(objects: Objects) -> list[str]:
    """A container listens on every address, at the port that it declares and is probed at."""
    problems = []
    for each, container in own_containers(objects):
        settings = read(container)
        declared = {port["name"]: port["containerPort"] for port in container["ports"]}
        if settings.host != "0.0.0.0":  # noqa: S104 - what a pod has to listen on
            problems.append(f"{each.owner} listens on {settings.host}, where nobody comes from")
        if settings.port not in declared.values():
            problems.append(f"{each.owner} listens on {settings.port}, and declares {declared}")
        problems += [
            f"{each.owner}: {kind} asks port {port}, and {settings.port} is listened on"
            for kind in ("startupProbe", "readinessProbe", "livenessProbe")
            if kind in container
            and declared.get(port := container[kind]["httpGet"]["port"], port) != settings.port
        ]
    return problems


def downstreams_are_where_they_are_called(objects: Objects) -> list[str]:
    """Where there are mocks, each of the twelve has a Service of its name, at the port called."""
    problems = []
    services = {each["metadata"]["name"]: each for each in of_kind(objects, "Service")}
    mocks = [each.owner for each in pods(objects) if each.labels.get("app") == "downstream"]
    for each, container in own_containers(objects) if mocks else ():
        settings = read(container)
        if not isinstance(settings, MessengerSettings):
            continue
        for name in SERVICES:
            url = urlsplit(str(settings.downstream_url).replace("{service}", name))
            if url.hostname not in services:
                problems.append(f"{each.owner} calls {url.hostname}, which is no Service")
            elif url.port not in {
                port["port"] for port in services[str(url.hostname)]["spec"]["ports"]
            }:
                problems.append(f"{each.owner} calls {url.netloc}, and no such port is served")
    return problems


def downstreams_are_played(objects: Objects) -> list[str]:
    """Behind the Service of each mock is a pod that plays it."""
    problems = []
    for service in of_kind(objects, "Service"):
        name = service["metadata"]["name"]
        selector = {"matchLabels": service["spec"]["selector"]}
        problems += [
            f"{each.owner} does not play {name}"
            for each, container in own_containers(objects)
            if name in SERVICES
            and selects(selector, each.labels)
            and name not in getattr(read(container), "services", ())
        ]
    return problems


def node_ports_come_through(objects: Objects, kind: Object) -> list[str]:
    """Every NodePort is one that kind brings to this machine."""
    mapped = {
        mapping["containerPort"]
        for node in kind["nodes"]
        for mapping in node.get("extraPortMappings", ())
    }
    return [
        f"{title(service)} has the NodePort {port['nodePort']}, which kind.yaml does not map"
        for service in of_kind(objects, "Service")
        for port in service["spec"]["ports"]
        if port.get("nodePort", next(iter(mapped))) not in mapped
    ]


def _ports(each: Pods) -> set[int | str]:
    """Return the ports of a pod, by number and by name."""
    return {
        value
        for container in each.containers
        for port in container.get("ports", ())
        for value in (port["containerPort"], port.get("name"))
    }
