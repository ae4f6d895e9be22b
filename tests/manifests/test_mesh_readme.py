"""The table of time-outs in istio/README.md is what the manifests say, with a control."""

import pytest

from tests.manifests.objects import Object, Objects, find
from tests.manifests.rendering import MESH_README, Rendering, render, table

COLUMNS = ("time-out", "tries", "each", "connections", "an ejected replica")


def told() -> dict[str, tuple[str, ...]]:
    """Return what the README says of each downstream, without the reasons."""
    return {name: tuple(cells) for name, *cells, _ in table("downstream", MESH_README)}


def said(objects: Objects, downstream: str) -> tuple[str, ...]:
    """Return what the manifests say of one."""
    rule: Object = find(objects, "VirtualService", downstream)["spec"]["http"][0]
    policy: Object = find(objects, "DestinationRule", downstream)["spec"]["trafficPolicy"]
    return (
        rule["timeout"],
        str(rule["retries"]["attempts"] + 1),
        rule["retries"].get("perTryTimeout", ""),
        str(policy["connectionPool"]["tcp"]["maxConnections"]),
        policy.get("outlierDetection", {}).get("baseEjectionTime", "never"),
    )


@pytest.mark.parametrize("downstream", told())
def test_the_readme_has_the_numbers_of_the_manifests(downstream: str) -> None:
    """Whoever changes one changes the other."""
    numbers = said(render(Rendering("overlays/canary")), downstream)

    assert dict(zip(COLUMNS, told()[downstream], strict=True)) == dict(
        zip(COLUMNS, numbers, strict=True)
    )


def test_the_readme_has_a_row_for_each_of_the_twelve() -> None:
    """None is left to the mesh's defaults."""
    assert len(told()) == 12


def test_another_number_is_seen() -> None:
    """The control."""
    objects = render(Rendering("overlays/canary"))
    find(objects, "VirtualService", "consent")["spec"]["http"][0]["timeout"] = "2s"

    assert said(objects, "consent") != told()["consent"]
