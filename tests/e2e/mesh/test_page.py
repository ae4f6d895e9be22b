"""The live page behind the mesh's gateway shows the canary: what is split, spoiled, stuck and left.

The browser asks one address; the mesh chooses who answers.
"""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.binomial import interval
from tests.browser.conftest import OpenPage
from tests.browser.window import MOST_BYTES, SOON_SECONDS
from tests.e2e.cluster import wait_for
from tests.e2e.mesh.canary import Canary

GATEWAY = ("istio-system", "service/istio-ingressgateway", 80)
"""The gateway as Istio installs it."""

SHARE = 0.1
"""Version 2.0's."""

ENOUGH = 400
"""Requests: 10 % are 22 to 61 of them in 999 of 1,000 cases, and 25 % are 72 and more."""

ENOUGH_SECONDS = 55.0
"""Within the minute for which a dot is drawn; 20 s where each answer comes at once."""

PROVEN_SECONDS = 10.0
"""Until a deadlock is proven; the pod gets no traffic any more after three failed probes, 15 s."""

LEAVING_SECONDS = 30.0
"""Until pods that are too many are on their way out."""

TOLD_SECONDS = 3.0
"""Until a process has the signal that it is sent by way of kubectl."""

DRAWN = """() => Object.fromEntries(["1.0", "2.0"].map(version => [
    version,
    [...document.querySelectorAll(`#stream .mark[data-version="${version}"]`)]
        .reduce((sum, mark) => sum + Number(mark.dataset.count), 0),
]))"""
"""How many dots there are of each version."""

IS_ENOUGH = f"() => Object.values(({DRAWN})()).reduce((sum, each) => sum + each) >= {ENOUGH}"

TERMINATE = "import os, signal; os.kill(1, signal.SIGTERM)"

Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def address(canary: Canary) -> Iterator[str]:
    """Yield the address of the page behind the gateway."""
    with canary.cluster.forward(*GATEWAY) as port:
        yield f"http://messenger.localhost:{port}"


@contextlib.contextmanager
def spoiled(canary: Canary, faults: str) -> Iterator[None]:
    """Have every pod of both versions spoil its calls: whoever answers the page says so."""
    pods = canary.names_of(app="messenger")
    try:
        for pod in pods:
            canary.order_fault(pod, faults)
        yield
    finally:
        for pod in pods:
            canary.clear_faults(pod)


@contextlib.contextmanager
def one_pod(canary: Canary) -> Iterator[str]:
    """Have one pod get every request, and yield its name; then all is as it was."""
    replicas = len(canary.names_of(app="messenger", version="1.0"))
    try:
        canary.kubectl("scale", "deployment/messenger", "--replicas=1")
        canary.weigh(0)
        (pod,) = wait_for(
            "all pods but one to leave",
            lambda: canary.names_of(app="messenger", version="1.0"),
            until=lambda left: len(left) == 1,
            within_seconds=LEAVING_SECONDS,
        )
        yield pod
    finally:
        canary.kubectl("scale", "deployment/messenger", f"--replicas={replicas}")
        canary.settle("deployment/messenger")
        canary.weigh(10)


def test_dots_are_shared_out_by_version_as_the_mesh_does(
    address: str, open_page: OpenPage, record_property: Record
) -> None:
    """A tenth is version 2.0's, as closely as chance allows, and the page says that it is.

    Meanwhile the console stays empty, the page is small, and everybody can use it.
    """
    window = open_page(f"{address}/?ask=version&rate=20&weight=10")
    window.page.wait_for_function(IS_ENOUGH, timeout=1000 * ENOUGH_SECONDS)
    dots = window.page.evaluate(DRAWN)
    least, greatest = interval(sum(dots.values()), SHARE)
    record_property("page behind the gateway", f"{dots}: {least} to {greatest}")

    assert least <= dots["2.0"] <= greatest
    window.sees('#versions tr[data-version="2.0"]', "✓ within")
    assert window.violations() == []
    assert window.complaints == []
    assert 0 < window.bytes <= MOST_BYTES
    # The control: a weight that was not kept to is seen as such.
    window.page.locator("#weight").fill("50")
    window.sees('#versions tr[data-version="2.0"]', "✕ outside")


def test_another_split_is_told_apart(canary: Canary, address: str, open_page: OpenPage) -> None:
    """The control of the share: with a quarter for version 2.0 there are too many dots."""
    canary.weigh(25)
    try:
        window = open_page(f"{address}/?ask=version&rate=20&weight=10")
        window.page.wait_for_function(IS_ENOUGH, timeout=1000 * ENOUGH_SECONDS)
        dots = window.page.evaluate(DRAWN)
    finally:
        canary.weigh(10)

    assert dots["2.0"] > interval(sum(dots.values()), SHARE)[1]


def test_a_fault_shows_within_two_seconds_and_reverts(
    canary: Canary, address: str, open_page: OpenPage
) -> None:
    """In force, as errors in the stream, and gone again."""
    window = open_page(f"{address}/?ask=messages&rate=10")
    window.sees("#in-force", "No fault is in force.")
    window.has('#stream .mark[data-version="1.0"]:not(.error)')
    assert window.page.locator("#stream .mark.error").count() == 0  # the control
    with spoiled(canary, "error:60%"):
        window.sees("#in-force", "In force: error:60%", seconds=SOON_SECONDS)
        window.has("#stream .mark.error", seconds=SOON_SECONDS)
    window.sees("#in-force", "No fault is in force.", seconds=SOON_SECONDS)

    assert window.crashes == []


def test_a_deadlock_of_tasks_draws_its_cycle(
    canary: Canary, address: str, open_page: OpenPage
) -> None:
    """Of the pod that answers, before its probes take it out of the mesh."""
    with one_pod(canary) as pod:
        window = open_page(f"{address}/?ask=version")
        window.sees("#cause", "Nobody waits")
        assert window.page.locator("#waits svg").count() == 0  # the control
        canary.order_fault(pod, "deadlock=tasks")
        expect(window.page.locator("#waits .edge.closed")).to_have_count(
            2, timeout=1000 * PROVEN_SECONDS
        )
        window.sees("#cause", "deadlock-tasks", seconds=SOON_SECONDS)
        window.sees("#pill-alive", "no: deadlock-tasks", seconds=PROVEN_SECONDS)

    assert window.crashes == []


def test_a_drain_shows(canary: Canary, address: str, open_page: OpenPage) -> None:
    """The process has SIGTERM and its pod stays, so that the mesh sends there until it is unready.

    A pod that is deleted gets no request from the gateway any more, and shows nothing.
    """
    with one_pod(canary) as pod:
        window = open_page(f"{address}/?ask=version")
        window.sees("#stages [aria-current]", "serving")
        canary.kubectl("exec", pod, "-c", "messenger-app", "--", "python", "-c", TERMINATE)
        window.sees("#stages [aria-current]", "draining", seconds=TOLD_SECONDS)
        window.sees("#pill-ready", "no: draining", seconds=SOON_SECONDS)

    assert window.crashes == []
