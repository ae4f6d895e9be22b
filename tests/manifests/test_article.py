"""The numbers that the article fixes, where it has them: in the base, unchanged by any overlay."""

import pytest

from tests.manifests.objects import Object, find
from tests.manifests.rendering import ISTIO, Rendering, load, render

UNCHANGED = (Rendering("base"), Rendering("overlays/stable"))
"""Where all of them hold: the base, and the overlay that shows the article's first two acts."""


@pytest.fixture(params=UNCHANGED, ids=lambda rendering: rendering.name)
def deployment(request: pytest.FixtureRequest) -> Object:
    """Return the Deployment."""
    return find(render(request.param), "Deployment", "messenger")


@pytest.fixture
def container(deployment: Object) -> Object:
    """Return its container."""
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def test_five_replicas_are_wanted(deployment: Object) -> None:
    """The article's first number."""
    assert deployment["spec"]["replicas"] == 5


def test_the_container_has_its_name_image_and_port(container: Object) -> None:
    """`my-app:1.0` has become the image's own name."""
    assert container["name"] == "messenger-app"
    assert container["image"] == "messenger-v1:1.0"
    assert [port["containerPort"] for port in container["ports"]] == [8080]


def test_readiness_is_asked_after_15_s_every_5_s(container: Object) -> None:
    """And nothing else is said, so Kubernetes' defaults hold for the rest."""
    assert container["readinessProbe"] == {
        "httpGet": {"path": "/health/ready", "port": 8080},
        "initialDelaySeconds": 15,
        "periodSeconds": 5,
    }


def test_liveness_is_asked_after_30_s_every_10_s(container: Object) -> None:
    """The same."""
    assert container["livenessProbe"] == {
        "httpGet": {"path": "/health/alive", "port": 8080},
        "initialDelaySeconds": 30,
        "periodSeconds": 10,
    }


def test_no_hook_delays_the_stop(container: Object) -> None:
    """The article has none, and the process drains by itself."""
    assert "lifecycle" not in container


@pytest.mark.parametrize("rendering", UNCHANGED, ids=lambda rendering: rendering.name)
def test_80_percent_of_the_pods_stay(rendering: Rendering) -> None:
    """The contract of the second act."""
    budget = find(render(rendering), "PodDisruptionBudget", "messenger-pdb")

    assert budget["apiVersion"] == "policy/v1"
    assert budget["spec"]["minAvailable"] == "80%"
    assert budget["spec"]["selector"] == {"matchLabels": {"app": "messenger"}}


def test_production_keeps_replicas_periods_and_budget() -> None:
    """It replaces the initial delays by a startup probe, and nothing else of the article's."""
    objects = render(Rendering("overlays/production"))
    spec = find(objects, "Deployment", "messenger")["spec"]
    (container,) = spec["template"]["spec"]["containers"]

    assert spec["replicas"] == 5
    assert container["readinessProbe"]["periodSeconds"] == 5
    assert container["livenessProbe"]["periodSeconds"] == 10
    assert find(objects, "PodDisruptionBudget", "messenger-pdb")["spec"]["minAvailable"] == "80%"


def test_the_other_form_of_the_contract_is_20_percent_missing() -> None:
    """The article's second form, as a component."""
    objects = render(Rendering("overlays/stable", ("pdb-max-unavailable",)))
    spec = find(objects, "PodDisruptionBudget", "messenger-pdb")["spec"]

    assert spec["maxUnavailable"] == "20%"
    assert "minAvailable" not in spec


def test_version_two_has_its_image_and_label() -> None:
    """What the third act's subsets select."""
    objects = render(Rendering("overlays/stable", ("canary-v2",)))
    spec = find(objects, "Deployment", "messenger-v2")["spec"]
    (container,) = spec["template"]["spec"]["containers"]

    assert container["image"] == "messenger-v2:2.0"
    assert spec["template"]["metadata"]["labels"]["version"] == "2.0"
    assert spec["replicas"] == 2


@pytest.mark.parametrize("kind", ["DestinationRule", "VirtualService"])
def test_the_mesh_objects_of_the_article_are_of_the_current_api(kind: str) -> None:
    """`v1beta1` there; the same under the name that stays."""
    found = load(ISTIO / "base" / f"{kind.lower()}.yaml")

    assert (found["apiVersion"], found["kind"]) == ("networking.istio.io/v1", kind)
    assert found["metadata"]["name"] == "messenger"


def test_the_subsets_are_told_apart_by_version() -> None:
    """The article's DestinationRule, whole."""
    found = load(ISTIO / "base" / "destinationrule.yaml")

    assert found["spec"] == {
        "host": "messenger",
        "subsets": [
            {"name": "v1", "labels": {"version": "1.0"}},
            {"name": "v2", "labels": {"version": "2.0"}},
        ],
    }


def test_90_of_100_go_to_version_one() -> None:
    """The article's split, in the base, and in the overlay that shows the third act."""
    base = load(ISTIO / "base" / "virtualservice.yaml")
    shown = find(render(Rendering("overlays/canary")), "VirtualService", "messenger")

    assert base["spec"]["hosts"][0] == "messenger"
    assert [rule["name"] for rule in base["spec"]["http"]] == ["primary"]
    for rule in (*base["spec"]["http"], *shown["spec"]["http"]):
        assert rule["route"] == [
            {"destination": {"host": "messenger", "subset": "v1"}, "weight": 90},
            {"destination": {"host": "messenger", "subset": "v2"}, "weight": 10},
        ]


@pytest.mark.parametrize(
    ("state", "replicas"), [("100-0", 2), ("90-10", 2), ("50-50", 3), ("0-100", 5)]
)
def test_a_state_has_the_weights_of_its_name(state: str, replicas: int) -> None:
    """And the replicas of version 2.0 that they need, in every rule that shares out."""
    objects = render(Rendering("overlays/canary", (state,)))
    rules = find(objects, "VirtualService", "messenger")["spec"]["http"]

    assert {"-".join(str(part["weight"]) for part in rule["route"]) for rule in rules} == {state}
    assert find(objects, "Deployment", "messenger-v2")["spec"]["replicas"] == replicas
