"""Single flight: one fetch for all who want the same."""

import asyncio

import pytest

from messenger.errors import Unavailable
from messenger.flights import Flights


class Gated:
    """A fetch that waits to be let go, and counts how often it was begun."""

    def __init__(self, error: Exception | None = None) -> None:
        self.go = asyncio.Event()
        self.begun_total = 0
        self.error = error

    async def __call__(self) -> str:
        """Fetch."""
        self.begun_total += 1
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return "cargo"


async def board(flights: Flights[str], fetch: Gated, count: int) -> list[asyncio.Task[str | None]]:
    """Begin so many shares of one fetch, and let each come as far as it can."""
    tasks = [asyncio.create_task(flights.share("key", fetch, 1.0)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_many_who_want_the_same_cause_one_fetch() -> None:
    """All get what it brings."""
    flights, fetch = Flights[str]("test"), Gated()
    tasks = await board(flights, fetch, 5)
    fetch.go.set()

    assert await asyncio.gather(*tasks) == ["cargo"] * 5
    assert fetch.begun_total == 1


async def test_a_failure_is_shared() -> None:
    """A downstream in trouble is not asked once more by each who waited."""
    flights, fetch = Flights[str]("test"), Gated(Unavailable("accounts", "status"))
    tasks = await board(flights, fetch, 3)
    fetch.go.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(each) for each in outcomes] == [Unavailable] * 3
    assert fetch.begun_total == 1


async def test_the_next_takes_over_when_the_first_is_cancelled() -> None:
    """A client that leaves takes nobody else's answer away."""
    flights, fetch = Flights[str]("test"), Gated()
    first, second = await board(flights, fetch, 2)
    first.cancel()
    fetch.go.set()

    assert await second == "cargo"
    assert fetch.begun_total == 2
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_who_comes_after_the_landing_fetches_anew() -> None:
    """Flights keep nothing; remembering is for snapshots."""
    flights, fetch = Flights[str]("test"), Gated()
    fetch.go.set()
    await flights.share("key", fetch, 1.0)
    await flights.share("key", fetch, 1.0)

    assert fetch.begun_total == 2


async def test_nothing_is_left_of_a_fetch_whose_only_passenger_was_cancelled() -> None:
    """The next one to come finds no wreck, and begins at once."""
    flights, fetch = Flights[str]("test"), Gated()
    [only] = await board(flights, fetch, 1)
    only.cancel()
    await asyncio.wait([only])
    fetch.go.set()

    assert await flights.share("key", fetch, 1.0) == "cargo"
    assert not flights.under_way


async def test_waiting_for_somebody_elses_fetch_has_an_end() -> None:
    """Whoever waits too long is told so; the fetch goes on for the others."""
    flights, fetch = Flights[str]("test"), Gated()
    [first] = await board(flights, fetch, 1)
    with pytest.raises(TimeoutError):
        await flights.share("key", fetch, 0.01)
    fetch.go.set()

    assert await first == "cargo"
    assert not flights.under_way
