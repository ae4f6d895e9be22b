"""Single flight: what many want at the same moment is fetched once, for all of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from messenger.errors import MessengerError
from messenger.health import AsyncLock

Cargo = TypeVar("Cargo")


class _Flight(Generic[Cargo]):
    """One fetch: whoever holds the lock is the one who fetches, the others wait for the lock."""

    __slots__ = ("cargo", "error", "has_landed", "lock", "passengers")

    def __init__(self, name: str) -> None:
        self.lock = AsyncLock(name)
        self.passengers = 0
        self.has_landed = False
        self.cargo: Cargo | None = None
        self.error: MessengerError | None = None


class Flights(Generic[Cargo]):
    """The fetches that are under way.

    A lock rather than a shared future, since a future dies with the task that made it: here, when
    the one who fetches is cancelled, the next in line takes over.

    Args:
        name: What the locks are called in an explanation of who waits for whom.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._under_way: dict[str, _Flight[Cargo]] = {}

    @property
    def under_way(self) -> int:
        """How many different things are being fetched."""
        return len(self._under_way)

    async def share(
        self, key: str, fetch: Callable[[], Awaitable[Cargo | None]], within_seconds: float
    ) -> Cargo | None:
        """Return what `fetch` brings, calling it only if nobody is fetching the same.

        Args:
            key: What is fetched.
            fetch: Brings it, or None when there is no such thing; has a deadline of its own.
            within_seconds: How long somebody else's fetch may be waited for.

        Raises:
            MessengerError: What the one who fetched met with; it is everybody's.
            TimeoutError: Somebody else's fetch took too long.
        """
        flight = self._under_way.get(key)
        if flight is None:
            flight = self._under_way[key] = _Flight(self._name)
        flight.passengers += 1
        try:
            async with asyncio.timeout(within_seconds):
                await flight.lock.acquire()
            try:
                if not flight.has_landed:
                    await _fly(flight, fetch)
            finally:
                flight.lock.release()
        finally:
            flight.passengers -= 1
            # Whoever comes after the landing begins anew: what was fetched may have changed.
            if (flight.has_landed or not flight.passengers) and self._under_way.get(key) is flight:
                del self._under_way[key]
        if flight.error is not None:
            raise flight.error
        return flight.cargo


async def _fly(flight: _Flight[Cargo], fetch: Callable[[], Awaitable[Cargo | None]]) -> None:
    """Fetch, and keep the outcome for all passengers."""
    try:
        flight.cargo = await fetch()
    except MessengerError as error:
        flight.error = error
    flight.has_landed = True
