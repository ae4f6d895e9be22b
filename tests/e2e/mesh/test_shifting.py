"""The weight moves forth and back, a canary is replaced by the next, and no request fails."""

import time
from collections.abc import Callable

import pytest

from tests.e2e.load import loading
from tests.e2e.mesh.canary import SETTLED_SECONDS, Canary, Edit, find, without_retries

RATE = 15.0
"""Requests a second: each passes sixteen proxies. With 25 there was too little left of two busy
cores for pods to start: 5 of 4,300 heard that a mock had been late."""

WATCHED_SECONDS = 8.0
"""How long each state is under load."""

PATIENCE_SECONDS = 600.0
"""How long the load lasts if nobody stops it."""

NEXT = "2.1"
"""What the superseding canary calls itself."""


@pytest.mark.parametrize(
    "edit",
    [
        # With retries as well it is the easier case, and takes three minutes more.
        pytest.param(lambda _: None, id="as it is", marks=pytest.mark.slow),
        pytest.param(without_retries, id="without retries"),
    ],
)
def test_no_request_fails_while_the_weight_moves(
    canary: Canary,
    edit: Edit,
    record_property: Callable[[str, object], None],
    request: pytest.FixtureRequest,
) -> None:
    """From a tenth to half, to all and back, and half again under a canary that is replaced."""
    took = time.monotonic()
    try:
        canary.go_to("90-10", edit)
        with loading(canary, "shift", rate=RATE, seconds=PATIENCE_SECONDS) as load:
            for state in ("50-50", "0-100", "90-10", "50-50"):
                canary.go_to(state, edit)
                time.sleep(WATCHED_SECONDS)
            canary.set_environment("messenger-v2", {"MESSENGER_VERSION": NEXT})
            canary.settle("deployment/messenger-v2")
            time.sleep(WATCHED_SECONDS)
            report = load.stop()
    finally:
        canary.set_environment("messenger-v2", {"MESSENGER_VERSION": None})
        canary.apply_all()

    record_property(
        f"mesh shift, {request.node.callspec.id}",
        f"{time.monotonic() - took:.0f} s, {report.figures} {report.versions}",
    )
    assert report.failed == 0, report.examples
    assert set(report.versions) == {"1.0", "2.0", NEXT}


def test_requests_fail_where_a_route_names_subsets_that_come_later(
    canary: Canary, record_property: Callable[[str, object], None]
) -> None:
    """The control: the DestinationRule applied after the VirtualService."""
    rule = find(canary.rendered(), "DestinationRule")
    arguments = ["--get=/version"]
    with loading(canary, "late-rule", rate=RATE, seconds=60, arguments=arguments) as load:
        canary.delete(rule)
        time.sleep(SETTLED_SECONDS)
        canary.apply(rule)
        time.sleep(SETTLED_SECONDS)
        report = load.stop()

    record_property("mesh control, DestinationRule late", report.figures)
    assert report.failed > 0, report.figures
