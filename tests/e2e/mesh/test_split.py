"""Ninety and ten: the split holds as closely as chance allows, in each of its forms."""

from collections.abc import Callable

from tests.binomial import interval
from tests.e2e.load import Report, loading
from tests.e2e.mesh.canary import Canary

READS = 6_000
"""Enough that 85/15 cannot pass for 90/10, and a little more than the 5,000 asked for."""

RATE = 150.0
"""Reads of `/version` a second: they ask no mocks."""

SHARE = 0.1
"""Version 2.0's."""

Record = Callable[[str, object], None]


def read(canary: Canary, name: str) -> Report:
    """Read the version as often as is needed, and return who answered."""
    with loading(
        canary, name, rate=RATE, seconds=READS / RATE, arguments=["--get=/version"]
    ) as load:
        return load.report()


def of_new(report: Report) -> int:
    """Return how many answers were version 2.0's."""
    return int(report.versions.get("2.0", {"ok": 0})["ok"])


def test_a_tenth_of_the_requests_goes_to_the_new_version(
    canary: Canary, record_property: Record
) -> None:
    """Within the interval that holds 99.9 % of all fair splits; and none fails."""
    report = read(canary, "split-90-10")
    least, greatest = interval(report.sent, SHARE)

    record_property("mesh split 90/10", f"{of_new(report)} of {report.sent}: {least} to {greatest}")
    assert report.failed == 0, report.examples
    assert report.sent >= 5_000
    assert least <= of_new(report) <= greatest


def test_85_to_15_is_told_apart(canary: Canary, record_property: Record) -> None:
    """The control: the same measurement of another split is red."""
    canary.weigh(15)
    try:
        report = read(canary, "split-85-15")
    finally:
        canary.weigh(10)
    least, greatest = interval(report.sent, SHARE)

    record_property("mesh split 85/15", f"{of_new(report)} of {report.sent}: {least} to {greatest}")
    assert not least <= of_new(report) <= greatest


def test_the_gateway_api_gives_the_same_split(canary: Canary, record_property: Record) -> None:
    """As an HTTPRoute, of which the Service is the parent."""
    with canary.having("gateway-api"):
        report = read(canary, "split-http-route")
    least, greatest = interval(report.sent, SHARE)

    record_property("mesh split HTTPRoute", f"{of_new(report)} of {report.sent}")
    assert report.failed == 0, report.examples
    assert least <= of_new(report) <= greatest
