"""Routes that share out wrongly, name nobody, or fight."""

from tests.manifests.breaking import MESH, Break, Case, put, without
from tests.manifests.objects import Objects, find
from tests.manifests.relations import mesh
from tests.manifests.rendering import Rendering

AUTHORIZATION = Rendering("overlays/canary", ("authorization",))
GATEWAY_API = Rendering("overlays/canary", ("gateway-api",))
RATE_LIMIT = Rendering("overlays/canary", ("rate-limit",))

V2_OF_REPEATABLE = ("spec", "http", 0, "route", 1)
"""Leads from Messenger's VirtualService to its first rule's second destination."""


def again(kind: str, name: str, *, called: str) -> Break:
    """Return what adds a copy of an object under another name."""

    def breaking(objects: Objects) -> None:
        found = find(objects, kind, name)
        objects.append({**found, "metadata": {**found["metadata"], "name": called}})

    return breaking


CASES = {
    "weights of 101": Case(
        mesh.weights_sum_to_100,
        put(11, *V2_OF_REPEATABLE, "weight", kind="VirtualService"),
        "VirtualService messenger, rule repeatable: the weights sum to 101",
        MESH,
    ),
    "weights of an HTTPRoute that sum to 95": Case(
        mesh.weights_sum_to_100,
        put(5, "spec", "rules", 0, "backendRefs", 1, "weight", kind="HTTPRoute"),
        "HTTPRoute messenger, rule primary: the weights sum to 95",
        GATEWAY_API,
    ),
    "another split for what has a key": Case(
        mesh.splits_agree,
        put(20, *V2_OF_REPEATABLE, "weight", kind="VirtualService"),
        "VirtualService messenger, rule primary has",
        MESH,
    ),
    "more weight than pods": Case(
        mesh.weight_has_pods,
        put(50, *V2_OF_REPEATABLE, "weight", kind="VirtualService"),
        "VirtualService messenger, rule repeatable: v2 has 2 replicas of 3",
        MESH,
    ),
    "a subset by a label that no pod has": Case(
        mesh.subsets_have_pods,
        put("2.1", "spec", "subsets", 1, "labels", "version", kind="DestinationRule"),
        "DestinationRule messenger: no pod is in the subset v2",
        MESH,
    ),
    "a route to no subset": Case(
        mesh.subsets_have_pods,
        put("v3", *V2_OF_REPEATABLE, "destination", "subset", kind="VirtualService"),
        "VirtualService messenger names ('messenger', 'v3'), which is no subset",
        MESH,
    ),
    "a route to no Service": Case(
        mesh.routes_name_services,
        put("consents", "spec", "host", kind="DestinationRule", name="consent"),
        "DestinationRule consent names consents, no Service",
        MESH,
    ),
    "a route at no gateway": Case(
        mesh.routes_name_services,
        without("Gateway", "messenger"),
        "VirtualService messenger is bound to messenger, which is no gateway",
        MESH,
    ),
    "a VirtualService beside the HTTPRoute": Case(
        mesh.one_owner_routes,
        lambda objects: objects.append(
            {
                "kind": "VirtualService",
                "metadata": {"name": "messenger"},
                "spec": {"hosts": ["messenger"], "http": []},
            }
        ),
        "2 objects route messenger",
        GATEWAY_API,
    ),
    "no route at all": Case(
        mesh.one_owner_routes,
        without("VirtualService", "messenger"),
        "0 objects route messenger",
        MESH,
    ),
    "two routes for a downstream": Case(
        mesh.hosts_are_routed_once,
        again("VirtualService", "consent", called="consent-too"),
        "consent is routed by 2 VirtualServices",
        MESH,
    ),
    "a rate limit for nobody": Case(
        mesh.policies_select_pods,
        put(
            "mesenger",
            *("spec", "workloadSelector", "labels", "app"),
            kind="EnvoyFilter",
            name="messenger-rate-limit",
        ),
        "EnvoyFilter messenger-rate-limit selects no pods",
        RATE_LIMIT,
    ),
    "downstreams that a policy does not know": Case(
        mesh.policies_select_pods,
        put(
            {"app": "mocks"},
            *("spec", "selector", "matchLabels"),
            kind="AuthorizationPolicy",
            name="downstreams",
        ),
        "AuthorizationPolicy downstreams selects no pods",
        AUTHORIZATION,
    ),
    "an identity that nobody has": Case(
        mesh.identities_are_of_this_place,
        put(
            ["cluster.local/ns/default/sa/messenger"],
            *("spec", "rules", 0, "from", 0, "source", "principals"),
            kind="AuthorizationPolicy",
            name="downstreams",
        ),
        "AuthorizationPolicy downstreams allows cluster.local/ns/default/sa/messenger",
        AUTHORIZATION,
    ),
    "callers of another namespace": Case(
        mesh.identities_are_of_this_place,
        put(
            ["NAMESPACE"],
            *("spec", "rules", 0, "from", 0, "source", "namespaces"),
            kind="AuthorizationPolicy",
        ),
        "AuthorizationPolicy messenger allows the namespace NAMESPACE, not this one",
        AUTHORIZATION,
    ),
}
