"""A replica that fails is left alone: outlier detection, which no code of the service has."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.cluster import Object
from tests.e2e.load import Report, loading
from tests.e2e.mesh.canary import Canary

SERVICE = "spam"
"""It is asked for each message, and once only: with retries, callers would hardly notice."""

RATE = 20.0
"""Messages a second: each pod of Messenger asks the bad replica once a second, five times."""

FIRST_SECONDS = 25.0
"""How long the proxies have to find it twice: after 15 s it is tried again, then not for 30 s."""

SECONDS = 15.0
"""How long the callers are asked about it: no longer than it is left alone then."""

FAULT = "error:100%"

FEW, MANY = 0.15, 0.25
"""Shares of the messages that do without it: less than half of a third, and about a third."""


@pytest.fixture
def bad(canary: Canary) -> Iterator[str]:
    """Yield one of three replicas, of which every answer for one service is an error."""
    first, *_ = canary.names_of(app="downstream")
    canary.order_fault(first, FAULT, SERVICE)
    try:
        yield first
    finally:
        canary.clear_faults(first, SERVICE)


def degraded_share(report: Report) -> float:
    """Return the share of the messages that had to do without the service."""
    assert report.failed == 0, report.examples
    return report.degraded_by.get(SERVICE, 0) / report.ok


def load(canary: Canary, name: str, seconds: float) -> Report:
    """Send messages for a while."""
    with loading(canary, name, rate=RATE, seconds=seconds) as load:
        return load.report()


def test_a_bad_replica_is_left_alone(
    canary: Canary, bad: str, record_property: Callable[[str, object], None]
) -> None:
    """At first a part of the callers has to do without; then hardly anybody."""
    del bad
    first = degraded_share(load(canary, "eject-first", FIRST_SECONDS))
    then = degraded_share(load(canary, "eject-then", SECONDS))

    record_property("mesh outlier detection", f"degraded {first:.1%}, then {then:.1%}")
    assert then < FEW


def test_without_the_component_it_stays(
    canary: Canary, bad: str, record_property: Callable[[str, object], None]
) -> None:
    """The control: every third call goes on failing."""
    del bad
    rule: Object = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": SERVICE},
    }
    canary.delete(rule)
    try:
        load(canary, "stay-first", FIRST_SECONDS)
        then = degraded_share(load(canary, "stay-then", SECONDS))
    finally:
        canary.apply(*(e for e in canary.rendered() if e["kind"] == "DestinationRule"))

    record_property("mesh without outlier detection", f"degraded {then:.1%}")
    assert then > MANY
