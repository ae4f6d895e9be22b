"""Istio has nothing to remark, and every proxy does what it was told last."""

from collections.abc import Iterator

import pytest

from tests.e2e.cluster import Cluster, Object, wait_for
from tests.e2e.mesh.canary import NAMESPACE, Canary, open_canary
from tests.e2e.mesh.proxies import analyze, states
from tests.e2e.space import wait_until_gone
from tests.manifests.rendering import Rendering, render

COMPONENTS = (
    (),
    ("header-routing",),
    ("sticky",),
    ("100-0", "mirror"),
    ("rate-limit",),
    ("strict-mtls", "authorization"),
    ("gateway-api",),
)
"""What the overlay may have beside what it has."""


EXPECTED: dict[tuple[str, ...], set[str]] = {("rate-limit",): {"IST0133"}}
"""Of each EnvoyFilter it says that it depends on Envoy's insides; there is no other kind for it."""

UNTOUCHED = {"SYNCED", "IGNORED"}
"""What a part of a configuration may be: as istiod wants it, or not asked for."""


@pytest.fixture(scope="module")
def space(mesh: Cluster) -> Iterator[Canary]:
    """Yield the overlay as it is, the mocks with their proxies."""
    with open_canary(mesh, "proxies") as space:
        yield space


@pytest.mark.parametrize("added", COMPONENTS, ids=lambda added: "+".join(added) or "as it is")
def test_analysis_finds_nothing(added: tuple[str, ...]) -> None:
    """Neither errors nor warnings, for the overlay with each component beside it."""
    objects = render(Rendering("overlays/canary", added))

    found = analyze(objects, "--use-kube=false", "--namespace", NAMESPACE)
    assert set(found) <= EXPECTED.get(added, set()), found


def test_analysis_finds_nothing_where_it_runs(space: Canary) -> None:
    """Nor for the namespace as the cluster has it, pods and all."""
    # A canary of other tests that is on its way out claims the same host at the gateway.
    wait_until_gone(space.cluster, but=space.name)

    assert analyze((), "--context", space.cluster.context, "--namespace", space.name) == {}


def test_analysis_finds_what_is_wrong() -> None:
    """The control: a route to a subset that nobody has defined."""
    objects = render(Rendering("overlays/canary"))
    (route,) = (e for e in objects if (e["kind"], e["metadata"]["name"]) == _ROUTE)
    route["spec"]["http"][0]["route"][0]["destination"]["subset"] = "v3"

    assert "IST0101" in analyze(objects, "--use-kube=false", "--namespace", NAMESPACE)


_ROUTE = ("VirtualService", "messenger")


def test_every_proxy_is_synced(space: Canary) -> None:
    """Each pod's, in each part of its configuration."""
    pods = {
        pod["metadata"]["name"]
        for pod in space.cluster.get(f"/api/v1/namespaces/{space.name}/pods")["items"]
        if "deletionTimestamp" not in pod["metadata"]
    }
    found = wait_for(
        "all proxies to be in step",
        lambda: states(space),
        until=lambda now: not _refusing(now),
        within_seconds=30,
    )

    assert set(found) >= pods
    assert len(pods) >= 11  # seven of Messenger, three mocks and delivery


def test_a_proxy_that_refuses_its_configuration_is_seen(space: Canary) -> None:
    """The control: a limit that Envoy finds too fine, for the proxy of delivery."""
    refused = _filter_that_is_refused()
    space.apply(refused)
    try:
        found = wait_for(
            "a refusal", lambda: _refusing(states(space)), until=bool, within_seconds=30
        )
    finally:
        space.delete(refused)

    assert found == ["delivery-0"]
    wait_for("its end", lambda: _refusing(states(space)), until=lambda n: not n, within_seconds=60)


def _refusing(found: dict[str, set[str]]) -> list[str]:
    """Return the pods whose proxies are not in step."""
    return sorted(name for name, parts in found.items() if not parts <= UNTOUCHED)


def _filter_that_is_refused() -> Object:
    name = "envoy.filters.http.local_ratelimit"
    limit = {
        "@type": "type.googleapis.com/"
        "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "refused",
        # Envoy fills a bucket every 50 ms at the most.
        "token_bucket": {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "0.001s"},
    }
    manager = {"filter": {"name": "envoy.filters.network.http_connection_manager"}}
    match = {"context": "SIDECAR_INBOUND", "listener": {"filterChain": manager}}
    patch = {"operation": "INSERT_BEFORE", "value": {"name": name, "typed_config": limit}}
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "refused"},
        "spec": {
            "workloadSelector": {"labels": {"app": "delivery"}},
            "configPatches": [{"applyTo": "HTTP_FILTER", "match": match, "patch": patch}],
        },
    }
