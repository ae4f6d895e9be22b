"""The canary that most tests of the mesh share, its caller, and whether there is a mesh at all."""

from collections.abc import Iterator

import pytest

from tests.browser.conftest import browser, open_page
from tests.e2e.cluster import Cluster
from tests.e2e.mesh.caller import Caller, calling
from tests.e2e.mesh.canary import SWITCH, Canary, open_canary, with_environment
from tests.e2e.space import wait_until_gone

__all__ = ["browser", "open_page"]
"""Fixtures of another tier that the tests here may ask for."""

ISTIOD = "/apis/apps/v1/namespaces/istio-system/deployments/istiod"


@pytest.fixture(scope="package")
def mesh(cluster: Cluster) -> Cluster:
    """Return the cluster, which has Istio in it and nothing else of ours; skip without."""
    status, _ = cluster.ask(ISTIOD)
    if status != 200:
        pytest.skip(f"no mesh: {cluster.context} has no Deployment istiod in istio-system")
    wait_until_gone(cluster)
    return cluster


@pytest.fixture(scope="package")
def canary(mesh: Cluster) -> Iterator[Canary]:
    """Yield the overlay, with faults that can be ordered; whoever changes it restores it."""
    with open_canary(mesh, "canary", with_environment(SWITCH)) as canary:
        yield canary


@pytest.fixture(scope="package")
def caller(canary: Canary) -> Iterator[Caller]:
    """Yield a pod in the mesh."""
    with calling(canary, "caller") as caller:
        yield caller
