"""Ports and names that miss each other."""

from functools import partial

from tests.manifests.breaking import CONTAINER, Case, put, tell, without
from tests.manifests.relations import connections
from tests.manifests.rendering import K8S, load

node_ports_come_through = partial(connections.node_ports_come_through, kind=load(K8S / "kind.yaml"))

CASES = {
    "a Service of nobody": Case(
        connections.services_reach_a_port,
        put({"app": "mesenger"}, "spec", "selector", kind="Service"),
        "Service messenger selects no pods",
    ),
    "a Service to no port": Case(
        connections.services_reach_a_port,
        put("web", "spec", "ports", 0, "targetPort", kind="Service"),
        "Service messenger sends to port web, which Deployment messenger lacks",
    ),
    "a port without a protocol": Case(
        connections.services_say_they_speak_http,
        put("web", "spec", "ports", 0, "name", kind="Service"),
        "Service messenger: the port web does not say http",
    ),
    "a container on loopback": Case(
        connections.containers_listen_where_they_are_asked,
        tell("MESSENGER_HOST", "127.0.0.1"),
        "Deployment messenger listens on 127.0.0.1, where nobody comes from",
    ),
    "a container on another port": Case(
        connections.containers_listen_where_they_are_asked,
        tell("MESSENGER_PORT", "8081"),
        "Deployment messenger listens on 8081, and declares {'http': 8080}",
    ),
    "a probe of another port": Case(
        connections.containers_listen_where_they_are_asked,
        put(9090, *CONTAINER, "readinessProbe", "httpGet", "port"),
        "Deployment messenger: readinessProbe asks port 9090, and 8080 is listened on",
    ),
    "a downstream without a Service": Case(
        connections.downstreams_are_where_they_are_called,
        without("Service", "links"),
        "Deployment messenger calls links, which is no Service",
    ),
    "downstreams at another port": Case(
        connections.downstreams_are_where_they_are_called,
        tell("MESSENGER_DOWNSTREAM_URL", "http://{service}:80"),
        "Deployment messenger calls accounts:80, and no such port is served",
    ),
    "a downstream that nobody plays": Case(
        connections.downstreams_are_played,
        tell("DOWNSTREAM_SERVICES", "accounts", "downstream"),
        "Deployment downstream does not play audit",
    ),
    "a NodePort that kind does not map": Case(
        node_ports_come_through,
        put(30082, "spec", "ports", 0, "nodePort", kind="Service"),
        "Service messenger has the NodePort 30082, which kind.yaml does not map",
    ),
}
