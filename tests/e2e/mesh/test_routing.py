"""Who asks for the new version gets it, who had one stays with it, and a copy goes unheard."""

import pytest

from tests.e2e.load import loading
from tests.e2e.mesh.caller import Caller, Reply
from tests.e2e.mesh.canary import Canary
from tests.e2e.mesh.proxies import answered

URL = "http://messenger/version"

TIMES = 100
"""How often is asked where all answers have to be of one version: never so by chance."""

COPIED = 200
"""How many messages are mirrored."""

RATE = 10.0
"""Messages a second where they are: half of what other experiments send, since each is worked on
twice, and calls twelve downstreams each time."""


def versions(replies: list[Reply]) -> set[str]:
    """Return the versions that answered."""
    assert {reply.status for reply in replies} == {200}
    return {reply.version for reply in replies}


def test_who_says_so_gets_the_new_version(canary: Canary, caller: Caller) -> None:
    """Each time; who does not gets both, which is the control."""
    with canary.having("header-routing"):
        asking = caller.ask(URL, headers={"x-canary": "always"}, times=TIMES)
        others = caller.ask(URL, times=TIMES)

    assert versions(asking) == {"2.0"}
    assert versions(others) == {"1.0", "2.0"}


def test_without_the_component_the_header_means_nothing(caller: Caller) -> None:
    """The control: whoever sends it is dealt out like everybody."""
    assert versions(caller.ask(URL, headers={"x-canary": "always"}, times=TIMES)) == {"1.0", "2.0"}


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_caller_stays_with_the_version_that_answered_first(
    canary: Canary, caller: Caller, version: str
) -> None:
    """By the cookie of the first answer, beside others that the caller has."""
    with canary.having("sticky"):
        cookie = cookie_of(version, caller)
        staying = caller.ask(URL, headers={"cookie": f"a=b; {cookie}; c=d"}, times=TIMES)

    assert versions(staying) == {version}


def cookie_of(version: str, caller: Caller) -> str:
    """Return the cookie that a caller is given with the first answer of a version."""
    first = next(each for each in caller.ask(URL, times=TIMES) if each.version == version)
    return first.headers["set-cookie"].partition(";")[0]


def test_without_the_component_the_cookie_holds_nobody(canary: Canary, caller: Caller) -> None:
    """The control: who has one from before gets both versions, and no new one."""
    with canary.having("sticky"):
        cookie = cookie_of("2.0", caller)
    replies = caller.ask(URL, headers={"cookie": cookie}, times=TIMES)

    assert versions(replies) == {"1.0", "2.0"}
    assert not any("set-cookie" in reply.headers for reply in replies)


def test_a_copy_of_what_may_be_repeated_goes_to_the_new_version_unheard(canary: Canary) -> None:
    """Callers hear 1.0 alone, 2.0 has got every message too, and each was delivered once."""
    before = canary.deliveries()
    with canary.having("100-0", "mirror"):
        heard = answered_by_the_new(canary)
        with loading(canary, "mirror", rate=RATE, seconds=COPIED / RATE) as load:
            report = load.report()
        copied = answered_by_the_new(canary) - heard
        with loading(
            canary, "mirror-keyless", rate=RATE, seconds=COPIED / RATE, arguments=["--keyless"]
        ) as load:
            keyless = load.report()
        uncopied = answered_by_the_new(canary) - heard - copied
    after = canary.deliveries()

    assert (report.failed, keyless.failed) == (0, 0), (report.examples, keyless.examples)
    assert set(report.versions) == {"1.0"}
    assert (copied, uncopied) == (COPIED, 0)
    assert after["deliveries"] - before["deliveries"] == 2 * COPIED
    assert after["replays"] - before["replays"] == COPIED
    assert after["duplicates"] == before["duplicates"]


def test_without_the_component_nothing_is_copied(canary: Canary) -> None:
    """The control: with all of the weight on 1.0 the new version gets nothing at all."""
    with canary.having("100-0"):
        heard = answered_by_the_new(canary)
        with loading(canary, "unmirrored", rate=RATE, seconds=COPIED / RATE) as load:
            report = load.report()
        copied = answered_by_the_new(canary) - heard

    assert report.failed == 0, report.examples
    assert (set(report.versions), copied) == ({"1.0"}, 0)


def answered_by_the_new(canary: Canary) -> int:
    """Return how many messages the pods of the new version have answered."""
    news = canary.names_of(app="messenger", version="2.0")
    return sum(answered(canary, pod, "/v1/messages") for pod in news)
