"""Rates hold over ten thousand real calls, and delays where the calls are."""

import asyncio
import time
from collections.abc import Iterator

import aiohttp
import pytest

from tests.binomial import interval
from tests.integration.process import Process, running

CALLS = 10_000
"""How many calls each rate is held to."""

RATES = {
    "accounts": 0.01,
    "contacts": 0.1,
    "profiles": 0.15,
    "preferences": 0.5,
    "presence": 0.6,
    "delivery": 0.99,
}
"""A rate for each of six services; what else they answer does not matter here."""

CONNECTIONS = 20
"""How many calls are made at a time."""

PATHS = dict.fromkeys(RATES, "v1/entries/alice") | {
    "presence": "v1/presence/alice",
    "delivery": "v1/deliveries/x",
}


@pytest.fixture(scope="module")
def mocks() -> Iterator[Process]:
    """Services with a rate of errors each, and one with latency."""
    faults = [f"{service}=error:{rate * 100:g}%" for service, rate in RATES.items()]
    faults.append("templates=latency:lognormal(10ms,p99=40ms)")
    env = {
        "DOWNSTREAM_PORT": "0",
        "DOWNSTREAM_FAULTS": ";".join(faults),
        "DOWNSTREAM_FAULTS_SEED": "20261125",
    }
    with running("downstream", env=env) as mocks:
        yield mocks


async def count_errors(mocks: Process, service: str) -> int:
    """Make the calls, and count those that failed."""
    url = f"{mocks.url}/{service}/{PATHS[service]}"

    async def call_some(session: aiohttp.ClientSession) -> int:
        errors = 0
        for _ in range(CALLS // CONNECTIONS):
            async with session.get(url) as answer:
                errors += answer.status == 503
        return errors

    async with aiohttp.ClientSession() as session:
        return sum(await asyncio.gather(*(call_some(session) for _ in range(CONNECTIONS))))


async def test_one_rate_holds_over_ten_thousand_calls(mocks: Process) -> None:
    """The rate of product and README, 15 %, lies inside the interval of 99.9 %."""
    errors = await count_errors(mocks, "profiles")

    least, greatest = interval(CALLS, RATES["profiles"])
    assert least <= errors <= greatest


@pytest.mark.slow
@pytest.mark.parametrize("service", RATES)
async def test_every_rate_holds_over_ten_thousand_calls(mocks: Process, service: str) -> None:
    """Each of six rates from 1 % to 99 % lies inside the interval of 99.9 %."""
    errors = await count_errors(mocks, service)

    least, greatest = interval(CALLS, RATES[service])
    assert least <= errors <= greatest


async def test_half_of_the_calls_take_longer_than_the_median(mocks: Process) -> None:
    """A log-normal latency is on the wire what it is in the dice, and no call is quicker."""
    calls, at_a_time = 400, 10

    async def call_some(session: aiohttp.ClientSession) -> list[float]:
        seconds = []
        for _ in range(calls // at_a_time):
            began = time.monotonic()
            async with session.get(f"{mocks.url}/templates/v1/entries/sms") as answer:
                assert answer.status == 200
            seconds.append(time.monotonic() - began)
        return seconds

    async with aiohttp.ClientSession() as session:
        taken = sum(
            await asyncio.gather(*(call_some(session) for _ in range(at_a_time))),
            start=list[float](),
        )

    # The wire and a busy machine only ever add to a delay: hence no limit above.
    least, _ = interval(calls, 0.5)
    assert sum(seconds > 0.01 for seconds in taken) >= least
    least, _ = interval(calls, 0.99)
    assert sum(seconds > 0.01 * (10 / 40) for seconds in taken) >= least
