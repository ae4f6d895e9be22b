"""Load shedding: the one request too many is refused at once."""

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from messenger.errors import Overloaded
from messenger.shedding import Capacity, SheddingMiddleware


async def receive() -> dict[str, object]:
    """Receive nothing."""
    raise AssertionError


async def send(message: object) -> None:
    """Send nothing."""
    raise AssertionError(message)


class Waiting:
    """An application whose requests wait until they are let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        """Wait."""
        await self.go.wait()


async def test_the_request_beyond_the_limit_is_refused_and_counted() -> None:
    """Those within it are served, and each gives its place back."""
    shed: list[None] = []
    capacity = Capacity(2, lambda: shed.append(None))
    waiting = Waiting()
    app = SheddingMiddleware(waiting, capacity)
    served = [asyncio.ensure_future(app({}, receive, send)) for _ in range(2)]
    await asyncio.sleep(0)

    assert capacity.in_flight == 2
    with pytest.raises(Overloaded):
        await app({}, receive, send)
    assert len(shed) == 1
    waiting.go.set()
    await asyncio.gather(*served)
    assert capacity.in_flight == 0


async def test_a_request_that_fails_gives_its_place_back() -> None:
    """A place lost for each failure would end as a process that serves nobody."""
    capacity = Capacity(1, lambda: None)

    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise LookupError

    for _ in range(3):
        with pytest.raises(LookupError):
            await SheddingMiddleware(fail, capacity)({}, receive, send)

    assert capacity.in_flight == 0
