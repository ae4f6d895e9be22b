"""What a call costs by the way it goes, which is how the transport of `downstreams` was chosen."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from functools import partial

import aiohttp
import httpx
import uvloop
from httpx_aiohttp import AiohttpTransport

from .row import Length, Row
from .sides import mocks
from .turns import Round, ratios, take_turns, values

FAN_OUT = 12
"""Calls at the same time: a message's, twice."""

ROUNDS = 25
FAN_OUTS = 40
"""How many fans of calls there are in a round."""

Get = Callable[[str], Awaitable[bytes]]
"""Fetches an address, with the connections that it keeps."""

WAYS = {
    "httpx": "httpx's own client",
    "client": "httpx's client over aiohttp",
    "transport": "httpx's transport over aiohttp",
    "aiohttp": "aiohttp's client",
}


async def _ways(stack: AsyncExitStack) -> dict[str, Get]:
    """Open a client of each kind."""
    stock = await stack.enter_async_context(httpx.AsyncClient())
    over = await stack.enter_async_context(httpx.AsyncClient(transport=AiohttpTransport()))
    transport = await stack.enter_async_context(AiohttpTransport())
    session = await stack.enter_async_context(aiohttp.ClientSession())

    async def by_client(client: httpx.AsyncClient, url: str) -> bytes:
        return (await client.get(url)).content

    async def by_transport(url: str) -> bytes:
        response = await transport.handle_async_request(httpx.Request("GET", url))
        return await response.aread()

    async def by_aiohttp(url: str) -> bytes:
        async with session.get(url) as response:
            return await response.read()

    return {
        "httpx": partial(by_client, stock),
        "client": partial(by_client, over),
        "transport": by_transport,
        "aiohttp": by_aiohttp,
    }


def rows(length: Length) -> list[Row]:
    """Measure the CPU of this process for each way of a call to the mocks."""
    with ExitStack() as stack, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        url = f"{mocks(stack).url}/presence/v1/presence/bob"
        opened = AsyncExitStack()
        gets = runner.run(_ways(opened))
        try:
            rounds = take_turns(
                {name: partial(_microseconds, runner, get, url) for name, get in gets.items()},
                length.of(quick=2, usual=ROUNDS),
            )
        finally:
            runner.run(opened.aclose())
    return [_row(rounds, name) for name in WAYS if name != "httpx"]


def _microseconds(runner: asyncio.Runner, get: Get, url: str) -> float:
    """Return what one call costs."""
    began = time.process_time()
    runner.run(_fans(get, url))
    return (time.process_time() - began) / (FAN_OUTS * FAN_OUT) * 1e6


async def _fans(get: Get, url: str) -> None:
    for _ in range(FAN_OUTS):
        bodies = await asyncio.gather(*(get(url) for _ in range(FAN_OUT)))
        assert all(b"online" in body for body in bodies)


def _row(rounds: Sequence[Round], name: str) -> Row:
    """Return how one way did beside httpx's own client."""
    return Row(
        f"CPU of one call of {FAN_OUT} at once, us, {WAYS[name]}, beside {WAYS['httpx']}",
        str(values(rounds, "httpx")),
        str(values(rounds, name)),
        f"ratio reported: {ratios(rounds, name, 'httpx')}",
        None,
    )
