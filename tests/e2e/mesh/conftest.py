"""The canary that most tests of the mesh share, its caller, and whether there is a mesh at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import browser, open_page
from tests.e2e.cluster import Cluster
from tests.e2e.mesh.caller import Caller, calling
from tests.e2e.mesh.canary import (
    SWITCH,
    Canary,
    bare_mocks,
    both,
    open_canary,
    patient,
    with_environment,
)
from tests.e2e.space import wait_until_gone
from tests.scheduling import put_in_order

__all__ = ["browser", "open_page"]
"""Fixtures of another tier that the tests here may ask for."""

ISTIOD = "/apis/apps/v1/namespaces/istio-system/deployments/istiod"

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put those that deploy a canary of their own first, before the shared one is there as well.

    Side by side the two are forty proxies and applications, which keep two processors busy by
    themselves: mocks were late, and messages failed by that.
    """
    put_in_order(items, FOLDER, _shares_the_canary)


def _shares_the_canary(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "canary" in item.fixturenames


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
    """Yield the overlay, with faults that can be ordered; whoever changes it restores it.

    Its mocks have no proxies: test_proxies.py and test_identity.py look at those.
    """
    edit = both(with_environment(SWITCH), patient, bare_mocks)
    with open_canary(mesh, "canary", edit) as canary:
        yield canary


@pytest.fixture(scope="package")
def caller(canary: Canary) -> Iterator[Caller]:
    """Yield a pod in the mesh."""
    with calling(canary, "caller") as caller:
        yield caller
