"""The mesh: whom a route names, how it shares out, and who may call."""

import math
from collections import Counter
from collections.abc import Iterator

from tests.manifests.objects import (
    Object,
    Objects,
    find,
    namespace,
    of_kind,
    pods,
    selects,
    title,
)

LEAST_REPLICAS = 2
"""What version 2.0 runs with whatever its weight: one may be lost."""

ALL_REPLICAS = 5
"""What a version needs that has all the weight: the article's number."""


def routes(objects: Objects) -> Iterator[tuple[Object, Object]]:
    """Yield each rule of each VirtualService, with the latter."""
    for each in of_kind(objects, "VirtualService"):
        for rule in each["spec"]["http"]:
            yield each, rule


def splits(objects: Objects) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield each rule that shares out, with the weights by subset or by Service."""
    for each, rule in routes(objects):
        if len(rule["route"]) > 1:
            yield (
                f"{title(each)}, rule {rule['name']}",
                {d["destination"]["subset"]: d["weight"] for d in rule["route"]},
            )
    for each in of_kind(objects, "HTTPRoute"):
        for rule in each["spec"]["rules"]:
            weights = {b["name"].rpartition("-")[2]: b["weight"] for b in rule["backendRefs"]}
            yield f"{title(each)}, rule {rule['name']}", weights


def weights_sum_to_100(objects: Objects) -> list[str]:
    """A weight is a share in per cent, to whoever reads it."""
    return [
        f"{name}: the weights sum to {sum(weights.values())}"
        for name, weights in splits(objects)
        if sum(weights.values()) != 100
    ]


def splits_agree(objects: Objects) -> list[str]:
    """There is one split: it must not depend on the method what version answers."""
    found = [weights for _, weights in splits(objects)]
    return [
        f"{name} has {weights}, and the first rule has {found[0]}"
        for name, weights in splits(objects)
        if weights != found[0]
    ]


def weight_has_pods(objects: Objects) -> list[str]:
    """Version 2.0 has the replicas that its weight needs, before it has the weight."""
    replicas = {each.labels.get("version"): each.replicas for each in pods(objects)}
    problems = []
    for name, weights in splits(objects):
        needed = max(LEAST_REPLICAS, math.ceil(ALL_REPLICAS * weights["v2"] / 100))
        if replicas.get("2.0", 0) < needed:
            problems.append(f"{name}: v2 has {replicas.get('2.0', 0)} replicas of {needed}")
    return problems


def subsets_have_pods(objects: Objects) -> list[str]:
    """Every subset selects pods of its host by their labels, and every route names one."""
    problems = []
    known = set()
    for rule in of_kind(objects, "DestinationRule"):
        host = rule["spec"]["host"]
        service = find(objects, "Service", host)["spec"]["selector"]
        for subset in rule["spec"].get("subsets", ()):
            known.add((host, subset["name"]))
            wanted = {"matchLabels": {**service, **subset["labels"]}}
            if not any(selects(wanted, each.labels) for each in pods(objects)):
                problems.append(f"{title(rule)}: no pod is in the subset {subset['name']}")
    return problems + [
        f"{title(each)} names {place}, which is no subset"
        for each, rule in routes(objects)
        for place in [(d["host"], d["subset"]) for d in destinations(rule) if "subset" in d]
        if place not in known
    ]


def routes_name_services(objects: Objects) -> list[str]:
    """What is routed, limited or authorised is there."""
    services = {each["metadata"]["name"] for each in of_kind(objects, "Service")}
    hosts = [
        *((each, d["host"]) for each, rule in routes(objects) for d in destinations(rule)),
        *((each, each["spec"]["host"]) for each in of_kind(objects, "DestinationRule")),
    ]
    problems = [
        f"{title(each)} names {host}, no Service" for each, host in hosts if host not in services
    ]
    gateways = {each["metadata"]["name"] for each in of_kind(objects, "Gateway")} | {"mesh"}
    return problems + [
        f"{title(each)} is bound to {name}, which is no gateway"
        for each in of_kind(objects, "VirtualService")
        for name in each["spec"].get("gateways", ())
        if name not in gateways
    ]


def one_owner_routes(objects: Objects) -> list[str]:
    """Where there is a mesh, one object decides who gets a request for Messenger."""
    if not any(_is_injected(each) for each in of_kind(objects, "Namespace")):
        return []
    owners = [title(each) for each in objects if _routes_messenger(each)]
    return [] if len(owners) == 1 else [f"{len(owners)} objects route messenger: {owners}"]


def hosts_are_routed_once(objects: Objects) -> list[str]:
    """Of two VirtualServices for one host the mesh takes one, and does not say which."""
    counted = Counter(
        host for each in of_kind(objects, "VirtualService") for host in each["spec"]["hosts"]
    )
    return [f"{host} is routed by {n} VirtualServices" for host, n in counted.items() if n > 1]


def policies_select_pods(objects: Objects) -> list[str]:
    """A policy that selects nobody protects nobody."""
    problems = []
    for each in of_kind(objects, "AuthorizationPolicy", "EnvoyFilter"):
        spec = each["spec"]
        labels = (
            spec["workloadSelector"]["labels"]
            if "workloadSelector" in spec
            else spec["selector"]["matchLabels"]
        )
        if not any(selects({"matchLabels": labels}, one.labels) for one in pods(objects)):
            problems.append(f"{title(each)} selects no pods")
    return problems


def identities_are_of_this_place(objects: Objects) -> list[str]:
    """An identity of ours that a policy names is one that pods here have."""
    accounts = {
        f"cluster.local/ns/{namespace(each)}/sa/{each['metadata']['name']}"
        for each in of_kind(objects, "ServiceAccount")
    }
    homes = {each["metadata"]["name"] for each in of_kind(objects, "Namespace")}
    problems = []
    for each in of_kind(objects, "AuthorizationPolicy"):
        sources = [part["source"] for rule in each["spec"]["rules"] for part in rule["from"]]
        named = [name for source in sources for name in source.get("principals", ())]
        spaces = [name for source in sources for name in source.get("namespaces", ())]
        problems += [
            f"{title(each)} allows {name}, whom nobody here is"
            for name in named
            if "/ns/istio-system/" not in name and name not in accounts
        ]
        problems += [
            f"{title(each)} allows the namespace {name}, not this one"
            for name in spaces
            if name not in homes
        ]
    return problems


def destinations(rule: Object) -> list[Object]:
    """Return where a rule sends to, a mirror included."""
    mirror = [rule["mirror"]] if "mirror" in rule else []
    return [*(each["destination"] for each in rule["route"]), *mirror]


def _is_injected(space: Object) -> bool:
    labels: Object = space["metadata"].get("labels", {})
    return labels.get("istio-injection") == "enabled"


def _routes_messenger(each: Object) -> bool:
    match each["kind"]:
        case "VirtualService":
            return "messenger" in each["spec"]["hosts"]
        case "HTTPRoute":
            parents = each["spec"]["parentRefs"]
            return ("Service", "messenger") in [(p.get("kind"), p["name"]) for p in parents]
        case "Canary":
            return bool(each["spec"]["targetRef"]["name"] == "messenger")
        case _:
            return False
