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
        first = next(each for each in caller.ask(URL, times=TIMES) if each.version == version)
        cookie = first.headers["set-cookie"].partition(";")[0]
        staying = caller.ask(URL, headers={"cookie": f"a=b; {cookie}; c=d"}, times=TIMES)

    assert versions(staying) == {version}


def test_a_copy_of_what_may_be_repeated_goes_to_the_new_version_unheard(canary: Canary) -> None:
    """Callers hear 1.0 alone, 2.0 has got every message too, and each was delivered once."""
    before = canary.deliveries()
    with canary.having("100-0", "mirror"):
        news = canary.names_of(app="messenger", version="2.0")
        heard = sum(answered(canary, pod, "/v1/messages") for pod in news)
        with loading(canary, "mirror", rate=20, seconds=COPIED / 20) as load:
            report = load.report()
        copied = sum(answered(canary, pod, "/v1/messages") for pod in news) - heard
        with loading(
            canary, "mirror-keyless", rate=20, seconds=COPIED / 20, arguments=["--keyless"]
        ) as load:
            keyless = load.report()
        uncopied = sum(answered(canary, pod, "/v1/messages") for pod in news) - heard - copied
    after = canary.deliveries()

    assert (report.failed, keyless.failed) == (0, 0), (report.examples, keyless.examples)
    assert set(report.versions) == {"1.0"}
    assert (copied, uncopied) == (COPIED, 0)
    assert after["deliveries"] - before["deliveries"] == 2 * COPIED
    assert after["replays"] - before["replays"] == COPIED
    assert after["duplicates"] == before["duplicates"]
