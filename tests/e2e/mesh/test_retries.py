"""A proxy that dies takes answers along: who sent a key is asked for again, and delivered once."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.cluster import Object
from tests.e2e.load import Report, loading
from tests.e2e.mesh.canary import SETTLED_SECONDS, Canary

RATE = 20.0
"""Messages a second, so that two or three are in work at each pod at any time."""

SLOW_AUDIT = "latency:280ms"
"""Less than Messenger waits for `audit`: a message in work is most likely delivered already."""

KILLS = 4
"""How many proxies are killed, one after another: some ten answers are lost."""

PAUSE_SECONDS = 8.0
"""Time between two kills: a retry must meet neither with the next one nor with a proxy that is not
back from the last."""

KILL = (
    "for each in /proc/[0-9]*; do read -r name < $each/comm 2>/dev/null || continue; "
    "[ $name = envoy ] && kill -9 ${each#/proc/}; done; exit 0"
)
"""Kills Envoy from within its container, of which it is not the first process."""

Record = Callable[[str, object], None]


@pytest.fixture(scope="module", autouse=True)
def _slow_audit(canary: Canary) -> Iterator[None]:
    """Have messages in work for some time after they were delivered."""
    mocks = canary.names_of(app="downstream")
    for pod in mocks:
        canary.order_fault(pod, SLOW_AUDIT, "audit")
    yield
    for pod in mocks:
        canary.clear_faults(pod, "audit")


def lose_answers(canary: Canary, name: str, *arguments: str) -> tuple[Report, dict[str, int]]:
    """Kill proxies under load, and return what callers saw and what was delivered."""
    before = canary.deliveries()
    with loading(canary, name, rate=RATE, seconds=300, arguments=arguments) as load:
        for _ in range(KILLS):
            victim = canary.names_of(app="messenger", version="1.0")[0]
            canary.kubectl("exec", victim, "-c", "istio-proxy", "--", "sh", "-c", KILL)
            time.sleep(PAUSE_SECONDS)
        report = load.stop()
    after = canary.deliveries()
    return report, {name: after[name] - before[name] for name in after}


def test_a_message_with_a_key_is_tried_again_and_delivered_once(
    canary: Canary, record_property: Record
) -> None:
    """Callers notice nothing; `delivery` has heard some of them twice, and delivered none twice."""
    report, counts = lose_answers(canary, "keyed")

    record_property("mesh retries, with a key", f"{counts}, {report.figures}")
    assert report.failed == 0, report.examples
    assert counts["deliveries"] == report.sent
    assert counts["replays"] > 0
    assert counts["duplicates"] == 0


def test_a_message_without_a_key_is_sent_once(canary: Canary, record_property: Record) -> None:
    """Callers hear that there was no answer, and may decide; none was delivered twice."""
    report, counts = lose_answers(canary, "keyless", "--keyless")

    record_property("mesh retries, without a key", f"{counts}, {report.figures}")
    assert report.failed > 0, report.figures
    assert counts["duplicates"] == 0


def test_without_the_rule_a_message_is_delivered_twice(
    canary: Canary, record_property: Record
) -> None:
    """The control: everything is tried again, whether it has a key or not."""
    route = canary.route()
    for rule in route["spec"]["http"]:
        rule["retries"] = _careless(route)
    canary.apply(route)
    time.sleep(SETTLED_SECONDS)
    try:
        report, counts = lose_answers(canary, "careless", "--keyless")
    finally:
        canary.apply(canary.route())

    record_property("mesh retries, without the rule", f"{counts}, {report.figures}")
    assert counts["duplicates"] > 0


def _careless(route: Object) -> Object:
    """Return the retries of the rule for what may be repeated."""
    (found,) = (rule for rule in route["spec"]["http"] if rule["name"] == "repeatable")
    retries: Object = found["retries"]
    return retries
