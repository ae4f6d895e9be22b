"""What is too much for a pod is refused by its proxy."""

import json
from collections import Counter

import pytest

from tests.e2e.mesh.caller import Caller
from tests.e2e.mesh.canary import Canary
from tests.e2e.mesh.proxies import answered

BURST = 600
"""Requests as fast as they go: six times what one pod's bucket holds."""

QUIET_RATE = 40.0
"""Requests a second below the limit of 50."""

QUIET = 400
"""How many of those: ten seconds."""


@pytest.fixture
def pod(canary: Canary) -> str:
    """Return one pod of Messenger: the limit is each pod's own."""
    first, *_ = canary.names_of(app="messenger", version="1.0")
    return first


def url(canary: Canary, pod: str) -> str:
    """Return where the version of a pod is read."""
    found = json.loads(canary.kubectl("get", "pod", pod, "-o", "json"))
    return f"http://{found['status']['podIP']}:8080/version"


def test_what_is_too_much_never_reaches_the_application(
    canary: Canary, caller: Caller, pod: str
) -> None:
    """It gets 429, and Messenger has counted the others alone; under the limit all is well."""
    with canary.having("rate-limit"):
        before = answered(canary, pod, "/version")
        crowd = Counter(reply.status for reply in caller.ask(url(canary, pod), times=BURST))
        seen = answered(canary, pod, "/version") - before
        quiet = caller.ask(url(canary, pod), times=QUIET, rate=QUIET_RATE)

    assert set(crowd) == {200, 429}, crowd
    assert seen == crowd[200] < BURST / 2
    assert {reply.status for reply in quiet} == {200}


def test_without_the_component_all_of_it_passes(canary: Canary, caller: Caller, pod: str) -> None:
    """The control."""
    crowd = caller.ask(url(canary, pod), times=BURST)

    assert {reply.status for reply in crowd} == {200}
